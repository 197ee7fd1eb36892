package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seanchatmangpt/ggen/tier2"
)

func (a *app) verify() *cobra.Command {
	return &cobra.Command{
		Use:   "verify [database]",
		Short: "Check the database, without changing it",
		Long: `Compares every table, column, constraint, index and view with the schema, checks
every row against its CHECK and FOREIGN KEY constraints, parses every JSON document,
and looks for numbers and times that cannot be read. On SQLite that includes
integrity_check; on PostgreSQL the role must be able to make temporary tables, which are
rolled back. Each finding is a line on stdout; exit code 1 if there is any. The
database defaults to --db.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dsn, where, err := a.database(cmd, args)
			if err != nil {
				return err
			}
			return a.check(cmd, dsn, "", &report{Path: where})
		},
	}
}

// check verifies a database and prints what it found, after a line that says what was
// done, if anything.
func (a *app) check(cmd *cobra.Command, dsn, done string, r *report) (err error) {
	if r.Verification, err = tier2.Verify(cmd.Context(), dsn); err != nil {
		return err
	}
	if done != "" && !a.json {
		fmt.Fprintf(a.stdout, "%s %s\n", done, r.Path)
		for _, step := range r.Steps {
			fmt.Fprintf(a.stdout, "  %s\n", step)
		}
	}
	return a.printReport(r)
}

// report is what init, maintain and verify print.
type report struct {
	Path    string   `json:"path"`
	Created *bool    `json:"created,omitempty"` // of init: whether the database is new
	Steps   []string `json:"steps,omitempty"`   // of maintain: what it did
	OK      bool     `json:"ok"`
	*tier2.Verification
}

func (a *app) printReport(r *report) error {
	r.OK = r.Verification.OK()
	if a.json {
		if err := a.printJSON(r); err != nil {
			return err
		}
	} else if r.OK {
		fmt.Fprintf(a.stdout, "ok: %d tables, %d indexes, %d views, %d JSON documents\n", r.Tables, r.Indexes, r.Views, r.Documents)
	} else {
		for _, finding := range r.Findings {
			fmt.Fprintln(a.stdout, finding)
		}
	}
	if !r.OK {
		return errFound
	}
	return nil
}
