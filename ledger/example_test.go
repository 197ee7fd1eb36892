package ledger_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/ledger"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// open is a store in memory with an entry in its audit log.
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

// Whoever has the public key can tell what the store has signed.
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

// A checkpoint of an unsigned store can be signed elsewhere.
func ExampleCheckpoint_Sign() {
	store := open() // with one entry
	defer store.Close()
	checkpoint, err := store.Audit.Seal(context.Background())
	if err != nil {
		log.Fatal(err)
	}

	private, public, err := ledger.GenerateKey("ggen-ci")
	if err != nil {
		log.Fatal(err)
	}
	signer, err := ledger.NewSigner(private)
	if err != nil {
		log.Fatal(err)
	}
	if err := checkpoint.Sign(signer); err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(checkpoint.Text()) < len(checkpoint.Note), checkpoint.Check(public))
	// Output: true <nil>
}

// The anchor file belongs where those who can write the database cannot. A store that
// was opened with tier2.WithAnchor appends to it.
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
	last, err := ledger.LastAnchored(anchor)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(checkpoints), last.Size)
	// Output: 1 1
}

// A checkpoint from elsewhere, such as a mail.
func ExampleAppendAnchor() {
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
	if err := ledger.AppendAnchor(anchor, checkpoint); err != nil {
		log.Fatal(err)
	}
	report, err := store.Audit.Verify(context.Background(), ledger.VerifyOptions{Anchor: anchor})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(report.OK(), report.Sealed)
	// Output: true 1
}

// A proof needs no database to be checked.
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
	fmt.Println(read.Leaf() == proof.Leaf())

	read.Entry.AgentID = "reviewer"
	fmt.Println(errors.Is(read.Check(), models.ErrConflict))
	// Output:
	// lint <nil>
	// true
	// true
}
