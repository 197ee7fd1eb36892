package repository_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// A metric belongs to a receipt.
func ExampleMetrics_Record() {
	ctx := context.Background()
	store := open() // in memory
	defer store.Close()
	save(store, "coder", models.ReceiptPassed) // build-1

	metric := &models.PipelineMetric{
		ExecutionID: "build-1", Stage: models.StageEmit, Status: models.StagePassed,
		DurationMS: 80, InputSizeBytes: 4096, OutputSizeBytes: 8192,
	}
	fmt.Println(store.Metrics.Record(ctx, metric))

	orphan := &models.PipelineMetric{ExecutionID: "build-9", Stage: models.StageEmit, Status: models.StagePassed}
	fmt.Println(errors.Is(store.Metrics.Record(ctx, orphan), models.ErrForeignKey))
	// Output:
	// <nil>
	// true
}

func ExampleMetrics_ByExecution() {
	ctx := context.Background()
	store := open() // in memory
	defer store.Close()
	save(store, "coder", models.ReceiptPassed) // build-1

	var metrics []*models.PipelineMetric
	for i, stage := range models.Stages() {
		metrics = append(metrics, &models.PipelineMetric{
			ExecutionID: "build-1", Stage: stage, DurationMS: int64(10 * (i + 1)), Status: models.StagePassed,
		})
	}
	if err := store.Metrics.RecordBatch(ctx, metrics); err != nil { // all of them, or none
		log.Fatal(err)
	}

	stored, err := store.Metrics.ByExecution(ctx, "build-1")
	if err != nil {
		log.Fatal(err)
	}
	for _, m := range stored {
		fmt.Println(m.Stage, m.DurationMS)
	}
	// Output:
	// μ₁_normalize 10
	// μ₂_extract 20
	// μ₃_emit 30
	// μ₄_canonicalize 40
	// μ₅_receipt 50
}
