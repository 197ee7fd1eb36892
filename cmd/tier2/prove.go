package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/ledger"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

func (a *app) prove() *cobra.Command {
	var file string
	var against against
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
					return usageError{errors.New("--check takes no entry and no database")}
				}
				return a.checkProof(cmd, file, &against)
			}
			if against.given(cmd) {
				return usageError{errors.New("--anchor and --key need --check")}
			}
			if len(args) == 0 {
				return usageError{errors.New("give the id of an audit entry, or --check")}
			}
			id, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil {
				return usageError{fmt.Errorf("%q is no id of an audit entry", args[0])}
			}
			dsn, _, err := a.database(cmd, args[1:])
			if err != nil {
				return err
			}
			store, err := openExisting(cmd.Context(), dsn, tier2.WithReadOnly())
			if err != nil {
				return err
			}
			stop := a.busy("proving")
			proof, err := store.Audit.Prove(cmd.Context(), id)
			err = errors.Join(err, store.Close())
			if stop(); err != nil {
				return a.refused(err, models.ErrNotFound, models.ErrConflict, models.ErrCorrupt)
			}
			return a.printJSON(proof)
		},
	}
	cmd.Flags().StringVar(&file, "check", "", "check the proof in this file, or - for the standard input")
	against.flags(cmd)
	return cmd
}

// checked is what prove --check prints.
type checked struct {
	OK         bool              `json:"ok"`
	Entry      ledger.Entry      `json:"entry"`
	Checkpoint ledger.Checkpoint `json:"checkpoint"`
	Signed     bool              `json:"signed"`   // by one of the keys
	Anchored   bool              `json:"anchored"` // the anchor has the checkpoint
}

func (a *app) checkProof(cmd *cobra.Command, file string, against *against) error {
	if err := notBlank(cmd, "check", file); err != nil {
		return err
	}
	keys, anchored, err := against.read(cmd)
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
	if err == nil && against.anchor != "" && !slices.ContainsFunc(anchored, func(c ledger.Checkpoint) bool {
		return c.Size == proof.Checkpoint.Size && c.Root == proof.Checkpoint.Root
	}) {
		err = &models.Error{Kind: models.ErrConflict, Reason: fmt.Sprintf("the anchor does not have the checkpoint of size %d", proof.Checkpoint.Size)}
	}
	if err != nil {
		return a.refused(err, models.ErrInvalid, models.ErrConflict)
	}
	done := checked{true, proof.Entry, proof.Checkpoint, len(keys) > 0, against.anchor != ""}
	if a.json {
		return a.printJSON(done)
	}
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
	_, err = fmt.Fprintf(a.stdout, "ok: entry %d, %s by %s, is in the checkpoint of %s, %s\n%d entries, root %s\n",
		e.ID, printable(e.Operation), printable(e.AgentID), c.Timestamp, known, c.Size, c.Root)
	return err
}

// largestProof is how many bytes are read of what may be a proof, which carries an entry.
const largestProof = 64 << 20

// text is a whole file, or for - the standard input.
func (a *app) text(file string) ([]byte, error) {
	in := a.stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, largestProof+1))
	if err == nil && len(text) > largestProof {
		err = fmt.Errorf("--check %q: %w", file, tooLarge(largestProof))
	}
	return text, err
}
