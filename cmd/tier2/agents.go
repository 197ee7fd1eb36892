package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seanchatmangpt/ggen/tier2"
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
			if f.limit.n > repository.MaxLimit && f.limit != everything {
				return usageError{fmt.Errorf("--limit %v: must lie in 1 to %d", &f.limit, repository.MaxLimit)}
			}
			return a.read(cmd, func(store *tier2.Store) error {
				rows, err := store.Reports.AgentPercentiles(cmd.Context(), f.report(), f.limit.page().Limit)
				if err != nil {
					return err
				}
				if f.limit == everything && len(rows) == repository.MaxLimit {
					a.note("these are the %d agents with the most executions: there may be more", len(rows))
				}
				return list(a, f.limit, each(rows), agentFields...)
			})
		},
	})
	f.byAgent(a, cmd, "executions")
	f.byTime(cmd, "executions")
	f.byNumber(cmd)
	cmd.Flags().Lookup("limit").Usage = "how many agents to show, up to 1000, or all of these"
	return cmd
}

type agent = repository.AgentPercentiles

var agentFields = []field[agent]{
	{"agent_id", "AGENT", func(v agent) any { return v.AgentID }},
	{"count", "EXECUTIONS", func(v agent) any { return v.Count }},
	{"passed", "PASSED", func(v agent) any { return v.Passed }},
	{"failed", "FAILED", func(v agent) any { return v.Failed }},
	{"partial", "PARTIAL", func(v agent) any { return v.Partial }},
	{"cancelled", "CANCELLED", func(v agent) any { return v.Cancelled }},
	{"p50_ms", "P50", func(v agent) any { return ms(v.P50MS) }},
	{"p95_ms", "P95", func(v agent) any { return ms(v.P95MS) }},
	{"p99_ms", "P99", func(v agent) any { return ms(v.P99MS) }},
	{"max_ms", "MAX", func(v agent) any { return ms(v.MaxMS) }},
}
