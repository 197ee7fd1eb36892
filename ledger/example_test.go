package ledger_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"reflect"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/ledger"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// open returns a store in memory with one entry in its audit log.
func open(opts ...tier2.Option) *tier2.Store {
	ctx := context.Background()
	store, err := tier2.Open(ctx, ":memory:", opts...)
	if err != nil {
		log.Fatal(err)
	}
	if err := store.Audit.Record(ctx, &models.AuditEntry{AgentID: "coder", Operation: "lint", Status: models.AuditCompleted}); err != nil {
		log.Fatal(err)
	}
	return store
}

// Anyone with the public key can check the signatures of the store.
func ExampleGenerateKey() {
	private, public, err := ledger.GenerateKey("ggen-ci")
	if err != nil {
		log.Fatal(err)
	}
	store := open(tier2.WithSigner(private)) // with one entry
	defer store.Close()

	checkpoint, err := store.Audit.Seal(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(checkpoint.Check(public))

	checkpoint.Size = 2
	fmt.Println(errors.Is(checkpoint.Check(public), models.ErrConflict))
	// Output:
	// <nil>
	// true
}

// A store that was opened with tier2.WithAnchor appends its checkpoints to the file. Keep it
// somewhere that writers of the database cannot reach.
func ExampleReadAnchor() {
	folder, err := os.MkdirTemp("", "anchor-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	anchor := filepath.Join(folder, "anchor")

	store := open(tier2.WithAnchor(anchor)) // with one entry
	defer store.Close()
	if _, err := store.Audit.Seal(context.Background()); err != nil {
		log.Fatal(err)
	}

	checkpoints, err := ledger.ReadAnchor(anchor)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(checkpoints), checkpoints[0].Size)
	// Output: 1 1
}

// An anchor file holds one checkpoint per line, so one that arrived by mail will do.
func ExampleVerifyOptions() {
	folder, err := os.MkdirTemp("", "anchor-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	anchor := filepath.Join(folder, "anchor")

	store := open() // with one entry
	defer store.Close()
	checkpoint, err := store.Audit.Seal(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	line, err := json.Marshal(checkpoint)
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(anchor, line, 0o600); err != nil {
		log.Fatal(err)
	}
	report, err := store.Audit.Verify(context.Background(), ledger.VerifyOptions{Anchor: anchor})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(report.OK(), report.Sealed)
	// Output: true 1
}

// A proof can be checked without the database.
func ExampleProof() {
	store := open() // with one entry
	defer store.Close()
	if _, err := store.Audit.Seal(context.Background()); err != nil {
		log.Fatal(err)
	}
	proof, err := store.Audit.Prove(context.Background(), 1)
	if err != nil {
		log.Fatal(err)
	}
	text, err := json.Marshal(proof)
	if err != nil {
		log.Fatal(err)
	}

	// Elsewhere:
	read, err := ledger.ParseProof(text)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(read.Entry.Operation, read.Check())
	fmt.Println(reflect.DeepEqual(read, proof))

	read.Entry.AgentID = "reviewer"
	fmt.Println(errors.Is(read.Check(), models.ErrConflict))
	// Output:
	// lint <nil>
	// true
	// true
}
