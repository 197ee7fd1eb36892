package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/seanchatmangpt/ggen/tier2"
)

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
