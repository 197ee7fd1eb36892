package models_test

import (
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Every way to save a row validates it first.
func ExampleModel() {
	var row models.Model = &models.Receipt{
		ExecutionID: "build-1", AgentID: "coder", Operation: models.OperationWatch, Timestamp: models.At(time.Now()),
	}
	fmt.Println(row.TableName())
	fmt.Println(row.Validate())
	// Output:
	// receipts
	// receipts.status "": is not an allowed value (allowed: passed, failed, partial, cancelled)
}

func ExampleAll() {
	for _, m := range models.All() {
		fmt.Println(m.TableName())
	}
	// Output:
	// receipts
	// agent_memory
	// audit_log
	// workflow_sessions
	// collision_detection
	// pipeline_metrics
	// slo_violations
}

// Each enum has a function that lists its values.
func ExampleOperations() {
	fmt.Println(models.Operations())
	fmt.Println(models.Stages())
	fmt.Println(models.StageStatuses())
	fmt.Println(models.ReceiptStatuses())
	fmt.Println(models.AuditStatuses())
	fmt.Println(models.SessionStatuses())
	fmt.Println(models.CollisionTypes())
	fmt.Println(models.Severities())
	fmt.Println(models.ViolationSeverities())
	// Output:
	// [validation generation normalization extraction emission canonicalization receipt dry_run watch]
	// [μ₁_normalize μ₂_extract μ₃_emit μ₄_canonicalize μ₅_receipt]
	// [passed failed]
	// [passed failed partial cancelled]
	// [started completed failed skipped]
	// [running completed failed cancelled]
	// [file_conflict memory_conflict semantic_overlap structural_overlap]
	// [info warning critical]
	// [warning critical]
}

// Text that comes from outside is read by UnmarshalText, which refuses what is not
// allowed; every enum has both methods.
func ExampleOperation_Valid() {
	var operation models.Operation
	fmt.Println(operation.UnmarshalText([]byte("dry_run")), operation)
	fmt.Println(models.Operation("dance").Valid())
	// Output:
	// <nil> dry_run
	// false
}

// Ids sort by the time at which they were made.
func ExampleNewID() {
	a, b := models.NewID(), models.NewID()
	fmt.Println(len(a), a < b)
	// Output: 36 true
}

func ExampleTimestamp() {
	zone := time.FixedZone("CET", 3600)
	fmt.Println(models.At(time.Date(2026, 1, 29, 13, 34, 56, 123456789, zone)))

	t, err := models.ParseTimestamp("2026-01-29 12:34:56") // as SQLite writes it
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(t)
	// Output:
	// 2026-01-29T12:34:56.123456Z
	// 2026-01-29T12:34:56.000000Z
}

func ExampleJSONOf() {
	doc, err := models.JSONOf(map[string]any{"task": "parser", "step": 2})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(doc)

	var read struct{ Step int }
	if err := doc.Decode(&read); err != nil {
		log.Fatal(err)
	}
	fmt.Println(read.Step)
	// Output:
	// {"step":2,"task":"parser"}
	// 2
}

func ExampleError() {
	err := error(&models.Error{Table: "receipts", Column: "execution_id", Value: "build-9", Kind: models.ErrNotFound})
	fmt.Println(err)
	fmt.Println(errors.Is(err, models.ErrNotFound))
	// Output:
	// receipts.execution_id "build-9": not found
	// true
}
