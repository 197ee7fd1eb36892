package repository_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"time"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/hooks"
	"github.com/seanchatmangpt/ggen/tier2/ledger"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// An entry of the caller's own, beside those that every write leaves.
func ExampleAudit_Record() {
	ctx := context.Background()
	store := open() // empty, in memory
	defer store.Close()

	entry := &models.AuditEntry{
		AgentID: "coder", Operation: "RDF normalization", Status: models.AuditCompleted, DurationMS: 42,
		ContextJSON: models.JSON(`{"execution_id":"build-1","triples":1200,"api_key":"abc"}`),
	}
	if err := store.Audit.Record(ctx, entry); err != nil {
		log.Fatal(err)
	}
	fmt.Println(entry.ID, entry.ContextJSON)
	// Output: 1 {"execution_id":"build-1","triples":1200,"api_key":"[redacted]"}
}

// Who did what, newest first.
func ExampleAudit_List() {
	ctx := hooks.WithActor(context.Background(), "supervisor") // who is acting
	store := open()                                            // in memory
	defer store.Close()
	save(store, "coder", models.ReceiptPassed) // build-1
	if err := store.Receipts.Delete(ctx, "build-1"); err != nil {
		log.Fatal(err)
	}

	entries, next, err := store.Audit.List(ctx, repository.AuditFilter{ExecutionID: "build-1"})
	if err != nil {
		log.Fatal(err)
	}
	for _, e := range entries {
		fmt.Println(e.Operation, e.Status, "by", e.AgentID)
	}
	fmt.Printf("more: %t\n", next != "")
	// Output:
	// receipts.delete completed by supervisor
	// receipts.create completed by coder
	// more: false
}

func ExampleAudit_All() {
	ctx := context.Background()
	store := open() // in memory
	defer store.Close()
	save(store, "coder", models.ReceiptPassed, models.ReceiptFailed) // build-1 and build-2

	count := 0
	for entry, err := range store.Audit.All(ctx, repository.AuditFilter{Operation: "receipts.create"}) {
		if err != nil {
			log.Fatal(err)
		}
		if entry.Status == models.AuditCompleted {
			count++
		}
	}
	fmt.Println(count)
	// Output: 2
}

// What others do, as they do it; this one ends with the first entry.
func ExampleAudit_Follow() {
	ctx := context.Background()
	store := open(tier2.WithClock(time.Now)) // in memory
	defer store.Close()
	begin := time.Now()
	save(store, "coder", models.ReceiptPassed) // build-1

	for entry, err := range store.Audit.Follow(ctx, repository.AuditFilter{Since: begin}, time.Second) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(entry.Operation, "by", entry.AgentID)
		break
	}
	// Output: receipts.create by coder
}

// All that happened to an execution, oldest first.
func ExampleAudit_Trail() {
	ctx := context.Background()
	store := open() // in memory
	defer store.Close()
	save(store, "coder", models.ReceiptPassed) // build-1
	if err := store.Metrics.Record(ctx, &models.PipelineMetric{ExecutionID: "build-1", Stage: models.StageEmit, Status: models.StagePassed}); err != nil {
		log.Fatal(err)
	}

	trail, err := store.Audit.Trail(ctx, "build-1")
	if err != nil {
		log.Fatal(err)
	}
	for _, e := range trail {
		fmt.Println(e.Operation)
	}
	// Output:
	// receipts.create
	// pipeline_metrics.create
}

// What is sealed cannot be changed unnoticed.
func ExampleAudit_Seal() {
	ctx := context.Background()
	store := open() // in memory
	defer store.Close()
	save(store, "coder", models.ReceiptPassed, models.ReceiptPassed) // build-1 and build-2

	checkpoint, err := store.Audit.Seal(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(checkpoint.Size, "entries at", checkpoint.Timestamp)
	// Output: 2 entries at 2026-01-01T12:00:00.000000Z
}

func ExampleAudit_Verify() {
	ctx := context.Background()
	store := open() // in memory
	defer store.Close()
	save(store, "coder", models.ReceiptPassed) // build-1
	if _, err := store.Audit.Seal(ctx); err != nil {
		log.Fatal(err)
	}

	// Another program changes the row, and writes no entry.
	if err := store.DB().Exec("UPDATE receipts SET duration_ms = 1").Error; err != nil {
		log.Fatal(err)
	}
	report, err := store.Audit.Verify(ctx, ledger.VerifyOptions{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(report.OK())
	for _, f := range report.Findings {
		fmt.Println(f.Kind, f.Table, f.RowID)
	}
	// Output:
	// false
	// row changed receipts 1
}

// A proof shows one entry to somebody who has the checkpoint, or the key that signed it,
// but not the database.
func ExampleAudit_Prove() {
	ctx := context.Background()
	store := open() // in memory
	defer store.Close()
	save(store, "coder", models.ReceiptPassed) // build-1, entry 1
	if _, err := store.Audit.Seal(ctx); err != nil {
		log.Fatal(err)
	}

	proof, err := store.Audit.Prove(ctx, 1)
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
	// Output: receipts.create <nil>
}
