package main

import (
	"github.com/spf13/cobra"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/cmd/tier2/internal/term"
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
	f.byAgent(a, cmd, "executions")
	f.byTime(cmd, "executions")
	f.byNumber(cmd)
	onePage(cmd, "agents")
	return cmd
}

var agentColumns = term.Fields[repository.AgentPercentiles]("agent_id AGENT", "count EXECUTIONS",
	"passed PASSED", "failed FAILED", "partial PARTIAL", "cancelled CANCELLED",
	"p50_ms P50", "p95_ms P95", "p99_ms P99", "max_ms MAX")
