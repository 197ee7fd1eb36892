package main

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/cmd/tier2/internal/term"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

func (a *app) audit() *cobra.Command {
	var f filters
	var filter repository.AuditFilter
	var follow bool
	cmd := listing(&cobra.Command{
		Use:   "audit [EXECUTION|SESSION]",
		Short: "Show the audit log",
		Long: `Shows entries of the audit log, newest first. With an execution or a session it
shows every entry that names it, oldest first, which reads the whole log; exit
code 1 if there is none.

--follow waits for entries and prints them as they are committed, by whatever
process, oldest first: with --since also those that are there since then. It
goes on until it is interrupted (exit code 130, as always then), or has printed
as many as --limit says. With --json each is an object on a line of its own.`,
		Example: `  tier2 audit --status failed --since 7d
  tier2 audit --agent code-generator --operation receipts.create --limit all --csv
  tier2 audit exec-001
  tier2 audit --follow --json --agent code-generator`,
		Args: cobra.MaximumNArgs(1), ValidArgsFunction: a.first(trailIDs),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				err := alone(cmd, "an execution", "agent", "since", "until", "limit", "operation", "status", "execution", "follow")
				if err != nil {
					return err
				}
				return show(a, cmd, term.NoLimit, entryColumns, func(store *tier2.Store) ([]models.AuditEntry, error) {
					entries, err := store.Audit.Trail(cmd.Context(), args[0])
					if err == nil && len(entries) == 0 {
						err = &models.Error{Table: "audit_log", Kind: models.ErrNotFound, Reason: fmt.Sprintf("no entry names %q", args[0])}
					}
					return entries, err
				})
			}
			if follow {
				if err := alone(cmd, "--follow", "until"); err != nil {
					return err
				}
				filter.AgentID, filter.Since = f.agent, f.since.Time
				return a.follow(cmd, f.limit, filter)
			}
			filter.AgentID, filter.Since, filter.Until, filter.Page = f.agent, f.since.Time, f.until.Time, firstPage(f.limit)
			return a.read(cmd, func(store *tier2.Store) error {
				return term.List(a.Console, f.limit, store.Audit.All(cmd.Context(), filter), entryColumns...)
			})
		},
	})
	f.flags(a, cmd, "entries")
	enum(cmd, &filter.Status, "status", "only entries with this status", models.AuditStatuses())
	cmd.Flags().StringVar(&filter.Operation, "operation", "", "only this operation, such as receipts.create")
	cmd.Flags().StringVar(&filter.ExecutionID, "execution", "", "only entries that name this execution")
	a.flagWords(cmd, "execution", executionIDs)
	offer(cmd, "operation", storeOperations()...)
	cmd.Flags().BoolVar(&follow, "follow", false, "wait for entries, and print them as they come")
	return cmd
}

// follow prints entries as they are committed.
func (a *app) follow(cmd *cobra.Command, limit term.Limit, filter repository.AuditFilter) error {
	if !limit.Given {
		limit = term.NoLimit
	}
	return a.read(cmd, func(store *tier2.Store) error {
		err := term.Live(a.Console, limit, store.Audit.Follow(cmd.Context(), filter, 0), entryColumns...)
		if cmd.Context().Err() != nil {
			err = errInterrupted
		}
		return err
	})
}

var entryColumns = slices.Concat(
	term.Fields[models.AuditEntry]("id ID", "timestamp TIMESTAMP", "agent_id AGENT", "operation OPERATION", "status STATUS",
		"duration_ms DURATION"),
	term.Col("", "OF", subject),
	term.Fields[models.AuditEntry]("error_message ERROR", "context_json", "created_at"),
)

// subject returns the key of the row that an entry is about, or else the execution or
// session, or "" if the context of the entry has none of them.
func subject(e models.AuditEntry) any {
	var context struct {
		Key         any `json:"key"`
		ExecutionID any `json:"execution_id"`
		SessionID   any `json:"session_id"`
	}
	_ = e.ContextJSON.Decode(&context) // other programs may write any document
	for _, v := range []any{context.Key, context.ExecutionID, context.SessionID} {
		if text, ok := v.(string); ok && text != "" {
			return text
		}
	}
	return ""
}
