package main

import (
	"errors"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

func (a *app) copy() *cobra.Command {
	var source, target string
	cmd := &cobra.Command{
		Use:   "copy --from DATABASE --to DATABASE",
		Short: "Copy every row to another database, of either engine",
		Long: `Copies every row as it is, with its id and times, from one state of the source,
and audits nothing. The target is made if it does not exist, the source never.
At the end both sides are compared, table by table: rows, and a digest of what
they hold; exit code 1 if they differ.

Whatever ends a copy, the same command does the rest; after a whole one, it
brings new and changed rows over. A target that holds anything else than rows of
the source is refused and left as it is, with exit code 1 too: a row that the
source does not have, or no longer has; or another one under the same id. So is
one that is the source, and a row that cannot be read or stored ends the copy,
named. --db is not used.`,
		Example: "  tier2 copy --from .ggen/tier2.db --to postgres://user@host:5432/database",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if source == "" || target == "" {
				return usageError{errors.New("give both --from and --to")}
			}
			for _, dsn := range []string{source, target} {
				if _, err := location(dsn); err != nil {
					return err
				}
			}
			return a.copyAll(cmd, source, target)
		},
	}
	cmd.Flags().StringVar(&source, "from", "", "the database to copy: a path, a file: URI or a postgres:// URL")
	cmd.Flags().StringVar(&target, "to", "", "the database to copy to, likewise")
	return cmd
}

func (a *app) copyAll(cmd *cobra.Command, source, target string) (err error) {
	from, err := openExisting(cmd.Context(), source)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	to, err := tier2.Open(cmd.Context(), target)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.Close()) }()

	bar, finish := a.rowsBar()
	report, err := tier2.Copy(cmd.Context(), from, to, tier2.CopyOptions{Progress: bar})
	finish()
	if report != nil {
		if printed := a.printCopy(report); printed != nil {
			return printed
		}
	}
	return a.refused(err, models.ErrConflict, models.ErrInvalid, models.ErrCorrupt)
}

// shownDigits of a digest are enough to see with the eye.
const shownDigits = 16

func (a *app) printCopy(report *tier2.CopyReport) error {
	if a.json {
		return a.printJSON(report)
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "TABLE\tSOURCE\tTARGET\tINSERTED\tUPDATED\tSOURCE SHA-256\tTARGET SHA-256\tEQUAL")
	for _, t := range report.Tables {
		equal := "yes"
		if !t.Equal {
			equal = "NO"
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%s\t%s\t%s\n", t.Name, t.Source.Rows, t.Target.Rows, t.Inserted, t.Updated,
			t.Source.SHA256[:shownDigits], t.Target.SHA256[:shownDigits], equal)
	}
	return w.Flush()
}
