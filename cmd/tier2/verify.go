package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/cmd/tier2/internal/term"
	"github.com/seanchatmangpt/ggen/tier2/ledger"
)

func (a *app) verify() *cobra.Command {
	var audit bool
	var trusted trusted
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
				if trusted.given(cmd) || len(archives) > 0 {
					return usagef("--anchor, --key and --archive need --audit")
				}
				return a.check(cmd, dsn, "", &outcome{Path: where}, nil)
			}
			for _, archive := range archives {
				if _, err := location(archive); err != nil {
					return err
				}
			}
			opts := ledger.VerifyOptions{Anchor: trusted.anchor, Archives: archives}
			if opts.Keys, _, err = trusted.read(cmd); err != nil {
				return err
			}
			return a.check(cmd, dsn, "", &outcome{Path: where}, &opts)
		},
	}
	cmd.Flags().BoolVar(&audit, "audit", false, "check the audit log as well")
	trusted.flags(cmd)
	cmd.Flags().StringArrayVar(&archives, "archive", nil, "an archive that holds entries of this log; repeatable")
	return cmd
}

// check verifies a database, and its audit log if opts is not nil. It prints the findings,
// after a line with done if that is not "", and returns errFound if there are any.
func (a *app) check(cmd *cobra.Command, dsn, done string, r *outcome, opts *ledger.VerifyOptions) (err error) {
	a.Busy("verifying")
	if r.Verification, err = tier2.Verify(cmd.Context(), dsn); err != nil {
		return err
	}
	if opts != nil {
		r.Audit, err = tier2.VerifyAudit(cmd.Context(), dsn, *opts)
		switch {
		case err != nil && (r.Verification.OK() || cmd.Context().Err() != nil):
			return err
		case err != nil: // the findings explain it
			a.Note("the audit log was not checked: %v", err)
		}
	}
	if done != "" && !a.JSON {
		fmt.Fprintf(a.Out, "%s %s\n", done, r.Path)
		for _, step := range r.Steps {
			fmt.Fprintf(a.Out, "  %s\n", step)
		}
	}
	r.OK = r.Verification.OK() && (r.Audit == nil || r.Audit.OK())
	if !a.JSON {
		a.printFindings(r)
	} else if err := a.PrintJSON(r); err != nil {
		return err
	}
	if !r.OK {
		return errFound
	}
	return nil
}

// outcome is the result of init, maintain and verify.
type outcome struct {
	Path    string   `json:"path"`
	Created *bool    `json:"created,omitempty"` // of init: whether the database is new
	Steps   []string `json:"steps,omitempty"`   // of maintain
	OK      bool     `json:"ok"`
	*tier2.Verification
	Audit *ledger.Report `json:"audit,omitempty"` // of verify --audit
}

func (a *app) printFindings(r *outcome) {
	if r.Verification.OK() {
		fmt.Fprintf(a.Out, "ok: %d tables, %d indexes, %d views, %d JSON documents\n", r.Tables, r.Indexes, r.Views, r.Documents)
	}
	for _, finding := range r.Findings {
		fmt.Fprintln(a.Out, finding)
	}
	switch audit := r.Audit; {
	case audit == nil:
	case audit.OK():
		fmt.Fprintf(a.Out, "audit: %d entries sealed, %d archived, %d not sealed yet, %d rows compared\n",
			audit.Sealed, audit.Archived, audit.Unsealed, audit.Rows)
	default:
		for _, f := range audit.Findings {
			fmt.Fprintf(a.Out, "%s: %s%s\n", f.Kind, place(f), term.Printable(f.Reason))
		}
		if more := audit.Total - int64(len(audit.Findings)); more > 0 {
			fmt.Fprintf(a.Out, "audit: %d more findings\n", more)
		}
	}
}

// place returns the row of a finding, "" if it has none.
func place(f ledger.Finding) string {
	switch {
	case f.Table != "":
		return fmt.Sprintf("%s row %d: ", f.Table, f.RowID)
	case f.EntryID != 0:
		return fmt.Sprintf("audit_log row %d: ", f.EntryID)
	}
	return ""
}

// trusted holds the flags of verify and prove that name an anchor and keys, with which
// checkpoints are compared.
type trusted struct {
	anchor string
	keys   []string
}

func (t *trusted) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&t.anchor, "anchor", "", "the file of checkpoints that seal --anchor wrote")
	cmd.Flags().StringArrayVar(&t.keys, "key", nil,
		"a verifier key, or @FILE with one: checkpoints must be signed by it, or by another --key; repeatable")
}

// given reports whether a flag was given, also with an empty value, as from an unset variable:
// the comparison must not be skipped silently.
func (t *trusted) given(cmd *cobra.Command) bool {
	return cmd.Flags().Changed("anchor") || cmd.Flags().Changed("key")
}

// read returns the keys, and the checkpoints of the anchor if there is one.
func (t *trusted) read(cmd *cobra.Command) (keys []string, anchored []ledger.Checkpoint, err error) {
	if err := notBlank(cmd, "anchor", t.anchor); err != nil {
		return nil, nil, err
	}
	for _, key := range t.keys {
		file, isFile := strings.CutPrefix(key, "@")
		if isFile {
			text, err := os.ReadFile(file)
			if err != nil {
				return nil, nil, fmt.Errorf("--key: %w", err)
			}
			key = strings.TrimSpace(string(text))
		}
		if _, err := note.NewVerifier(key); err != nil { // the key is not shown: it may be private
			err = errors.New("--key: is no verifier key; keygen prints one, its form is NAME+ID+KEY")
			if isFile {
				return nil, nil, fmt.Errorf("%s: %w", file, err)
			}
			return nil, nil, exitError{exitUsage, err}
		}
		keys = append(keys, key)
	}
	if t.anchor != "" {
		anchored, err = ledger.ReadAnchor(t.anchor)
	}
	return keys, anchored, err
}

// notBlank rejects a flag that was given with a blank value.
func notBlank(cmd *cobra.Command, flag, value string) error {
	if cmd.Flags().Changed(flag) && strings.TrimSpace(value) == "" {
		return usagef("--%s: must not be blank", flag)
	}
	return nil
}
