package tier2_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gorm.io/gorm/logger"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/hooks"
	"github.com/seanchatmangpt/ggen/tier2/ledger"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// folder returns the path of a new, empty folder.
func folder() string {
	path, err := os.MkdirTemp("", "tier2-")
	if err != nil {
		log.Fatal(err)
	}
	return path
}

// One run of the pipeline, and what it left.
func Example() {
	ctx := hooks.WithActor(context.Background(), "coder") // the acting agent
	store, err := tier2.Open(ctx, ":memory:")             // or a path, or postgres://...
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()

	execution, err := store.Executions.Begin(ctx, "coder", models.OperationGeneration,
		repository.ExecutionOptions{ExecutionID: "build-1"})
	if err != nil {
		log.Fatal(err)
	}
	for _, stage := range models.Stages() {
		err := execution.Stage(ctx, stage, func(context.Context, *repository.StageResult) error { return nil })
		if err != nil {
			log.Fatal(err)
		}
	}
	if _, err := execution.Finish(ctx, repository.Outcome{FilesGenerated: 5}); err != nil {
		log.Fatal(err)
	}

	trail, err := store.Audit.Trail(ctx, "build-1")
	if err != nil {
		log.Fatal(err)
	}
	for _, entry := range trail[:4] { // the other stages follow
		fmt.Println(entry.Operation, entry.Status)
	}
	// Output:
	// generation started
	// generation completed
	// receipts.create completed
	// pipeline_metrics.create completed
}

func ExampleOpen() {
	dir := folder() // a new folder
	defer os.RemoveAll(dir)
	ctx := context.Background()

	store, err := tier2.Open(ctx, filepath.Join(dir, ".ggen", "tier2.db")) // creates folder, file and schema
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(filepath.Base(store.Location()))
	fmt.Println(store.Close())
	// Output:
	// tier2.db
	// <nil>
}

// Open an existing database, wait at most a second for the locks of other programs, and wait
// for the disk at every commit.
func ExampleOpen_options() {
	dir := folder() // a new folder
	defer os.RemoveAll(dir)

	_, err := tier2.Open(context.Background(), filepath.Join(dir, "tier2.db"),
		tier2.WithExisting(),
		tier2.WithBusyTimeout(time.Second),
		tier2.WithSynchronousFull(),
		tier2.WithReaders(8),
		tier2.WithLogger(logger.Default),
	)
	fmt.Println(strings.HasSuffix(err.Error(), "the file does not exist, and is not to be made"))
	// Output: true
}

// For programs that only read: nothing is created, upgraded or written.
func ExampleWithReadOnly() {
	dir := folder() // a new folder
	defer os.RemoveAll(dir)
	ctx, path := context.Background(), filepath.Join(dir, "tier2.db")
	openWith(path, "build-1").Close()

	store, err := tier2.Open(ctx, path, tier2.WithReadOnly())
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	receipt, err := store.Receipts.Get(ctx, "build-1")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(receipt.Status)
	fmt.Println(errors.Is(store.Receipts.Delete(ctx, "build-1"), models.ErrReadOnly))
	// Output:
	// passed
	// true
}

func ExampleWithClock() {
	ctx := context.Background()
	store, err := tier2.Open(ctx, ":memory:", tier2.WithClock(func() time.Time { return time.Date(2026, 1, 29, 12, 0, 0, 0, time.UTC) }))
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()

	receipt := &models.Receipt{AgentID: "coder", Operation: models.OperationWatch, Status: models.ReceiptPassed}
	if err := store.Receipts.Create(ctx, receipt); err != nil {
		log.Fatal(err)
	}
	fmt.Println(receipt.Timestamp)
	// Output: 2026-01-29T12:00:00.000000Z
}

// Redact additional keys, besides the usual secret keys.
func ExampleWithRedactor() {
	ctx := context.Background()
	store, err := tier2.Open(ctx, ":memory:", tier2.WithRedactor(func(key string) bool { return key == "pin" }))
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()

	entry := &models.AuditEntry{
		AgentID: "coder", Operation: "login", Status: models.AuditCompleted, ContextJSON: models.JSON(`{"pin":1234,"user":"ada"}`),
	}
	if err := store.Audit.Record(ctx, entry); err != nil {
		log.Fatal(err)
	}
	fmt.Println(entry.ContextJSON)
	// Output: {"pin":"[redacted]","user":"ada"}
}

