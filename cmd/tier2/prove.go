package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/cmd/tier2/internal/term"
	"github.com/seanchatmangpt/ggen/tier2/ledger"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

func (a *app) prove() *cobra.Command {
	var file string
	var trusted trusted
	cmd := &cobra.Command{
		Use:   "prove ID [database] | prove --check FILE",
		Short: "Prove that an entry is in the audit log, or check such a proof",
		Long: `Prints, as JSON, the proof that the audit entry ID is in the tree of the newest
checkpoint: the entry, its path to the root, and the checkpoint. Exit code 1 for
an entry that is not there, is not sealed yet, or is not what was sealed. The
database, which must exist, defaults to --db.

--check takes such a proof from a file, or - for the standard input, and needs
no database. Exit code 1 if it is none, or proves nothing: if the entry, the
path or the checkpoint were changed, no --key has signed the checkpoint, or the
anchor does not have it. Without --key and --anchor it is up to you whether the
checkpoint is the right one.`,
		Example: `  tier2 prove 42 .ggen/tier2.db >proof.json
  tier2 prove --check proof.json --key @tier2.pub`,
		Args: cobra.MaximumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("check") {
				if len(args) > 0 {
					return usagef("--check takes no entry and no database")
				}
				return a.checkProof(cmd, file, &trusted)
			}
			if trusted.given(cmd) {
				return usagef("--anchor and --key need --check")
			}
			if len(args) == 0 {
				return usagef("give the id of an audit entry, or --check")
			}
			id, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil {
				return usagef("%q is no id of an audit entry", args[0])
			}
			dsn, _, err := a.database(cmd, args[1:])
			if err != nil {
				return err
			}
			return with(cmd.Context(), dsn, []tier2.Option{tier2.WithReadOnly()}, func(store *tier2.Store) error {
				a.Busy("proving")
				proof, err := store.Audit.Prove(cmd.Context(), id)
				if err != nil {
					return proveKinds.exit(err)
				}
				return a.PrintJSON(proof)
			})
		},
	}
	cmd.Flags().StringVar(&file, "check", "", "check the proof in this file, or - for the standard input")
	trusted.flags(cmd)
	return cmd
}

// checked is the result of prove --check.
type checked struct {
	OK         bool              `json:"ok"`
	Entry      ledger.Entry      `json:"entry"`
	Checkpoint ledger.Checkpoint `json:"checkpoint"`
	Signed     bool              `json:"signed"`   // by one of the keys
	Anchored   bool              `json:"anchored"` // the anchor contains the checkpoint
}

func (a *app) checkProof(cmd *cobra.Command, file string, trusted *trusted) error {
	if err := notBlank(cmd, "check", file); err != nil {
		return err
	}
	keys, anchored, err := trusted.read(cmd)
	if err != nil {
		return err
	}
	text, err := a.text(file)
	if err != nil {
		return err
	}
	proof, err := ledger.ParseProof(text)
	if err == nil {
		err = proof.Check(keys...)
	}
	if err == nil && trusted.anchor != "" && !slices.ContainsFunc(anchored, func(c ledger.Checkpoint) bool {
		return c.Size == proof.Checkpoint.Size && c.Root == proof.Checkpoint.Root
	}) {
		reason := fmt.Sprintf("the anchor does not have the checkpoint of size %d", proof.Checkpoint.Size)
		err = &models.Error{Kind: models.ErrConflict, Reason: reason}
	}
	if err != nil {
		return checkKinds.exit(err)
	}
	done := checked{true, proof.Entry, proof.Checkpoint, len(keys) > 0, trusted.anchor != ""}
	known := "which nobody vouches for: give --key or --anchor"
	switch {
	case done.Signed && done.Anchored:
		known = "signed and anchored"
	case done.Signed:
		known = "signed"
	case done.Anchored:
		known = "anchored"
	}
	e, c := proof.Entry, proof.Checkpoint
	return a.Print(done, "ok: entry %d, %s by %s, is in the checkpoint of %s, %s\n%d entries, root %s\n",
		e.ID, term.Printable(e.Operation), term.Printable(e.AgentID), c.Timestamp, known, c.Size, c.Root)
}

// largestProof is the size in bytes above which --check rejects a file. A proof contains an
// entry.
const largestProof = 64 << 20

// text returns the content of a file, or of the standard input for -.
func (a *app) text(file string) ([]byte, error) {
	in := a.In
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		defer f.Close() //nolint:errcheck // only read
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, largestProof+1))
	if err == nil && len(text) > largestProof {
		err = fmt.Errorf("--check %q: %w", file, tooLarge(largestProof))
	}
	return text, err
}
