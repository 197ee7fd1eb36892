package tier2_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/seanchatmangpt/ggen/tier2"
)

// A whole store as text, and back.
func ExampleStore_Export() {
	dir := folder() // a new one
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
