package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/ledger"
)

func (a *app) verify() *cobra.Command {
	var audit bool
	var against against
	var archives []string
	cmd := &cobra.Command{
		Use:   "verify [database]",
		Short: "Check the database, without changing it",
		Long: `Compares every table, column, constraint, index and view with the schema, checks
every row against its CHECK and FOREIGN KEY constraints, parses every JSON
document, and looks for numbers and times that cannot be read. On SQLite that
includes integrity_check; on PostgreSQL the role must be able to make temporary
tables, which are rolled back. Each finding is a line on stdout; exit code 1 if
there is any. The database defaults to --db.

--audit also holds the audit log against its Merkle tree, the tree against its
checkpoints, and every row against the digest in its last entry. Entries that
are not sealed yet are counted, and compared with nothing. Who can write the
whole database can also write the tree anew: an anchor and a key that are kept
elsewhere tell that.`,
		Example: `  tier2 verify .ggen/tier2.db
  tier2 verify --audit --anchor /srv/anchor/tier2 --key @tier2.pub .ggen/tier2.db`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dsn, where, err := a.database(cmd, args)
			if err != nil {
				return err
			}
			if !audit {
				if against.given(cmd) || len(archives) > 0 {
					return usageError{errors.New("--anchor, --key and --archive need --audit")}
				}
				return a.check(cmd, dsn, "", &outcome{Path: where}, nil)
			}
			for _, archive := range archives {
				if _, err := location(archive); err != nil {
					return err
				}
			}
			opts := ledger.VerifyOptions{Anchor: against.anchor, Archives: archives}
			if opts.Keys, _, err = against.read(cmd); err != nil {
				return err
			}
			return a.check(cmd, dsn, "", &outcome{Path: where}, &opts)
		},
	}
	cmd.Flags().BoolVar(&audit, "audit", false, "check the audit log as well")
	against.flags(cmd)
	cmd.Flags().StringArrayVar(&archives, "archive", nil, "an archive that holds entries of this log; repeatable")
	return cmd
}

// check verifies a database, with its audit log if opts are given, and prints what it
// found, after a line that says what was done, if anything.
func (a *app) check(cmd *cobra.Command, dsn, done string, r *outcome, opts *ledger.VerifyOptions) (err error) {
	defer a.busy("verifying")()
	if r.Verification, err = tier2.Verify(cmd.Context(), dsn); err != nil {
		return err
	}
	if opts != nil {
		r.Audit, err = tier2.VerifyAudit(cmd.Context(), dsn, *opts)
		switch {
		case err != nil && (r.Verification.OK() || cmd.Context().Err() != nil):
			return err
		case err != nil: // which the findings explain
			a.note("the audit log was not checked: %v", err)
		}
	}
	a.calm()
	if done != "" && !a.json {
		fmt.Fprintf(a.stdout, "%s %s\n", done, r.Path)
		for _, step := range r.Steps {
			fmt.Fprintf(a.stdout, "  %s\n", step)
		}
	}
	return a.printReport(r)
}

// outcome is what init, maintain and verify print.
type outcome struct {
	Path    string   `json:"path"`
	Created *bool    `json:"created,omitempty"` // of init: whether the database is new
	Steps   []string `json:"steps,omitempty"`   // of maintain: what it did
	OK      bool     `json:"ok"`
	*tier2.Verification
	Audit *ledger.Report `json:"audit,omitempty"` // of verify --audit
}

func (a *app) printReport(r *outcome) error {
	r.OK = r.Verification.OK() && (r.Audit == nil || r.Audit.OK())
	if a.json {
		if err := a.printJSON(r); err != nil {
			return err
		}
	} else {
		a.printFindings(r)
	}
	if !r.OK {
		return errFound
	}
	return nil
}

func (a *app) printFindings(r *outcome) {
	if r.Verification.OK() {
		fmt.Fprintf(a.stdout, "ok: %d tables, %d indexes, %d views, %d JSON documents\n", r.Tables, r.Indexes, r.Views, r.Documents)
	}
	for _, finding := range r.Findings {
		fmt.Fprintln(a.stdout, finding)
	}
	switch audit := r.Audit; {
	case audit == nil:
	case audit.OK():
		fmt.Fprintf(a.stdout, "audit: %d entries sealed, %d archived, %d not sealed yet, %d rows compared\n",
			audit.Sealed, audit.Archived, audit.Unsealed, audit.Rows)
	default:
		for _, f := range audit.Findings {
			fmt.Fprintf(a.stdout, "%s: %s%s\n", f.Kind, place(f), printable(f.Reason))
		}
		if more := audit.Total - int64(len(audit.Findings)); more > 0 {
			fmt.Fprintf(a.stdout, "audit: %d more findings\n", more)
		}
	}
}

// place is the row that a finding is about, if it is about one.
func place(f ledger.Finding) string {
	switch {
	case f.Table != "":
		return fmt.Sprintf("%s row %d: ", f.Table, f.RowID)
	case f.EntryID != 0:
		return fmt.Sprintf("audit_log row %d: ", f.EntryID)
	}
	return ""
}
