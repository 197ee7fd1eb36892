package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/cmd/tier2/internal/term"
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
				return usagef("give both --from and --to")
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

func (a *app) copyAll(cmd *cobra.Command, source, target string) error {
	return with(cmd.Context(), source, nil, func(from *tier2.Store) (err error) {
		to, err := tier2.Open(cmd.Context(), target)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, to.Close()) }()
		bar, progress := a.countRows()
		report, err := tier2.Copy(cmd.Context(), from, to, tier2.CopyOptions{Progress: progress})
		bar.Finish()
		return a.finishCopy(report, copyKinds.exit(err))
	})
}

// countRows returns a bar that shows the progress of moving rows.
func (a *app) countRows() (bar term.Progress, progress func(tier2.CopyProgress)) {
	bar = a.Count("", 1)
	return bar, func(p tier2.CopyProgress) { bar.Step(p.Step+" "+p.Table, p.Rows, max(p.Total, p.Rows, 1)) }
}

// digestChars is how many characters of a digest are printed, enough to compare by eye.
const digestChars = 16

// finishCopy prints the report, even if an error ended the copy after a part of it.
func (a *app) finishCopy(report *tier2.CopyReport, err error) error {
	if report != nil {
		if err := a.printCopy(report); err != nil {
			return err
		}
	}
	return err
}

func (a *app) printCopy(report *tier2.CopyReport) error {
	if a.JSON {
		return a.PrintJSON(report)
	}
	w := term.Aligned(a.Out)
	fmt.Fprintln(w, "TABLE\tSOURCE\tTARGET\tINSERTED\tUPDATED\tSOURCE SHA-256\tTARGET SHA-256\tEQUAL")
	for _, t := range report.Tables {
		equal := "yes"
		if !t.Equal {
			equal = "NO"
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%s\t%s\t%s\n", t.Name, t.Source.Rows, t.Target.Rows, t.Inserted, t.Updated,
			t.Source.SHA256[:digestChars], t.Target.SHA256[:digestChars], equal)
	}
	return w.Flush()
}
