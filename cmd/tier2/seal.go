package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/cmd/tier2/internal/term"
	"github.com/seanchatmangpt/ggen/tier2/ledger"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// signingKey names the environment variable that may hold the private key.
const signingKey = "TIER2_SIGNING_KEY"

func (a *app) seal() *cobra.Command {
	var anchor, keyFile string
	cmd := &cobra.Command{
		Use:   "seal [database]",
		Short: "Seal the audit log: extend its Merkle tree, and make a checkpoint",
		Long: `Adds the entries that are not in it yet to the Merkle tree over the audit log,
and makes a checkpoint: how many entries, the root of the tree, the time. With a
key it is signed; with --anchor it is appended to a file, which belongs where
those who can write the database cannot. Nothing new changes nothing, but that a
checkpoint without a signature gets one. Exit code 1, and nothing is added, if
tree, checkpoint or anchor are not of one history: verify --audit tells what was
changed.

The private key is read from the file of --sign-with, or else from the
environment variable ` + signingKey + `; keygen makes one. The database, which
must exist, defaults to --db.`,
		Example: `  tier2 seal .ggen/tier2.db
  tier2 seal --anchor /srv/anchor/tier2 --sign-with tier2.key .ggen/tier2.db`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			dsn, _, err := a.database(cmd, args)
			if err == nil {
				err = errors.Join(notBlank(cmd, "anchor", anchor), notBlank(cmd, "sign-with", keyFile))
			}
			if err != nil {
				return err
			}
			opts, err := signing(keyFile)
			if err != nil {
				return err
			}
			if anchor != "" {
				opts = append(opts, tier2.WithAnchor(anchor))
			}
			store, err := openExisting(cmd.Context(), dsn, opts...)
			if err != nil {
				return err
			}
			a.Busy("sealing")
			checkpoint, err := store.Audit.Seal(cmd.Context())
			if err = errors.Join(err, store.Close()); err != nil {
				return sealKinds.exit(err)
			}
			if checkpoint.Size == 0 {
				return a.Print(checkpoint, "sealed 0 entries: the audit log is empty\n")
			}
			return a.Print(checkpoint, "sealed %d entries, root %s\n", checkpoint.Size, checkpoint.Root)
		},
	}
	cmd.Flags().StringVar(&anchor, "anchor", "", "append the checkpoint to this file, which is made if it does not exist")
	cmd.Flags().StringVar(&keyFile, "sign-with", "", "a file with the private key that signs the checkpoint")
	return cmd
}

// signing returns the option that signs with the key in a file, or else in the environment,
// and no option if there is no key. No error contains a key.
func signing(file string) ([]tier2.Option, error) {
	private := os.Getenv(signingKey)
	switch {
	case strings.HasPrefix(file, "PRIVATE+KEY"):
		return nil, usagef("--sign-with takes a file that holds the key, not the key")
	case file != "":
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("--sign-with: %w", err)
		}
		private = string(text)
	case private == "":
		return nil, nil
	}
	return []tier2.Option{tier2.WithSigner(strings.TrimSpace(private))}, nil
}

func (a *app) keygen() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "keygen NAME --out FILE",
		Short: "Make a key pair that signs checkpoints of the audit log",
		Long: `Writes a new Ed25519 private key to a file (0600) that must not exist, for seal
--sign-with, and prints the verifier key, for verify --key. NAME is what
signatures show; it holds no blank and no plus. The private key is never
printed; who has it can sign any log. --db is not used.`,
		Example: "  tier2 keygen ggen-audit --out tier2.key >tier2.pub",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if out == "" {
				return usagef("give --out")
			}
			private, public, err := ledger.GenerateKey(args[0])
			if err != nil {
				return exitError{exitUsage, err}
			}
			f, err := os.OpenFile(out, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(f, private)
			err = errors.Join(err, f.Sync(), f.Close())
			if err == nil {
				err = a.Print(map[string]string{"key": public}, "%s\n", public)
			}
			if err != nil { // a key without its other half is useless
				return errors.Join(err, os.Remove(out))
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "the file that the private key is written to; it must not exist")
	return cmd
}

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
