// Pipeline records a ggen sync whose emit stage is too slow and fails, and then the
// repaired run. It shows the traces of a failure in receipts, SLO violations, the audit log
// and the agent's memory.
//
//	go run ./examples/pipeline
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

const agent = "ggen-sync"

var errTemplate = errors.New("template service.tera: undefined variable `port`")

// clock advances only during a stage, so that the output is reproducible.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "pipeline:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) (err error) {
	folder, err := os.MkdirTemp("", "tier2-pipeline-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)

	c := &clock{time.Date(2026, 1, 29, 9, 0, 0, 0, time.UTC)}
	store, err := tier2.Open(ctx, filepath.Join(folder, "tier2.db"), tier2.WithClock(c.now))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()

	fmt.Fprintln(out, "-- sync-1: emit fails")
	if err := sync(ctx, store, c, "sync-1", errTemplate); err != nil {
		return err
	}
	if err := show(ctx, out, store, "sync-1"); err != nil {
		return err
	}
	fmt.Fprintln(out, "-- sync-2: repaired")
	if err := sync(ctx, store, c, "sync-2", nil); err != nil {
		return err
	}
	return show(ctx, out, store, "sync-2")
}

// sync runs the stages in order and stops at the first failure. broken is the error of the
// emit stage, nil for none.
func sync(ctx context.Context, store *tier2.Store, c *clock, id string, broken error) error {
	execution, err := store.Executions.Begin(ctx, agent, models.OperationGeneration, repository.ExecutionOptions{
		ExecutionID: id,
		Targets: []repository.Target{
			{Metric: "sync", Target: 2, Warning: 2, Critical: 10, Unit: "s"},
			{Metric: repository.MetricGenerationMemory, Target: 100, Warning: 100, Critical: 200, Unit: "MB"},
		},
	})
	if err != nil {
		return err
	}
	began := c.at
	var failed error
	for _, stage := range models.Stages() {
		failed = execution.Stage(ctx, stage, func(context.Context, *repository.StageResult) error {
			c.at = c.at.Add(300 * time.Millisecond)
			if stage == models.StageEmit && broken != nil {
				c.at = c.at.Add(3 * time.Second) // it tried three times
				return broken
			}
			return nil
		})
		if failed != nil {
			break
		}
	}
	if err := execution.Measure("sync", c.at.Sub(began).Seconds()); err != nil {
		return err
	}
	if err := execution.Measure(repository.MetricGenerationMemory, 64); err != nil {
		return err
	}
	// A failed run is a result, not an error of Finish.
	_, err = execution.Finish(ctx, repository.Outcome{Err: failed})
	return err
}

func show(ctx context.Context, out io.Writer, store *tier2.Store, id string) error {
	var receipt models.Receipt
	err := store.DB().WithContext(ctx).Preload("Metrics").Preload("Violations").
		Where("execution_id = ?", id).Take(&receipt).Error
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "receipt    %s %s after %d ms: %q\n", receipt.ExecutionID, receipt.Status, receipt.DurationMS, receipt.ErrorMessage)
	for _, m := range receipt.Metrics {
		fmt.Fprintf(out, "stage      %-16s %s  %d ms  %q\n", m.Stage, m.Status, m.DurationMS, m.ErrorMessage)
	}
	for _, v := range receipt.Violations {
		fmt.Fprintf(out, "violation  %s: %s\n", v.Severity, v.Description)
	}
	trail, err := store.Audit.Trail(ctx, id)
	if err != nil {
		return err
	}
	for _, e := range trail {
		if e.Operation == string(models.OperationGeneration) {
			fmt.Fprintf(out, "audit      %s %s\n", e.Operation, e.Status)
		}
	}
	memory, err := store.Memory.Get(ctx, agent)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "memory     retry_count %d, last_error %q\n", memory.RetryCount, memory.LastError)
	return nil
}
