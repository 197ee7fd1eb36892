package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/cmd/tier2/internal/term"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

func (a *app) agents() *cobra.Command {
	var f filters
	cmd := listing(&cobra.Command{
		Use:   "agents",
		Short: "Show how the agents did, and how long they took",
		Long: `Shows each agent with its executions by how they ended, and the durations that
50, 95 and 99 % of them did not exceed (the nearest rank, so one of them): the
agent with the most executions first.`,
		Example: `  tier2 agents
  tier2 agents --since 7d --csv >agents.csv`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.checkPage(); err != nil {
				return err
			}
			return show(a, cmd, f.limit, agentColumns, func(store *tier2.Store) ([]repository.AgentPercentiles, error) {
				rows, err := store.Reports.AgentPercentiles(cmd.Context(), f.report(), firstPage(f.limit).Limit)
				if f.limit == term.NoLimit && len(rows) == repository.MaxLimit {
					a.Note("these are the %d agents with the most executions: there may be more", len(rows))
				}
				return rows, err
			})
		},
	})
	f.flags(a, cmd, "executions")
	onePage(cmd, "agents")
	return cmd
}

var agentColumns = term.Fields[repository.AgentPercentiles]("agent_id AGENT", "count EXECUTIONS",
	"passed PASSED", "failed FAILED", "partial PARTIAL", "cancelled CANCELLED",
	"p50_ms P50", "p95_ms P95", "p99_ms P99", "max_ms MAX")

func (a *app) stages() *cobra.Command {
	var f filters
	cmd := listing(&cobra.Command{
		Use:   "stages [EXECUTION]",
		Short: "Show how long the stages of the pipeline took",
		Long: `Shows each stage with how often it ran and failed, and the durations that 50, 95
and 99 % of its runs did not exceed (the nearest rank, so one of them), in the
order of the pipeline. With an execution it shows that one's stages; exit code 1
if there is no such execution.`,
		Example: `  tier2 stages --agent code-generator --since 7d
  tier2 stages exec-001`,
		Args: cobra.MaximumNArgs(1), ValidArgsFunction: a.first(executionIDs),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return show(a, cmd, term.NoLimit, stageColumns, func(store *tier2.Store) ([]repository.StagePercentiles, error) {
					return store.Reports.StagePercentiles(cmd.Context(), f.report())
				})
			}
			if err := alone(cmd, "an execution", "agent", "since", "until"); err != nil {
				return err
			}
			return show(a, cmd, term.NoLimit, metricColumns, func(store *tier2.Store) ([]models.PipelineMetric, error) {
				return ofExecution(cmd.Context(), store, args[0], store.Metrics.ByExecution)
			})
		},
	})
	f.byAgent(a, cmd, "executions")
	f.byTime(cmd, "executions")
	return cmd
}

// ofExecution returns the rows of an execution, or models.ErrNotFound if it has no receipt.
func ofExecution[T any](ctx context.Context, store *tier2.Store, id string, rows func(context.Context, string) ([]T, error)) ([]T, error) {
	if _, err := store.Receipts.Get(ctx, id); err != nil {
		return nil, err
	}
	return rows(ctx, id)
}

var stageColumns = term.Fields[repository.StagePercentiles]("stage STAGE", "count RUNS", "failed FAILED",
	"p50_ms P50", "p95_ms P95", "p99_ms P99", "max_ms MAX")

var metricColumns = term.Fields[models.PipelineMetric]("id", "execution_id", "stage STAGE", "status STATUS",
	"duration_ms DURATION", "input_size_bytes INPUT", "output_size_bytes OUTPUT", "timestamp BEGAN", "error_message ERROR", "created_at")

func (a *app) slo() *cobra.Command {
	var f filters
	cmd := listing(&cobra.Command{
		Use:   "slo [EXECUTION]",
		Short: "Show targets, and how often they were missed",
		Long: `Shows each metric with its target and how many executions missed it, the one
with the most violations first; ggen's own targets are shown also if none missed
them. With an execution it shows that one's violations; exit code 1 if there is
no such execution.`,
		Example: `  tier2 slo --since 7d
  tier2 slo exec-001 --json`,
		Args: cobra.MaximumNArgs(1), ValidArgsFunction: a.first(executionIDs),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return show(a, cmd, f.limit, sloColumns, func(store *tier2.Store) ([]repository.SLOReport, error) {
					return store.Reports.SLOs(cmd.Context(), f.report())
				})
			}
			if err := alone(cmd, "an execution", "agent", "since", "until", "limit"); err != nil {
				return err
			}
			return show(a, cmd, term.NoLimit, violationColumns, func(store *tier2.Store) ([]models.SLOViolation, error) {
				return ofExecution(cmd.Context(), store, args[0], store.Violations.ByExecution)
			})
		},
	})
	f.flags(a, cmd, "executions")
	return cmd
}

var sloColumns = term.Fields[repository.SLOReport]("metric METRIC", "target TARGET", "unit UNIT", "executions EXECUTIONS",
	"missed MISSED", "share SHARE", "violations VIOLATIONS", "critical CRITICAL", "median MEDIAN", "worst WORST",
	"last_execution_id", "last LAST")

var violationColumns = term.Fields[models.SLOViolation]("id", "execution_id", "metric METRIC", "target_value TARGET",
	"actual_value ACTUAL", "severity SEVERITY", "timestamp TIMESTAMP", "description DESCRIPTION", "created_at")
