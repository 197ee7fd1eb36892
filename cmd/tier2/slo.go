package main

import (
	"github.com/spf13/cobra"

	"github.com/seanchatmangpt/ggen/tier2"
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
				return a.read(cmd, func(store *tier2.Store) error {
					rows, err := store.Reports.SLOs(cmd.Context(), f.report())
					if err != nil {
						return err
					}
					return list(a, f.limit, each(rows), sloFields...)
				})
			}
			if err := alone(cmd, "an execution", "agent", "since", "until", "limit"); err != nil {
				return err
			}
			return a.read(cmd, func(store *tier2.Store) error {
				rows, err := ofExecution(cmd.Context(), store, args[0], store.Violations.ByExecution)
				if err != nil {
					return a.refused(err, models.ErrNotFound)
				}
				return list(a, everything, each(rows), violationFields...)
			})
		},
	})
	f.flags(a, cmd, "executions")
	return cmd
}

type slo = repository.SLOReport

var sloFields = []field[slo]{
	{"metric", "METRIC", func(v slo) any { return v.Metric }},
	{"target", "TARGET", func(v slo) any { return v.Target }},
	{"unit", "UNIT", func(v slo) any { return v.Unit }},
	{"executions", "EXECUTIONS", func(v slo) any { return v.Executions }},
	{"missed", "MISSED", func(v slo) any { return v.Missed }},
	{"share", "SHARE", func(v slo) any { return share(v.Share) }},
	{"violations", "VIOLATIONS", func(v slo) any { return v.Violations }},
	{"critical", "CRITICAL", func(v slo) any { return v.Critical }},
	{"median", "MEDIAN", func(v slo) any { return v.Median }},
	{"worst", "WORST", func(v slo) any { return v.Worst }},
	{"last_execution_id", "", func(v slo) any { return v.LastExecutionID }},
	{"last", "LAST", func(v slo) any { return v.Last }},
}

type violation = models.SLOViolation

var violationFields = []field[violation]{
	{"id", "", func(v violation) any { return v.ID }},
	{"execution_id", "", func(v violation) any { return v.ExecutionID }},
	{"metric", "METRIC", func(v violation) any { return v.Metric }},
	{"target_value", "TARGET", func(v violation) any { return v.TargetValue }},
	{"actual_value", "ACTUAL", func(v violation) any { return v.ActualValue }},
	{"severity", "SEVERITY", func(v violation) any { return v.Severity }},
	{"timestamp", "TIMESTAMP", func(v violation) any { return v.Timestamp }},
	{"description", "DESCRIPTION", func(v violation) any { return v.Description }},
	{"created_at", "", func(v violation) any { return v.CreatedAt }},
}
