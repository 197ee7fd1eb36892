package main

import (
	"github.com/spf13/cobra"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

func (a *app) sessions() *cobra.Command {
	var f filters
	var chosen repository.SessionFilter
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
				chosen.Status = models.SessionRunning
			}
			chosen.Since, chosen.Until = f.since.Time, f.until.Time
			return a.read(cmd, func(store *tier2.Store) error {
				return list(a, f.limit, pages(f.limit, func(p repository.Page) ([]models.WorkflowSession, string, error) {
					chosen.Page = p
					return store.Sessions.List(cmd.Context(), chosen)
				}), sessionFields...)
			})
		},
	})
	f.byTime(cmd, "sessions")
	f.byNumber(cmd)
	enum(cmd, &chosen.Status, "status", "only sessions in this state", models.SessionStatuses())
	cmd.Flags().BoolVar(&active, "active", false, "only sessions that are running")
	return cmd
}

type session = models.WorkflowSession

var sessionFields = []field[session]{
	{"id", "", func(v session) any { return v.ID }},
	{"session_id", "SESSION", func(v session) any { return v.SessionID }},
	{"start_time", "STARTED", func(v session) any { return v.StartTime }},
	{"end_time", "ENDED", func(v session) any { return null(v.EndTime) }},
	{"status", "STATUS", func(v session) any { return v.Status }},
	{"agent_count", "AGENTS", func(v session) any { return v.AgentCount }},
	{"total_duration_ms", "DURATION", func(v session) any { return null((*ms)(v.TotalDurationMS)) }},
	{"successful_operations", "SUCCEEDED", func(v session) any { return v.SuccessfulOperations }},
	{"failed_operations", "FAILED", func(v session) any { return v.FailedOperations }},
	{"context_json", "", func(v session) any { return v.ContextJSON }},
	{"created_at", "", func(v session) any { return v.CreatedAt }},
}
