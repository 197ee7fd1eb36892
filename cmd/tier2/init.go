package main

import (
	"errors"

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
