package main

import (
	"github.com/spf13/cobra"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/cmd/tier2/internal/term"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

func (a *app) sessions() *cobra.Command {
	var f filters
	var filter repository.SessionFilter
	var active bool
	cmd := listing(&cobra.Command{
		Use:   "sessions",
		Short: "Show the runs of several agents",
		Long:  `Shows sessions, the last started first, with how their operations ended.`,
		Example: `  tier2 sessions --active
  tier2 sessions --status failed --since 30d --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if active {
				if err := alone(cmd, "--active", "status"); err != nil {
					return err
				}
				filter.Status = models.SessionRunning
			}
			filter.Since, filter.Until = f.since.Time, f.until.Time
			return a.read(cmd, func(store *tier2.Store) error {
				return term.List(a.Console, f.limit, pages(f.limit, func(p repository.Page) ([]models.WorkflowSession, string, error) {
					filter.Page = p
					return store.Sessions.List(cmd.Context(), filter)
				}), sessionColumns...)
			})
		},
	})
	f.byTime(cmd, "sessions")
	f.byNumber(cmd)
	enum(cmd, &filter.Status, "status", "only sessions in this state", models.SessionStatuses())
	cmd.Flags().BoolVar(&active, "active", false, "only sessions that are running")
	return cmd
}

var sessionColumns = term.Fields[models.WorkflowSession]("id", "session_id SESSION", "start_time STARTED", "end_time ENDED",
	"status STATUS", "agent_count AGENTS", "total_duration_ms DURATION", "successful_operations SUCCEEDED",
	"failed_operations FAILED", "context_json", "created_at")

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
	return show(a, cmd, f.limit, pairColumns, func(store *tier2.Store) ([]repository.CollisionPair, error) {
		m, err := store.Reports.CollisionMatrix(cmd.Context(), f.report(), repository.MaxMatrixAgents)
		if err == nil && m.Omitted > 0 {
			a.Note("%d collisions with %d more agents are not shown", m.Omitted, m.MoreAgents)
		}
		return m.Pairs, err
	})
}

var collisionColumns = term.Fields[models.Collision]("id ID", "timestamp TIMESTAMP", "session_id SESSION",
	"agent_id_1 AGENT 1", "agent_id_2 AGENT 2", "collision_type TYPE", "severity SEVERITY",
	"description DESCRIPTION", "resolution RESOLUTION", "created_at")

var pairColumns = term.Fields[repository.CollisionPair]("agent_id_1 AGENT 1", "agent_id_2 AGENT 2",
	"count COLLISIONS", "info INFO", "warning WARNING", "critical CRITICAL", "unresolved UNRESOLVED")
