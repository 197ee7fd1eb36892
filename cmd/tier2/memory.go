package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seanchatmangpt/ggen/tier2"
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
					return a.memories(cmd, store, f)
				case history:
					if err := remembered(cmd.Context(), store, args[0]); err != nil {
						return a.refused(err, models.ErrNotFound)
					}
					chosen := repository.HistoryFilter{Since: f.since.Time, Until: f.until.Time, Page: f.limit.page()}
					return list(a, f.limit, store.Memory.HistoryAll(cmd.Context(), args[0], chosen), versionFields...)
				case !at.IsZero():
					version, err := store.Memory.At(cmd.Context(), args[0], at.Time)
					return a.refused(a.printVersion(version, err), models.ErrNotFound)
				}
				row, err := store.Memory.Get(cmd.Context(), args[0])
				if err != nil {
					return a.refused(err, models.ErrNotFound)
				}
				if a.json || a.csv {
					return one(a, *row, memoryFields...)
				}
				return a.printJSON(jsonValue(row.MemoryJSON))
			})
		},
	})
	f.byTime(cmd, "memories that were updated, or versions that began,")
	f.byNumber(cmd)
	cmd.Flags().Var(&at, "at", "the document as it was at a time")
	cmd.Flags().BoolVar(&history, "history", false, "the versions of the document")
	return cmd
}

// memoryUsage checks which flags were given together.
func memoryUsage(cmd *cobra.Command, args []string, history bool) error {
	switch {
	case len(args) == 0 && (history || cmd.Flags().Changed("at")):
		return usageError{errors.New("--at and --history need an agent")}
	case history:
		return alone(cmd, "--history", "at")
	case len(args) > 0:
		return alone(cmd, "one memory", "since", "until", "limit")
	}
	return nil
}

// remembered returns models.ErrNotFound for an agent that never had a memory.
func remembered(ctx context.Context, store *tier2.Store, agent string) error {
	_, err := store.Memory.Get(ctx, agent)
	if !errors.Is(err, models.ErrNotFound) {
		return err
	}
	for _, failed := range store.Memory.HistoryAll(ctx, agent, repository.HistoryFilter{Page: repository.Page{Limit: 1}}) {
		return failed // it was forgotten
	}
	return err
}

func (a *app) memories(cmd *cobra.Command, store *tier2.Store, f filters) error {
	chosen := repository.MemoryFilter{UpdatedSince: f.since.Time, UpdatedUntil: f.until.Time}
	return list(a, f.limit, pages(f.limit, func(p repository.Page) ([]models.AgentMemory, string, error) {
		chosen.Page = p
		return store.Memory.List(cmd.Context(), chosen)
	}), memoryFields...)
}

func (a *app) printVersion(v *repository.MemoryVersion, err error) error {
	switch {
	case err != nil:
		return err
	case a.json || a.csv:
		return one(a, *v, versionFields...)
	case v.Unknown:
		return &models.Error{Kind: models.ErrNotFound, Reason: fmt.Sprintf("entry %d of the audit log does not tell the document", v.EntryID)}
	}
	return a.printJSON(v.Document)
}

type memory = models.AgentMemory

var memoryFields = []field[memory]{
	{"id", "", func(v memory) any { return v.ID }},
	{"agent_id", "AGENT", func(v memory) any { return v.AgentID }},
	{"", "BYTES", func(v memory) any { return len(v.MemoryJSON) }},
	{"memory_json", "", func(v memory) any { return v.MemoryJSON }},
	{"collision_history", "", func(v memory) any { return v.CollisionHistory }},
	{"retry_count", "RETRIES", func(v memory) any { return v.RetryCount }},
	{"updated_at", "UPDATED", func(v memory) any { return v.UpdatedAt }},
	{"last_error", "LAST ERROR", func(v memory) any { return v.LastError }},
	{"created_at", "", func(v memory) any { return v.CreatedAt }},
}

type version = repository.MemoryVersion

var versionFields = []field[version]{
	{"entry_id", "ENTRY", func(v version) any { return v.EntryID }},
	{"timestamp", "SINCE", func(v version) any { return v.Timestamp }},
	{"changed_by", "BY", func(v version) any { return v.ChangedBy }},
	{"execution_id", "EXECUTION", func(v version) any { return v.ExecutionID }},
	{"action", "ACTION", func(v version) any { return v.Action }},
	{"document", "DOCUMENT", func(v version) any { return v.Document }},
	{"unknown", "", func(v version) any { return v.Unknown }},
}
