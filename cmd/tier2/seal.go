package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/ledger"
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