// An audit log that others can check: signed, and anchored in a file that writers of the
// database cannot write.
func ExampleWithSigner() {
	dir := folder() // a new folder
	defer os.RemoveAll(dir)
	ctx, path, anchor := context.Background(), filepath.Join(dir, "tier2.db"), filepath.Join(dir, "anchor")
	private, public, err := ledger.GenerateKey("ggen-ci")
	if err != nil {
		log.Fatal(err)
	}

	store, err := tier2.Open(ctx, path, tier2.WithSigner(private), tier2.WithAnchor(anchor))
	if err != nil {
		log.Fatal(err)
	}
	err = store.Receipts.Create(ctx, &models.Receipt{AgentID: "coder", Operation: models.OperationWatch, Status: models.ReceiptPassed})
	if err != nil {
		log.Fatal(err)
	}
	if err := store.Close(); err != nil { // seals the audit log
		log.Fatal(err)
	}

	report, err := tier2.VerifyAudit(ctx, path, ledger.VerifyOptions{Anchor: anchor, Keys: []string{public}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(report.OK(), report.Sealed)
	// Output: true 1
}

// Every save has its own transaction. Without this option, goroutines that save at the same
// time share one; the results are the same.
func ExampleWithoutGroupCommit() {
	ctx := context.Background()
	store, err := tier2.Open(ctx, ":memory:", tier2.WithoutGroupCommit())
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()

	receipt := &models.Receipt{AgentID: "coder", Operation: models.OperationWatch, Status: models.ReceiptPassed}
	if err := store.Receipts.Create(ctx, receipt); err != nil {
		log.Fatal(err)
	}
	fmt.Println(receipt.ID)
	// Output: 1
}

// The location of a database, without the password, for logs.
func ExampleLocation() {
	where, err := tier2.Location("postgres://ada:secret@db.example/ggen")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(where)
	// Output: postgres://ada@db.example:5432/ggen
}

// For other programs that create such a file.
func ExampleSchema() {
	fmt.Println(strings.Count(tier2.Schema(), "CREATE VIEW"), "views")
	// Output: 3 views
}

// All writes are stored, or none. Use only tx inside the function.
func ExampleStore_Transaction() {
	ctx := context.Background()
	store, err := tier2.Open(ctx, ":memory:")
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()

	err = store.Transaction(ctx, func(tx *tier2.Store) error {
		if err := tx.Memory.Put(ctx, "coder", models.JSON(`{"task":"parser"}`)); err != nil {
			return err
		}
		return tx.Receipts.Create(ctx, &models.Receipt{AgentID: "coder", Operation: models.OperationWatch, Status: "done"})
	})
	fmt.Println(err)
	_, err = store.Memory.Get(ctx, "coder")
	fmt.Println(err)
	// Output:
	// receipts.status "done": is not an allowed value (allowed: passed, failed, partial, cancelled)
	// agent_memory.agent_id "coder": not found
}

// Every GORM call is audited.
func ExampleStore_DB() {
	ctx := hooks.WithActor(context.Background(), "supervisor")
	store, err := tier2.Open(ctx, ":memory:")
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	for _, id := range []string{"build-1", "build-2"} {
		err := store.Receipts.Create(ctx, &models.Receipt{
			ExecutionID: id, AgentID: "coder", Operation: models.OperationWatch, Status: models.ReceiptPassed, Environment: "stage",
		})
		if err != nil {
			log.Fatal(err)
		}
	}

	result := store.DB().WithContext(ctx).Model(&models.Receipt{}).
		Where("environment = ?", "stage").Update("environment", "staging")
	if result.Error != nil {
		log.Fatal(result.Error)
	}
	entries, _, err := store.Audit.List(ctx, repository.AuditFilter{Operation: "receipts.update"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result.RowsAffected, "rows,", len(entries), "entries by", entries[0].AgentID)
	// Output: 2 rows, 2 entries by supervisor
}
