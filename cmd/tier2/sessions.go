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

type session = models.WorkflowSession

var sessionColumns = []term.Column[session]{
	term.Col("id", "", func(v session) any { return v.ID }),
	term.Col("session_id", "SESSION", func(v session) any { return v.SessionID }),
	term.Col("start_time", "STARTED", func(v session) any { return v.StartTime }),
	term.Col("end_time", "ENDED", func(v session) any { return term.Null(v.EndTime) }),
	term.Col("status", "STATUS", func(v session) any { return v.Status }),
	term.Col("agent_count", "AGENTS", func(v session) any { return v.AgentCount }),
	term.Col("total_duration_ms", "DURATION", func(v session) any { return term.Null((*term.MS)(v.TotalDurationMS)) }),
	term.Col("successful_operations", "SUCCEEDED", func(v session) any { return v.SuccessfulOperations }),
	term.Col("failed_operations", "FAILED", func(v session) any { return v.FailedOperations }),
	term.Col("context_json", "", func(v session) any { return v.ContextJSON }),
	term.Col("created_at", "", func(v session) any { return v.CreatedAt }),
}
