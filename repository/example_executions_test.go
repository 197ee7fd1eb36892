package repository_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strings"
	"time"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// A whole run of the pipeline: Finish writes all that it was in one transaction.
func ExampleExecutions_Begin() {
	ctx := context.Background()
	now := time.Date(2026, 1, 29, 9, 0, 0, 0, time.UTC)
	store := open(tier2.WithClock(func() time.Time { return now })) // empty, in memory
	defer store.Close()

	execution, err := store.Executions.Begin(ctx, "coder", models.OperationGeneration,
		repository.ExecutionOptions{ExecutionID: "build-1", Environment: "dev"})
	if err != nil {
		log.Fatal(err)
	}
	for _, stage := range models.Stages() {
		err := execution.Stage(ctx, stage, func(ctx context.Context, result *repository.StageResult) error {
			now = now.Add(20 * time.Millisecond) // the work
			result.OutputSizeBytes = 4096
			return nil
		})
		if err != nil {
			log.Fatal(err)
		}
	}
	if err := execution.Measure(repository.MetricFirstBuild, 20); err != nil { // s
		log.Fatal(err)
	}
	receipt, err := execution.Finish(ctx, repository.Outcome{FilesGenerated: 5})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(execution.ID(), receipt.Status, receipt.DurationMS)
	fmt.Println(len(receipt.Metrics), "stages, violated:", receipt.Violations[0].Metric)
	// Output:
	// build-1 passed 100
	// 5 stages, violated: first_build
}

// What a stage returns is what Stage returns, and the receipt tells it.
func ExampleExecution_Stage() {
	ctx := context.Background()
	store := open() // empty, in memory
	defer store.Close()

	execution, err := store.Executions.Begin(ctx, "coder", models.OperationGeneration, repository.ExecutionOptions{})
	if err != nil {
		log.Fatal(err)
	}
	err = execution.Stage(ctx, models.StageNormalize, func(context.Context, *repository.StageResult) error {
		return errors.New("line 3: no such prefix")
	})
	receipt, err := execution.Finish(ctx, repository.Outcome{Err: err})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(receipt.Status, receipt.ErrorMessage)
	// Output: failed line 3: no such prefix
}

// Runs that began and did not finish are known by their entry in the audit log.
func ExampleExecutions_Interrupted() {
	ctx := context.Background()
	store := open() // empty, in memory
	defer store.Close()

	_, err := store.Executions.Begin(ctx, "coder", models.OperationGeneration, repository.ExecutionOptions{ExecutionID: "build-1"})
	if err != nil {
		log.Fatal(err)
	}
	interrupted, err := store.Executions.Interrupted(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, entry := range interrupted {
		fmt.Println(entry.AgentID, entry.Status)
	}
	// Output: coder started
}

// A receipt that ggen wrote.
func ExampleExecutions_Import() {
	ctx := context.Background()
	store := open() // empty, in memory
	defer store.Close()

	file := []byte(`{"receipt": {
		"execution_id": "build-1", "agent_id": "coder", "operation": "generation", "status": "passed",
		"timestamp": "2026-01-29T12:34:56Z", "files_generated": 47, "total_duration_ms": 900,
		"pipeline_stages": {
			"μ₁_normalize": {"status": "completed", "duration_ms": 400},
			"μ₂_extract": {"status": "completed", "duration_ms": 500}
		}}}`)
	for range 2 {
		result, err := store.Executions.Import(ctx, file, repository.ImportOptions{})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(result.Receipt.ExecutionID, result.Receipt.FilesGenerated, "files, unchanged:", result.Unchanged)
	}

	_, err := store.Executions.Import(ctx, []byte(`{"receipt": {}}`), repository.ImportOptions{})
	fmt.Println(errors.Is(err, models.ErrInvalid))
	// Output:
	// build-1 47 files, unchanged: false
	// build-1 47 files, unchanged: true
	// true
}

// Many receipts: one that is refused stops no other.
func ExampleExecutions_ImportBatch() {
	ctx := context.Background()
	store := open() // empty, in memory
	defer store.Close()

	outcomes, err := store.Executions.ImportBatch(ctx, [][]byte{
		[]byte(`{"execution_id": "build-1", "timestamp": "2026-01-29T12:34:56Z", "pipeline": {"μ₃_emit": {"status": "success", "duration_ms": 58}}}`),
		[]byte(`{"execution_id": "build-2"}`),
	}, repository.ImportOptions{AgentID: "coder"})
	if err != nil {
		log.Fatal(err)
	}
	for _, o := range outcomes {
		fmt.Println(errors.Is(o.Err, models.ErrInvalid))
	}
	fmt.Println(outcomes[0].Receipt.ExecutionID, outcomes[0].Receipt.Status)
	// Output:
	// false
	// true
	// build-1 passed
}

// The log that ggen appends to: each record follows the one before.
func ExampleExecutions_ImportLog() {
	ctx := context.Background()
	store := open() // empty, in memory
	defer store.Close()

	hash := func(digit string) string { return strings.Repeat(digit, 64) }
	file := strings.NewReader(`{` + // one line
		`"record":{"version":1,"activity":"ggen.sync","ts_ns":1769690096000000000,"andon":"Green","payload_hash_hex":"` + hash("a") +
		`","prev_chain_hash_hex":"` + hash("0") + `","chain_hash_hex":"` + hash("1") + `"},` +
		`"payload":{"graph_hash":"` + hash("7") + `","outputs":{"main.rs":"b1"},"packs":{},` +
		`"decisions":{"main.rs":"written"},"closure":{"ggen.toml":"t1"}}}`)
	for record, err := range store.Executions.ImportLog(ctx, file, repository.ImportOptions{AgentID: "syncer"}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(record.Line, record.Receipt.Status, record.Receipt.Timestamp)
	}
	// Output: 1 passed 2026-01-29T12:34:56.000000Z
}
