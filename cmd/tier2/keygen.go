package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/seanchatmangpt/ggen/tier2/ledger"
)

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
