package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

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
				return usagef("give both --before and --to")
			case before.After(time.Now()):
				return usagef("--before %v: lies in the future", &before)
			}
			where, err := location(target)
			if err != nil {
				return err
			}
			if err := a.checkCanAsk(yes || dryRun); err != nil {
				return err
			}
			return a.moveTo(cmd, target, where, before, dryRun, yes)
		},
	}
	cmd.Flags().Var(&before, "before", "move executions that began before")
	offer(cmd, "before", "30d", "90d", "365d")
	cmd.Flags().StringVar(&target, "to", "", "the archive: a path, a file: URI or a postgres:// URL")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "only count what would be moved")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

func (a *app) moveTo(cmd *cobra.Command, target, where string, before when, dryRun, yes bool) error {
	ctx := cmd.Context()
	return a.withSigner(ctx, func(store *tier2.Store) error {
		if !dryRun {
			if err := checkOpens(ctx, target); err != nil && !errors.Is(err, models.ErrNotFound) {
				return err
			}
		}
		if dryRun || !yes {
			a.Busy("counting")
			planned, err := store.Archive(ctx, before.Time, target, tier2.ArchiveOptions{DryRun: true})
			if err != nil {
				return moveExit(err)
			}
			if dryRun {
				return a.printMove("would archive", "to "+where, planned)
			}
			if err := a.confirm(ctx, "Move %d executions that began before %v to %s?", planned.Executions, &before, where); err != nil {
				return err
			}
		}
		return a.move("archiving", "archived", "to "+where, func(progress func(tier2.ArchiveReport)) (tier2.ArchiveReport, error) {
			return store.Archive(ctx, before.Time, target, tier2.ArchiveOptions{Progress: progress})
		})
	})
}

func (a *app) restore() *cobra.Command {
	var source string
	var yes bool
	cmd := &cobra.Command{
		Use:   "restore --from ARCHIVE [EXECUTION-ID...]",
		Short: "Bring executions back from an archive",
		Long: `Brings executions back that archive moved away, with all that went with them:
those with the given ids, or all without any. What is there already stays as it
is, and the archive keeps what it has, so it may be run again. The audit log
says what came back, and is sealed, signed if ` + signingKey + ` is set.

It asks before it begins; where stdin is no terminal it needs --yes. Exit code 1
if ARCHIVE has no execution of an id, is a store of its own or the archive of
another store, if an execution is there as another one, if the audit log is not
of one history, or if the answer was not yes.`,
		Example: `  tier2 restore --from archive/2025.db exec-001 exec-002
  tier2 restore --from archive/2025.db --yes`,
		RunE: func(cmd *cobra.Command, ids []string) error {
			if source == "" {
				return usagef("give --from")
			}
			for _, id := range ids {
				if strings.TrimSpace(id) == "" || !utf8.ValidString(id) {
					return usagef("%q is no id of an execution", id)
				}
			}
			where, err := location(source)
			if err != nil {
				return err
			}
			if err := a.checkCanAsk(yes); err != nil {
				return err
			}
			return a.bringBack(cmd, source, where, ids, yes)
		},
	}
	cmd.ValidArgsFunction = complete(&source, executionIDs)
	cmd.Flags().StringVar(&source, "from", "", "the archive: a path, a file: URI or a postgres:// URL")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

func (a *app) bringBack(cmd *cobra.Command, source, where string, ids []string, yes bool) error {
	ctx := cmd.Context()
	return a.withSigner(ctx, func(store *tier2.Store) error {
		if err := checkOpens(ctx, source); err != nil {
			return err
		}
		if !yes {
			which := "all executions"
			if len(ids) > 0 {
				which = fmt.Sprintf("%d executions", len(ids))
			}
			if err := a.confirm(ctx, "Bring %s back from %s?", which, where); err != nil {
				return err
			}
		}
		return a.move("restoring", "restored", "from "+where, func(progress func(tier2.ArchiveReport)) (tier2.ArchiveReport, error) {
			return store.Restore(ctx, source, tier2.RestoreOptions{Executions: ids, Progress: progress})
		})
	})
}

// withSigner calls fn with --db. The store signs checkpoints with the key in the environment.
func (a *app) withSigner(ctx context.Context, fn func(store *tier2.Store) error) error {
	opts, err := signing("")
	if err != nil {
		return err
	}
	return with(ctx, a.db, opts, fn)
}

// checkOpens opens an existing archive and closes it again. Its errors are reported before
// the question, and do not get the exit code of an error in moving rows.
func checkOpens(ctx context.Context, dsn string) error {
	store, err := tier2.Open(ctx, dsn, tier2.WithExisting())
	if err != nil {
		return err
	}
	return store.Close()
}

// checkCanAsk rejects a command that has to ask, unless it is exempt, if stdin is not a
// terminal.
func (a *app) checkCanAsk(exempt bool) error {
	if exempt || a.Interactive() {
		return nil
	}
	return usagef("stdin is no terminal to ask on: give --yes")
}

// confirm asks a question. Any answer but yes ends the command with exit code 1.
func (a *app) confirm(ctx context.Context, question string, args ...any) error {
	yes, err := a.Confirm(ctx, fmt.Sprintf(question, args...))
	if err == nil && !yes {
		err = exitError{exitFound, errors.New("nothing was done")}
	}
	return err
}

// move shows the progress of fn and prints its report, even if an error ended the move after
// a part of it.
func (a *app) move(doing, done, where string, fn func(progress func(tier2.ArchiveReport)) (tier2.ArchiveReport, error)) error {
	bar := a.Count(doing, -1)
	report, err := fn(func(r tier2.ArchiveReport) { bar.Set(r.Executions) })
	bar.Finish()
	if err == nil || report != (tier2.ArchiveReport{}) {
		if err := a.printMove(done, where, report); err != nil {
			return err
		}
	}
	return moveExit(err)
}

func (a *app) printMove(done, where string, r tier2.ArchiveReport) error {
	err := a.Print(r, "%s %d executions %s: %d metrics, %d SLO violations, %d audit entries\n",
		done, r.Executions, where, r.Metrics, r.Violations, r.Entries)
	if r.Kept > 0 && !a.JSON {
		_, err = fmt.Fprintf(a.Out, "kept %d executions, which others changed meanwhile: another run takes them\n", r.Kept)
	}
	return err
}
