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
