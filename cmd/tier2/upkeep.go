package main

import (
	"errors"
	"os"

	"github.com/spf13/cobra"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

func (a *app) init() *cobra.Command {
	return &cobra.Command{
		Use:   "init [database]",
		Short: "Make the database, or check the one that is there",
		Long: `Makes the folder, the file and the schema (on PostgreSQL the tables, in the
first schema of search_path), then checks them as verify does. A database that
is there already keeps every row; one of schema 1.0.0 is upgraded in place. The
database defaults to --db.`,
		Example: `  tier2 init
  tier2 init postgres://user@host:5432/database?search_path=ggen`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dsn, where, err := a.database(cmd, args)
			if err != nil {
				return err
			}
			store, err := tier2.Open(cmd.Context(), dsn, tier2.WithExisting())
			created := errors.Is(err, models.ErrNotFound)
			if created {
				store, err = tier2.Open(cmd.Context(), dsn)
			}
			if err != nil {
				return err
			}
			if err := store.Close(); err != nil {
				return err
			}
			done := "kept"
			if created {
				done = "created"
			}
			return a.check(cmd, dsn, done, &outcome{Path: where, Created: &created}, nil)
		},
	}
}

func (a *app) maintain() *cobra.Command {
	return &cobra.Command{
		Use:   "maintain [database]",
		Short: "Keep a database fast, seal its audit log, mend its totals",
		Long: `Seals the audit log as seal does, signed if ` + signingKey + ` is set, and
refreshes the statistics of the query planner. On SQLite it also brings the
totals of the views up to date, made anew where another program has left them
wrong; writes the file anew if at least a quarter of its pages is free, which
lets no one write meanwhile; and empties the WAL, unless a reader still needs
it. On PostgreSQL it vacuums each table. It says what it did, then checks the
database as verify does. It may run beside writers. The database, which must
exist, defaults to --db; an archive is not sealed.`,
		Example: "  tier2 maintain .ggen/tier2.db",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dsn, where, err := a.database(cmd, args)
			if err != nil {
				return err
			}
			opts, err := signing("")
			if err != nil {
				return err
			}
			store, err := tier2.Open(cmd.Context(), dsn, append(opts, tier2.WithExisting())...)
			if err != nil {
				return err
			}
			var steps []string
			a.Busy("maintaining")
			if _, err = store.Audit.Seal(cmd.Context()); err == nil || errors.Is(err, models.ErrReadOnly) { // an archive is not sealed
				err = store.MaintainSteps(cmd.Context(), func(step string) { steps = append(steps, step) })
			}
			if err = errors.Join(err, store.Close()); err != nil {
				return sealKinds.exit(err)
			}
			return a.check(cmd, dsn, "maintained", &outcome{Path: where, Steps: steps}, nil)
		},
	}
}

func (a *app) backup() *cobra.Command {
	var target string
	cmd := &cobra.Command{
		Use:   "backup --to FILE",
		Short: "Write a checked copy of a SQLite database to a new file",
		Long: `Writes one state of the database to a new file, while others go on reading and
writing. The copy is checked as verify does, and by SQLite's integrity_check,
before it gets its name; exit code 1, and no file, if something is wrong, or if
there is a file of that name, which is left alone. Missing folders are made.

PostgreSQL is backed up by its own tools; see docs/operations.md, or use copy.`,
		Example: "  tier2 backup --db .ggen/tier2.db --to backups/tier2-2026-01-29.db",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if target == "" {
				return usagef("give --to")
			}
			where, err := location(target)
			if err != nil {
				return err
			}
			return a.backUp(cmd, target, where)
		},
	}
	cmd.Flags().StringVar(&target, "to", "", "the file to make")
	return cmd
}

func (a *app) backUp(cmd *cobra.Command, target, where string) error {
	return with(cmd.Context(), a.db, nil, func(store *tier2.Store) error {
		a.Busy("backing up")
		if err := store.Backup(cmd.Context(), target); err != nil {
			return fileKinds.exit(err)
		}
		info, err := os.Stat(where)
		if err != nil {
			return err
		}
		return a.Print(struct {
			Path  string `json:"path"`
			Bytes int64  `json:"bytes"`
		}{where, info.Size()}, "backed up to %s: %d bytes, checked\n", where, info.Size())
	})
}
