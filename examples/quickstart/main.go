// Quickstart records one run of the five-stage pipeline and prints the rows of each table
// and view.
//
//	go run ./examples/quickstart          in a temporary folder
//	go run ./examples/quickstart my.db    in a file that you can open with sqlite3
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

const agent = "code-generator"

func main() {
	path := ""
	if len(os.Args) > 1 {
		path = os.Args[1]
	}
	if err := run(context.Background(), os.Stdout, path); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, path string) (err error) {
	// In an existing file every run is a new execution with a new id.
	executionID := ""
	if path == "" {
		folder, err := os.MkdirTemp("", "tier2-quickstart-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(folder)
		path, executionID = filepath.Join(folder, "tier2.db"), "quickstart-1"
	}

	// This clock advances only by hand, so that the output is reproducible. Without
	// WithClock the store uses time.Now.
	now := time.Date(2026, 1, 29, 12, 34, 56, 0, time.UTC)
	store, err := tier2.Open(ctx, path, tier2.WithClock(func() time.Time { return now }))
	if err != nil {
		return err
	}
	defer func() {
		if cerr := store.Close(); err == nil {
			err = cerr
		}
	}()

	// The agent's own memory. The store keeps its counters in it too, under another key.
	if err := store.Memory.Put(ctx, agent, models.JSON(`{"state":"ready"}`)); err != nil {
		return err
	}

	now = now.Add(time.Second)

	// One run: begin, five stages, finish. Finish writes everything in one commit.
	execution, err := store.Executions.Begin(ctx, agent, models.OperationGeneration,
		repository.ExecutionOptions{ExecutionID: executionID, Environment: "dev"})
	if err != nil {
		return err
	}
	for i, stage := range models.Stages() {
		err := execution.Stage(ctx, stage, func(_ context.Context, result *repository.StageResult) error {
			now = now.Add(time.Duration(i+1) * 100 * time.Millisecond) // the work
			result.InputSizeBytes, result.OutputSizeBytes = 4096, 8192
			return nil
		})
		if err != nil {
			return err
		}
	}
	receipt, err := execution.Finish(ctx, repository.Outcome{FilesGenerated: 5, FilesModified: 1})
	if err != nil {
		return err
	}
	return show(ctx, out, store, receipt.ExecutionID)
}

// show reads everything back.
func show(ctx context.Context, out io.Writer, store *tier2.Store, executionID string) error {
	receipt, err := store.Receipts.Get(ctx, executionID)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "receipts")
	fmt.Fprintf(out, "  %s  %s  %s  %s  %d files  %d ms  %s\n", receipt.ExecutionID, receipt.AgentID,
		receipt.Operation, receipt.Status, receipt.FilesGenerated, receipt.DurationMS, receipt.Timestamp)

	metrics, err := store.Metrics.ByExecution(ctx, executionID)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "pipeline_metrics")
	for _, m := range metrics {
		fmt.Fprintf(out, "  %-16s %s  %d ms  %d -> %d bytes\n", m.Stage, m.Status, m.DurationMS, m.InputSizeBytes, m.OutputSizeBytes)
	}

	trail, err := store.Audit.Trail(ctx, executionID)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "audit_log")
	for _, entry := range trail {
		fmt.Fprintf(out, "  %s  %-23s %s\n", entry.Timestamp.Format("15:04:05.000"), entry.Operation, entry.Status)
	}

	memory, err := store.Memory.Get(ctx, agent)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "agent_memory of %s\n  %s\n", memory.AgentID, memory.MemoryJSON)

	return showViews(ctx, out, store)
}

func showViews(ctx context.Context, out io.Writer, store *tier2.Store) error {
	recent, err := store.Reports.RecentExecutions(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "recent_executions")
	for _, e := range recent {
		fmt.Fprintf(out, "  %s  %s  %d audit entries  %d SLO violations\n", e.ExecutionID, e.Status, e.AuditEntries, e.SLOViolations)
	}

	agents, err := store.Reports.AgentPerformance(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "agent_performance_summary")
	for _, a := range agents {
		fmt.Fprintf(out, "  %s  %d of %d passed  %.0f ms on average\n", a.AgentID, a.SuccessfulExecutions, a.TotalExecutions, a.AvgDurationMS)
	}

	stages, err := store.Reports.StagePerformance(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "pipeline_stage_performance")
	for _, s := range stages {
		fmt.Fprintf(out, "  %-16s %d passed  %d failed  %.0f ms on average\n", s.Stage, s.PassedCount, s.FailedCount, s.AvgDurationMS)
	}
	return nil
}
