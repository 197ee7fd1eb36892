package tier2_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// openWith returns the store in a file, with the given executions, one per day of January
// 2026.
func openWith(path string, executions ...string) *tier2.Store {
	ctx := context.Background()
	store, err := tier2.Open(ctx, path)
	if err != nil {
		log.Fatal(err)
	}
	for i, id := range executions {
		err := store.Receipts.Create(ctx, &models.Receipt{
			ExecutionID: id, AgentID: "coder", Operation: models.OperationWatch, Status: models.ReceiptPassed,
			Timestamp: models.At(time.Date(2026, 1, 1+i, 12, 0, 0, 0, time.UTC)),
		})
		if err != nil {
			log.Fatal(err)
		}
	}
	return store
}

// Make a verified copy of the file, also while others write.
func ExampleStore_Backup() {
	dir := folder() // a new folder
	defer os.RemoveAll(dir)
	ctx := context.Background()
	store := openWith(filepath.Join(dir, "tier2.db"), "build-1")
	defer store.Close()

	copied := filepath.Join(dir, "backups", "1.db")
	if err := store.Backup(ctx, copied); err != nil {
		log.Fatal(err)
	}
	verification, err := tier2.Verify(ctx, copied)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(verification.OK(), verification.Findings)
	// Output: true []
}

// Copy from one engine to the other, or to a new file. A second copy adds the new rows.
func ExampleCopy() {
	ctx := context.Background()
	from := openWith(":memory:", "build-1", "build-2")
	defer from.Close()
	to, err := tier2.Open(ctx, ":memory:") // or postgres://...
	if err != nil {
		log.Fatal(err)
	}
	defer to.Close()

	if _, err := tier2.Copy(ctx, from, to, tier2.CopyOptions{}); err != nil {
		log.Fatal(err)
	}
	receipt, err := to.Receipts.Get(ctx, "build-2")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(receipt.ID, receipt.Timestamp)
	// Output: 2 2026-01-02T12:00:00.000000Z
}

// Move old executions to another store, and restore them.
func ExampleStore_Archive() {
	dir := folder() // a new folder
	defer os.RemoveAll(dir)
	ctx, archive := context.Background(), filepath.Join(dir, "2026-01.db")
	store := openWith(filepath.Join(dir, "tier2.db"), "build-1", "build-2") // on the 1st and 2nd of January
	defer store.Close()
	before := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)

	report, err := store.Archive(ctx, before, archive, tier2.ArchiveOptions{DryRun: true})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("would move", report.Executions)

	report, err = store.Archive(ctx, before, archive, tier2.ArchiveOptions{Progress: func(done tier2.ArchiveReport) {
		fmt.Println("moving", done.Executions)
	}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("moved", report.Executions)

	report, err = store.Restore(ctx, archive, tier2.RestoreOptions{Executions: []string{"build-1"}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("restored", report.Executions)
	// Output:
	// would move 1
	// moving 1
	// moved 1
	// restored 1
}

// Call it regularly, such as once a day.
func ExampleStore_Maintain() {
	store := openWith(":memory:", "build-1")
	defer store.Close()

	fmt.Println(store.Maintain(context.Background()))

	steps := 0
	err := store.MaintainSteps(context.Background(), func(step string) { steps++ })
	fmt.Println(steps > 0, err)
	// Output:
	// <nil>
	// true <nil>
}

// Export all tables as text, and import them.
func ExampleStore_Export() {
	dir := folder() // a new folder
	defer os.RemoveAll(dir)
	ctx, exported := context.Background(), filepath.Join(dir, "export")
	store := openWith(":memory:", "build-1", "build-2")
	defer store.Close()

	tables, err := store.Export(ctx, exported, tier2.ExportOptions{})
	if err != nil {
		log.Fatal(err)
	}
	for _, t := range tables {
		if t.Rows > 0 {
			fmt.Println(filepath.Base(t.File), t.Rows)
		}
	}

	other := openWith(":memory:")
	defer other.Close()
	report, err := other.Import(ctx, exported, tier2.ImportOptions{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(report.Equal)
	// Output:
	// receipts.jsonl 2
	// agent_memory.jsonl 1
	// audit_log.jsonl 2
	// true
}

// One table, for a spreadsheet.
func ExampleStore_ExportTable() {
	ctx := context.Background()
	store := openWith(":memory:", "build-1", "build-2")
	defer store.Close()

	var rows bytes.Buffer // or a file
	written, err := store.ExportTable(ctx, &rows, "receipts", tier2.ExportOptions{Format: tier2.CSV})
	if err != nil {
		log.Fatal(err)
	}
	header, _, _ := bytes.Cut(rows.Bytes(), []byte(","))
	fmt.Println(written.Rows, string(header))

	other := openWith(":memory:")
	defer other.Close()
	done, err := other.ImportTable(ctx, bytes.NewReader(rows.Bytes()), "receipts", tier2.ImportOptions{Format: tier2.CSV})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(done.Inserted, done.Unchanged)
	// Output:
	// 2 id
	// 2 0
}

func ExampleFormats() {
	fmt.Println(tier2.Formats(), tier2.Format("xls").Valid())
	// Output: [jsonl csv] false
}
