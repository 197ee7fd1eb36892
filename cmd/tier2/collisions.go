package main

import (
	"github.com/spf13/cobra"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

func (a *app) collisions() *cobra.Command {
	var f filters
	var chosen repository.CollisionFilter
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
			chosen.AgentID, chosen.Since, chosen.Until = f.agent, f.since.Time, f.until.Time
			return a.read(cmd, func(store *tier2.Store) error {
				read := store.Collisions.List
				if unresolved {
					read = store.Collisions.Unresolved
				}
				return list(a, f.limit, pages(f.limit, func(p repository.Page) ([]models.Collision, string, error) {
					chosen.Page = p
					return read(cmd.Context(), chosen)
				}), collisionFields...)
			})
		},
	})
	f.flags(a, cmd, "collisions")
	cmd.Flags().StringVar(&chosen.SessionID, "session", "", "only collisions of this session")
	a.flagWords(cmd, "session", sessionIDs)
	enum(cmd, &chosen.CollisionType, "type", "only collisions of this type", models.CollisionTypes())
	enum(cmd, &chosen.Severity, "severity", "only collisions of this severity", models.Severities())
	cmd.Flags().BoolVar(&unresolved, "unresolved", false, "only collisions without a resolution")
	cmd.Flags().BoolVar(&pairs, "pairs", false, "count by pair of agents")
	return cmd
}

func (a *app) collidingPairs(cmd *cobra.Command, f filters) error {
	return a.read(cmd, func(store *tier2.Store) error {
		m, err := store.Reports.CollisionMatrix(cmd.Context(), f.report(), repository.MaxMatrixAgents)
		if err != nil {
			return err
		}
		if m.Omitted > 0 {
			a.note("%d collisions with %d more agents are not shown", m.Omitted, m.MoreAgents)
		}
		return list(a, f.limit, each(m.Pairs), pairFields...)
	})
}

type collision = models.Collision

var collisionFields = []field[collision]{
	{"id", "ID", func(v collision) any { return v.ID }},
	{"timestamp", "TIMESTAMP", func(v collision) any { return v.Timestamp }},
	{"session_id", "SESSION", func(v collision) any { return v.SessionID }},
	{"agent_id_1", "AGENT 1", func(v collision) any { return v.AgentID1 }},
	{"agent_id_2", "AGENT 2", func(v collision) any { return v.AgentID2 }},
	{"collision_type", "TYPE", func(v collision) any { return v.CollisionType }},
	{"severity", "SEVERITY", func(v collision) any { return v.Severity }},
	{"description", "DESCRIPTION", func(v collision) any { return v.Description }},
	{"resolution", "RESOLUTION", func(v collision) any { return v.Resolution }},
	{"created_at", "", func(v collision) any { return v.CreatedAt }},
}

type pair = repository.CollisionPair

var pairFields = []field[pair]{
	{"agent_id_1", "AGENT 1", func(v pair) any { return v.AgentID1 }},
	{"agent_id_2", "AGENT 2", func(v pair) any { return v.AgentID2 }},
	{"count", "COLLISIONS", func(v pair) any { return v.Count }},
	{"info", "INFO", func(v pair) any { return v.Info }},
	{"warning", "WARNING", func(v pair) any { return v.Warning }},
	{"critical", "CRITICAL", func(v pair) any { return v.Critical }},
	{"unresolved", "UNRESOLVED", func(v pair) any { return v.Unresolved }},
}
