package main

import (
	"github.com/spf13/cobra"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/cmd/tier2/internal/term"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

func (a *app) collisions() *cobra.Command {
	var f filters
	var filter repository.CollisionFilter
	var unresolved, pairs bool
	cmd := listing(&cobra.Command{
		Use:   "collisions",
		Short: "Show which agents got in each other's way",
		Long: `Shows collisions of agents, newest first. --pairs counts them by pair of agents
instead, the most frequent pair first, among the 100 agents that collided most.`,
		Example: `  tier2 collisions --unresolved --severity critical
  tier2 collisions --pairs --since 30d`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if pairs {
				if err := alone(cmd, "--pairs", "unresolved", "session", "type", "severity"); err != nil {
					return err
				}
				return a.collidingPairs(cmd, f)
			}
			filter.AgentID, filter.Since, filter.Until = f.agent, f.since.Time, f.until.Time
			return a.read(cmd, func(store *tier2.Store) error {
				read := store.Collisions.List
				if unresolved {
					read = store.Collisions.Unresolved
				}
				return term.List(a.Console, f.limit, pages(f.limit, func(p repository.Page) ([]models.Collision, string, error) {
					filter.Page = p
					return read(cmd.Context(), filter)
				}), collisionColumns...)
			})
		},
	})
	f.flags(a, cmd, "collisions")
	cmd.Flags().StringVar(&filter.SessionID, "session", "", "only collisions of this session")
	a.flagWords(cmd, "session", sessionIDs)
	enum(cmd, &filter.CollisionType, "type", "only collisions of this type", models.CollisionTypes())
	enum(cmd, &filter.Severity, "severity", "only collisions of this severity", models.Severities())
	cmd.Flags().BoolVar(&unresolved, "unresolved", false, "only collisions without a resolution")
	cmd.Flags().BoolVar(&pairs, "pairs", false, "count by pair of agents")
	return cmd
}

func (a *app) collidingPairs(cmd *cobra.Command, f filters) error {
	return show(a, cmd, f.limit, pairColumns, func(store *tier2.Store) ([]pair, error) {
		m, err := store.Reports.CollisionMatrix(cmd.Context(), f.report(), repository.MaxMatrixAgents)
		if err == nil && m.Omitted > 0 {
			a.Note("%d collisions with %d more agents are not shown", m.Omitted, m.MoreAgents)
		}
		return m.Pairs, err
	})
}

type collision = models.Collision

var collisionColumns = []term.Column[collision]{
	term.Col("id", "ID", func(v collision) any { return v.ID }),
	term.Col("timestamp", "TIMESTAMP", func(v collision) any { return v.Timestamp }),
	term.Col("session_id", "SESSION", func(v collision) any { return v.SessionID }),
	term.Col("agent_id_1", "AGENT 1", func(v collision) any { return v.AgentID1 }),
	term.Col("agent_id_2", "AGENT 2", func(v collision) any { return v.AgentID2 }),
	term.Col("collision_type", "TYPE", func(v collision) any { return v.CollisionType }),
	term.Col("severity", "SEVERITY", func(v collision) any { return v.Severity }),
	term.Col("description", "DESCRIPTION", func(v collision) any { return v.Description }),
	term.Col("resolution", "RESOLUTION", func(v collision) any { return v.Resolution }),
	term.Col("created_at", "", func(v collision) any { return v.CreatedAt }),
}

type pair = repository.CollisionPair

var pairColumns = []term.Column[pair]{
	term.Col("agent_id_1", "AGENT 1", func(v pair) any { return v.AgentID1 }),
	term.Col("agent_id_2", "AGENT 2", func(v pair) any { return v.AgentID2 }),
	term.Col("count", "COLLISIONS", func(v pair) any { return v.Count }),
	term.Col("info", "INFO", func(v pair) any { return v.Info }),
	term.Col("warning", "WARNING", func(v pair) any { return v.Warning }),
	term.Col("critical", "CRITICAL", func(v pair) any { return v.Critical }),
	term.Col("unresolved", "UNRESOLVED", func(v pair) any { return v.Unresolved }),
}
