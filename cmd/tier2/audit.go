package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

func (a *app) audit() *cobra.Command {
	var f filters
	var chosen repository.AuditFilter
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
				if err := alone(cmd, "an execution", "agent", "since", "until", "limit", "operation", "status", "execution", "follow"); err != nil {
					return err
				}
				return a.read(cmd, func(store *tier2.Store) error {
					entries, err := store.Audit.Trail(cmd.Context(), args[0])
					if err == nil && len(entries) == 0 {
						err = &models.Error{Table: "audit_log", Kind: models.ErrNotFound, Reason: fmt.Sprintf("no entry names %q", args[0])}
					}
					if err != nil {
						return a.refused(err, models.ErrNotFound)
					}
					return list(a, everything, each(entries), entryFields...)
				})
			}
			if follow {
				if err := alone(cmd, "--follow", "until"); err != nil {
					return err
				}
				chosen.AgentID, chosen.Since = f.agent, f.since.Time
				return a.follow(cmd, f.limit, chosen)
			}
			chosen.AgentID, chosen.Since, chosen.Until, chosen.Page = f.agent, f.since.Time, f.until.Time, f.limit.page()
			return a.read(cmd, func(store *tier2.Store) error {
				return list(a, f.limit, store.Audit.All(cmd.Context(), chosen), entryFields...)
			})
		},
	})
	f.flags(a, cmd, "entries")
	enum(cmd, &chosen.Status, "status", "only entries with this status", models.AuditStatuses())
	cmd.Flags().StringVar(&chosen.Operation, "operation", "", "only this operation, such as receipts.create")
	cmd.Flags().StringVar(&chosen.ExecutionID, "execution", "", "only entries that name this execution")
	a.flagWords(cmd, "execution", executionIDs)
	_ = cmd.RegisterFlagCompletionFunc("operation", cobra.FixedCompletions(audited(), cobra.ShellCompDirectiveNoFileComp))
	cmd.Flags().BoolVar(&follow, "follow", false, "wait for entries, and print them as they come")
	return cmd
}

// follow prints entries as they come, each at once.
func (a *app) follow(cmd *cobra.Command, most amount, chosen repository.AuditFilter) error {
	if !most.given {
		most = everything
	}
	return a.read(cmd, func(store *tier2.Store) error {
		err := live(a, most, store.Audit.Follow(cmd.Context(), chosen, 0), entryFields...)
		if cmd.Context().Err() != nil {
			err = errInterrupted
		}
		return err
	})
}

type entry = models.AuditEntry

var entryFields = []field[entry]{
	{"id", "ID", func(v entry) any { return v.ID }},
	{"timestamp", "TIMESTAMP", func(v entry) any { return v.Timestamp }},
	{"agent_id", "AGENT", func(v entry) any { return v.AgentID }},
	{"operation", "OPERATION", func(v entry) any { return v.Operation }},
	{"status", "STATUS", func(v entry) any { return v.Status }},
	{"duration_ms", "DURATION", func(v entry) any { return ms(v.DurationMS) }},
	{"", "OF", func(v entry) any { return subject(v) }},
	{"error_message", "ERROR", func(v entry) any { return v.ErrorMessage }},
	{"context_json", "", func(v entry) any { return v.ContextJSON }},
	{"created_at", "", func(v entry) any { return v.CreatedAt }},
}

// subject is what an entry is about, as far as its context says so: the key of the row,
// or else the execution or session.
func subject(e entry) string {
	var context struct {
		Key         any `json:"key"`
		ExecutionID any `json:"execution_id"`
		SessionID   any `json:"session_id"`
	}
	_ = e.ContextJSON.Decode(&context) // what other programs wrote there may be anything
	for _, v := range []any{context.Key, context.ExecutionID, context.SessionID} {
		if text, ok := v.(string); ok && text != "" {
			return text
		}
	}
	return ""
}
