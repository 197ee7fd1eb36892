package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

func (a *app) archive() *cobra.Command {
	var before when
	var target string
	var dryRun, yes bool
	cmd := &cobra.Command{
		Use:   "archive --before TIME --to ARCHIVE",
		Short: "Move old executions to an archive",
		Long: `Moves the executions that began before a time to an archive, a database of
either engine that is made if it does not exist: each receipt with its metrics,
its SLO violations and the audit entries that name it. Sessions, collisions and
the agents' memory stay. The time is ISO 8601, in UTC unless it says otherwise,
or how long ago: 90d stands for what began more than 90 days ago.

Rows are in the archive and on its disk before they leave the database. Whatever
ends it, nothing is lost and the same command does the rest; what others change
meanwhile is kept for another run, and counted. The audit log is sealed first,
signed if ` + signingKey + ` is set, and says what went; verify --audit --archive
ARCHIVE checks both together.

It asks before it begins; where stdin is no terminal it needs --yes. --dry-run
counts, and opens no archive. Exit code 1, and nothing is moved, if ARCHIVE is a
store of its own or the archive of another store, if the audit log is not of one
history, or if the answer was not yes.`,
		Example: `  tier2 archive --before 90d --to archive/2026.db --dry-run
  tier2 archive --before 2026-01-01 --to archive/2025.db --yes`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case before.IsZero() || target == "":
				return usageError{errors.New("give both --before and --to")}
			case before.After(time.Now()):
				return usageError{fmt.Errorf("--before %v: lies in the future", &before)}
			}
			where, err := location(target)
			if err != nil {
				return err
			}
			if err := a.canAsk(yes || dryRun); err != nil {
				return err
			}
			return a.moveTo(cmd, target, where, before, dryRun, yes)
		},
	}
	cmd.Flags().Var(&before, "before", "move executions that began before")
	_ = cmd.RegisterFlagCompletionFunc("before", cobra.FixedCompletions([]string{"30d", "90d", "365d"}, cobra.ShellCompDirectiveNoFileComp))
	cmd.Flags().StringVar(&target, "to", "", "the archive: a path, a file: URI or a postgres:// URL")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "only count what would be moved")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

func (a *app) moveTo(cmd *cobra.Command, target, where string, before when, dryRun, yes bool) (err error) {
	ctx := cmd.Context()
	store, err := a.openMoving(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if !dryRun {
		if err := openable(ctx, target); err != nil && !errors.Is(err, models.ErrNotFound) {
			return err
		}
	}
	if dryRun || !yes {
		stop := a.busy("counting")
		would, err := store.Archive(ctx, before.Time, target, tier2.ArchiveOptions{DryRun: true})
		stop()
		if err != nil {
			return a.unmoved(err)
		}
		if dryRun {
			return a.printMoved("would archive", "to "+where, would)
		}
		if err := a.confirm(ctx, fmt.Sprintf("Move %d executions that began before %v to %s?", would.Executions, &before, where)); err != nil {
			return err
		}
	}
	bar := a.progress("archiving")
	report, err := store.Archive(ctx, before.Time, target, tier2.ArchiveOptions{Progress: func(r tier2.ArchiveReport) { bar.Set64(r.Executions) }})
	bar.Finish()
	return a.moved("archived", "to "+where, report, err)
}
