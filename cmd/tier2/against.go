package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	"github.com/seanchatmangpt/ggen/tier2/ledger"
)

// against is what verify and prove hold a checkpoint against.
type against struct {
	anchor string
	keys   []string
}

func (g *against) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&g.anchor, "anchor", "", "the file of checkpoints that seal --anchor wrote")
	cmd.Flags().StringArrayVar(&g.keys, "key", nil, "a verifier key, or @FILE with one: checkpoints must be signed by it, or by another --key; repeatable")
}

// given reports whether there is anything to hold it against. An empty value, of a
// variable that is not set perhaps, must not pass for none.
func (g *against) given(cmd *cobra.Command) bool {
	return cmd.Flags().Changed("anchor") || cmd.Flags().Changed("key")
}

// read reads the keys, and the anchor if there is one.
func (g *against) read(cmd *cobra.Command) (keys []string, anchored []ledger.Checkpoint, err error) {
	if err := notBlank(cmd, "anchor", g.anchor); err != nil {
		return nil, nil, err
	}
	for _, key := range g.keys {
		file, isFile := strings.CutPrefix(key, "@")
		if isFile {
			text, err := os.ReadFile(file)
			if err != nil {
				return nil, nil, fmt.Errorf("--key: %w", err)
			}
			key = strings.TrimSpace(string(text))
		}
		if _, err := note.NewVerifier(key); err != nil { // not shown: it may be a private one
			err = errors.New("--key: is no verifier key; keygen prints one, its form is NAME+ID+KEY")
			if isFile {
				return nil, nil, fmt.Errorf("%s: %w", file, err)
			}
			return nil, nil, usageError{err}
		}
		keys = append(keys, key)
	}
	if g.anchor != "" {
		anchored, err = ledger.ReadAnchor(g.anchor)
	}
	return keys, anchored, err
}

// notBlank refuses an empty value that was given all the same.
func notBlank(cmd *cobra.Command, flag, value string) error {
	if cmd.Flags().Changed(flag) && strings.TrimSpace(value) == "" {
		return usageError{fmt.Errorf("--%s: must not be blank", flag)}
	}
	return nil
}
