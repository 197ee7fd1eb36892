package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

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
