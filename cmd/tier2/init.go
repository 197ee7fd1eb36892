package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/seanchatmangpt/ggen/tier2"
)

func (a *app) init() *cobra.Command {
	return &cobra.Command{
		Use:   "init [path]",
		Short: "Make the database, or check the one that is there",
		Long: `Makes the folder, the file and the schema, then checks tables, indexes, views and
JSON as verify does. A database that is there already keeps every row; one of
schema 1.0.0 is upgraded in place. The path defaults to --db.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dsn, err := a.path(cmd, args)
			if err != nil {
				return err
			}
			file, err := filename(dsn)
			if err != nil {
				return usageError{err}
			}
			_, err = os.Stat(file)
			created := errors.Is(err, fs.ErrNotExist)
			store, err := tier2.Open(cmd.Context(), dsn)
			if err != nil {
				return err
			}
			if err := store.Close(); err != nil {
				return err
			}
			report, err := check(cmd.Context(), file)
			if err != nil {
				return err
			}
			report.Created = &created
			if !a.json {
				verb := "kept"
				if created {
					verb = "created"
				}
				fmt.Fprintf(a.stdout, "%s %s\n", verb, file)
			}
			return a.printReport(report)
		},
	}
}
