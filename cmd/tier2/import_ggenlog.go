package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

func (a *app) importLog() *cobra.Command {
	var flags importFlags
	var at when
	cmd := &cobra.Command{
		Use:   "ggen-log FILE|-...",
		Short: "Store the records of ggen's chained log",
		Long: `Stores what "ggen sync" appends to .ggen-v2/receipt-log.jsonl, each record in
one transaction: its chain hash is the execution id, andon Green, Yellow or Red
is passed, partial or failed, outputs that were written count as generated files
and injected ones as modified, and the whole line is kept as receipt_json.
"tier2 drift" then tells runs of equal inputs (the closure and the graph) with
other outputs. - is the standard input.

The log names no agent: give --agent. ggen writes no time either (ts_ns 0): give
--at.

Every record must follow the one before by its prev_chain_hash_hex, the first
one 64 zeros or a record that is stored, such as the last of a log that was
rotated away. Where the chain breaks or a line tells no hashes, such as the last
of a log that is being written, the import of that file ends: what came before
is stored, what follows is not. A record that cannot be stored for another
reason is refused, and the next one is read.

Importing a log again adds what is new. Exit code 1 if anything was refused;
stderr says each line and why. The database is made if it does not exist.`,
		Example: "  tier2 import ggen-log .ggen-v2/receipt-log.jsonl --agent code-generator --at 2026-01-29T12:34:56Z",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts, err := flags.options()
			if err == nil && strings.TrimSpace(opts.AgentID) == "" {
				err = errors.New("--agent is missing: the log names none")
			}
			opts.At = at.Time
			return a.importInto(cmd.Context(), err, func(ctx context.Context, store *tier2.Store, sum *summary) error {
				return a.importLogs(ctx, store, args, opts, sum)
			})
		},
	}
	flags.register(a, cmd)
	cmd.Flags().Var(&at, "at", "the time of records that tell none: ISO 8601, or how long ago")
	return cmd
}

// importLogs stores logs, one after the other.
func (a *app) importLogs(ctx context.Context, store *tier2.Store, files []string, opts repository.ImportOptions, sum *summary) error {
	for _, file := range files {
		log, name := io.NopCloser(a.In), "standard input"
		if file != "-" {
			f, err := openRegular(file)
			if err != nil {
				a.refuse(sum, file, err)
				continue
			}
			log, name = f, file
		}
		err := a.importOneLog(ctx, store, name, log, opts, sum)
		if err := errors.Join(err, log.Close()); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// importOneLog stores a log and counts its records. It returns an error only if that would
// end the import of every other record too.
func (a *app) importOneLog(ctx context.Context, store *tier2.Store, name string, log io.Reader, opts repository.ImportOptions, sum *summary) error {
	bar := a.Count("importing", -1)
	defer bar.Finish()
	for record, err := range store.Executions.ImportLog(ctx, log, opts) {
		switch {
		case err == nil && record.Unchanged:
			sum.Unchanged++
		case err == nil:
			sum.Imported++
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, models.ErrInvalid), errors.Is(err, models.ErrDuplicate):
			bar.Clear()
			a.refuse(sum, name, err)
		default:
			return fmt.Errorf("%s: %w", name, err)
		}
		bar.Add(1)
	}
	return nil
}
