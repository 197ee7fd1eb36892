package main

import (
	"github.com/spf13/cobra"

	"github.com/seanchatmangpt/ggen/tier2"
)

func (a *app) maintain() *cobra.Command {
	return &cobra.Command{
		Use:   "maintain [database]",
		Short: "Keep a large database fast, and mend the totals of its views",
		Long: `Refreshes the statistics of the query planner. On SQLite it also brings the totals of
the views up to date, made anew where another program has left them wrong; writes the
file anew if at least a quarter of its pages is free, which lets no one write meanwhile;
and empties the WAL, unless a reader still needs it. On PostgreSQL it vacuums each
table. It says what it did, then checks the database as verify does. It may run beside
writers. The database, which must exist, defaults to --db.`,
		Example: "  tier2 maintain .ggen/tier2.db",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dsn, where, err := a.database(cmd, args)
			if err != nil {
				return err
			}
			store, err := tier2.Open(cmd.Context(), dsn, tier2.WithExisting())
			if err != nil {
				return err
			}
			var steps []string
			err = store.MaintainSteps(cmd.Context(), func(step string) { steps = append(steps, step) })
			if closed := store.Close(); err == nil {
				err = closed
			}
			if err != nil {
				return err
			}
			return a.check(cmd, dsn, "maintained", &report{Path: where, Steps: steps})
		},
	}
}
