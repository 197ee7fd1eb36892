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
