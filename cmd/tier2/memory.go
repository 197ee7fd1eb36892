package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/cmd/tier2/internal/term"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

func (a *app) memory() *cobra.Command {
	var f filters
	var at when
	var history bool
	cmd := listing(&cobra.Command{
		Use:   "memory [AGENT]",
		Short: "Show what the agents remember",
		Long: `Shows the agents that have a memory, the last updated first. With an agent it
prints that one's document, --json and --csv all of its row. --at prints the
document as it was at a time, without "_activity", which the store counts;
--history lists its versions, newest first. Both read the audit log, where
secrets are redacted.

Exit code 1 if there is no memory of that agent, or the log does not tell what
it was.`,
		Example: `  tier2 memory --since 24h
  tier2 memory code-generator
  tier2 memory code-generator --at 2026-01-29T12:00:00Z
  tier2 memory code-generator --history --limit 10`,
		Args: cobra.MaximumNArgs(1), ValidArgsFunction: a.first(memoryIDs),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := memoryUsage(cmd, args, history); err != nil {
				return err
			}
			return a.read(cmd, func(store *tier2.Store) error {
				switch {
				case len(args) == 0:
					filter := repository.MemoryFilter{UpdatedSince: f.since.Time, UpdatedUntil: f.until.Time}
					return term.List(a.Console, f.limit, pages(f.limit, func(p repository.Page) ([]models.AgentMemory, string, error) {
						filter.Page = p
						return store.Memory.List(cmd.Context(), filter)
					}), memoryColumns...)
				case history:
					if err := checkMemory(cmd.Context(), store, args[0]); err != nil {
						return err
					}
					filter := repository.HistoryFilter{Since: f.since.Time, Until: f.until.Time, Page: firstPage(f.limit)}
					return term.List(a.Console, f.limit, store.Memory.HistoryAll(cmd.Context(), args[0], filter), versionColumns...)
				case !at.IsZero():
					version, err := store.Memory.At(cmd.Context(), args[0], at.Time)
					return a.printVersion(version, err)
				}
				row, err := store.Memory.Get(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				if a.JSON || a.CSV {
					return term.One(a.Console, *row, memoryColumns...)
				}
				return a.PrintJSON(term.JSONValue(row.MemoryJSON))
			})
		},
	})
	f.byTime(cmd, "memories that were updated, or versions that began,")
	f.byNumber(cmd)
	cmd.Flags().Var(&at, "at", "the document as it was at a time")
	cmd.Flags().BoolVar(&history, "history", false, "the versions of the document")
	return cmd
}

// memoryUsage rejects combinations of flags.
func memoryUsage(cmd *cobra.Command, args []string, history bool) error {
	switch {
	case len(args) == 0 && (history || cmd.Flags().Changed("at")):
		return usagef("--at and --history need an agent")
	case history:
		return alone(cmd, "--history", "at")
	case len(args) > 0:
		return alone(cmd, "one memory", "since", "until", "limit")
	}
	return nil
}

// checkMemory returns models.ErrNotFound for an agent that never had a memory.
func checkMemory(ctx context.Context, store *tier2.Store, agent string) error {
	_, err := store.Memory.Get(ctx, agent)
	if !errors.Is(err, models.ErrNotFound) {
		return err
	}
	for _, failed := range store.Memory.HistoryAll(ctx, agent, repository.HistoryFilter{Page: repository.Page{Limit: 1}}) {
		return failed // nil if the memory was deleted
	}
	return err
}

func (a *app) printVersion(v *repository.MemoryVersion, err error) error {
	switch {
	case err != nil:
		return err
	case a.JSON || a.CSV:
		return term.One(a.Console, *v, versionColumns...)
	case v.Unknown:
		return &models.Error{Kind: models.ErrNotFound, Reason: fmt.Sprintf("entry %d of the audit log does not tell the document", v.EntryID)}
	}
	return a.PrintJSON(v.Document)
}

var memoryColumns = slices.Concat(
	term.Fields[models.AgentMemory]("id", "agent_id AGENT"),
	term.Col("", "BYTES", func(m models.AgentMemory) any { return len(m.MemoryJSON) }),
	term.Fields[models.AgentMemory]("memory_json", "collision_history", "retry_count RETRIES", "updated_at UPDATED",
		"last_error LAST ERROR", "created_at"),
)

var versionColumns = term.Fields[repository.MemoryVersion]("entry_id ENTRY", "timestamp SINCE", "changed_by BY",
	"execution_id EXECUTION", "action ACTION", "document DOCUMENT", "unknown")
