package main

import (
	"github.com/spf13/cobra"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/cmd/tier2/internal/term"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

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
				return show(a, cmd, f.limit, sloColumns, func(store *tier2.Store) ([]slo, error) {
					return store.Reports.SLOs(cmd.Context(), f.report())
				})
			}
			if err := alone(cmd, "an execution", "agent", "since", "until", "limit"); err != nil {
				return err
			}
			return show(a, cmd, term.NoLimit, violationColumns, func(store *tier2.Store) ([]violation, error) {
				return ofExecution(cmd.Context(), store, args[0], store.Violations.ByExecution)
			})
		},
	})
	f.flags(a, cmd, "executions")
	return cmd
}

type slo = repository.SLOReport

var sloColumns = []term.Column[slo]{
	term.Col("metric", "METRIC", func(v slo) any { return v.Metric }),
	term.Col("target", "TARGET", func(v slo) any { return v.Target }),
	term.Col("unit", "UNIT", func(v slo) any { return v.Unit }),
	term.Col("executions", "EXECUTIONS", func(v slo) any { return v.Executions }),
	term.Col("missed", "MISSED", func(v slo) any { return v.Missed }),
	term.Col("share", "SHARE", func(v slo) any { return term.Share(v.Share) }),
	term.Col("violations", "VIOLATIONS", func(v slo) any { return v.Violations }),
	term.Col("critical", "CRITICAL", func(v slo) any { return v.Critical }),
	term.Col("median", "MEDIAN", func(v slo) any { return v.Median }),
	term.Col("worst", "WORST", func(v slo) any { return v.Worst }),
	term.Col("last_execution_id", "", func(v slo) any { return v.LastExecutionID }),
	term.Col("last", "LAST", func(v slo) any { return v.Last }),
}

type violation = models.SLOViolation

var violationColumns = []term.Column[violation]{
	term.Col("id", "", func(v violation) any { return v.ID }),
	term.Col("execution_id", "", func(v violation) any { return v.ExecutionID }),
	term.Col("metric", "METRIC", func(v violation) any { return v.Metric }),
	term.Col("target_value", "TARGET", func(v violation) any { return v.TargetValue }),
	term.Col("actual_value", "ACTUAL", func(v violation) any { return v.ActualValue }),
	term.Col("severity", "SEVERITY", func(v violation) any { return v.Severity }),
	term.Col("timestamp", "TIMESTAMP", func(v violation) any { return v.Timestamp }),
	term.Col("description", "DESCRIPTION", func(v violation) any { return v.Description }),
	term.Col("created_at", "", func(v violation) any { return v.CreatedAt }),
}
