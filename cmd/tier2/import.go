package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/cmd/tier2/internal/term"
	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// maxRefusals is how many refusals the summary of --json lists; stderr lists all.
const maxRefusals = 1000

// maxMiB is the largest --max-size. Storing a document takes several times its size in
// memory, for copies on the way to SQLite or PostgreSQL.
const maxMiB = 256

// refusal is a document that was not stored, and the reason.
type refusal struct {
	Source string `json:"source"`
	Reason string `json:"reason"`
}

// summary is the result of an import.
type summary struct {
	Imported  int       `json:"imported"`
	Unchanged int       `json:"unchanged"`
	Refused   int       `json:"refused"`
	Refusals  []refusal `json:"refusals"` // the first maxRefusals
}

// importFlags holds the flags that imports of receipts and logs share.
type importFlags struct {
	agent, operation string
	mapping          []string
	size             int // MiB
}

func (f *importFlags) register(a *app, cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.agent, "agent", "", "the agent of receipts that name none")
	cmd.Flags().StringVar(&f.operation, "operation", "", "the operation of receipts without one (default generation)")
	cmd.Flags().IntVar(&f.size, "max-size", repository.MaxImportBytes>>20, "MiB above which a document is refused unread, 1 to 256")
	cmd.Flags().StringArrayVar(&f.mapping, "map", nil, "NAME=OPERATION: read the operation NAME as one of the nine; repeatable")
	a.flagWords(cmd, "agent", agentIDs)
	offer(cmd, "operation", texts(models.Operations())...)
}

func (f *importFlags) options() (repository.ImportOptions, error) {
	opts := repository.ImportOptions{AgentID: f.agent, Map: map[string]models.Operation{}, MaxBytes: f.size << 20}
	if f.size < 1 || f.size > maxMiB {
		return opts, fmt.Errorf("--max-size %d: must lie in 1 to %d", f.size, maxMiB)
	}
	if f.operation != "" {
		if err := opts.Operation.UnmarshalText([]byte(f.operation)); err != nil {
			return opts, fmt.Errorf("--operation: %w", err)
		}
	}
	for _, pair := range f.mapping {
		from, to, ok := strings.Cut(pair, "=")
		if shown := backend.Redact(pair); !ok || from == "" || shown != pair {
			return opts, fmt.Errorf("--map %q: give NAME=OPERATION", shown)
		}
		var target models.Operation
		if err := target.UnmarshalText([]byte(to)); err != nil {
			return opts, fmt.Errorf("--map %q: %w", pair, err)
		}
		opts.Map[from] = target
	}
	return opts, nil
}

func (a *app) importReceipts() *cobra.Command {
	var flags importFlags
	cmd := &cobra.Command{
		Use:   "receipts FILE|DIR|-...",
		Short: "Store receipts that ggen wrote",
		Long: `Stores receipts that ggen wrote, in either of its shapes, each whole or not at
all: the receipt with its JSON as it is, its stage timings, missed SLO targets,
their audit entries and the agent's memory. What was read meanwhile shares a
transaction. A directory stands for every .json and .jsonl file below it, - for
the standard input; a .jsonl file holds a receipt a line.

A document is at most --max-size MiB, nested at most 1,000 deep, and no object
in it holds a key twice. Links to directories are not followed, and what is no
regular file is not opened.

Importing a receipt again changes nothing. One that cannot be stored is refused,
with the reason on stderr, and does not stop the others; exit code 1 if there
was any. The summary of --json lists the first 1,000 refusals. The database is
made if it does not exist.`,
		Example: `  tier2 import receipts .ggen/receipts
  cat *.json | tier2 import receipts --agent code-generator -`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts, err := flags.options()
			return a.importInto(cmd.Context(), err, func(ctx context.Context, store *tier2.Store, sum *summary) error {
				return a.importAll(ctx, store, args, opts, sum)
			})
		},
	}
	flags.register(a, cmd)
	return cmd
}

// importInto opens the database, calls do and prints the summary. usage is an error of the
// flags. It returns errFound if a document was refused.
func (a *app) importInto(ctx context.Context, usage error, do func(ctx context.Context, store *tier2.Store, sum *summary) error) error {
	if usage != nil {
		return exitError{exitUsage, usage}
	}
	if _, err := location(a.db); err != nil {
		return err
	}
	store, err := tier2.Open(ctx, a.db)
	if err != nil {
		return err
	}
	sum := &summary{Refusals: []refusal{}}
	err = do(ctx, store, sum)
	err = errors.Join(err, store.Close(), a.Print(sum, "%d imported, %d unchanged, %d refused\n", sum.Imported, sum.Unchanged, sum.Refused))
	if err != nil {
		return err
	}
	if sum.Refused > 0 {
		return errFound
	}
	return nil
}

// importAll stores the documents of the arguments. It returns an error only if that would
// end the import of every other document too.
func (a *app) importAll(ctx context.Context, store *tier2.Store, args []string, opts repository.ImportOptions, sum *summary) error {
	bar := a.CountBytes("importing", a.inputSize(args))
	defer bar.Finish()
	refuse := func(source string, err error) {
		bar.Clear()
		a.refuse(sum, source, err)
	}
	for group := range a.groups(ctx, args, opts.MaxBytes) {
		var docs [][]byte
		for _, d := range group {
			if d.err == nil {
				docs = append(docs, d.raw)
			}
		}
		outcomes, err := store.Executions.ImportBatch(ctx, docs, opts)
		for _, d := range group {
			switch {
			case d.err != nil:
				refuse(d.source, d.err)
			case len(outcomes) == 0: // the batch ended before this document
				return err
			default:
				if outcomes[0].Err != nil {
					refuse(d.source, outcomes[0].Err)
				} else if outcomes[0].Unchanged {
					sum.Unchanged++
				} else {
					sum.Imported++
				}
				outcomes = outcomes[1:]
			}
			bar.Add(d.read)
		}
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// refuse counts a document that was not stored, and prints it and the reason in a line on
// stderr.
func (a *app) refuse(sum *summary, source string, err error) {
	r := refusal{source, strings.ReplaceAll(err.Error(), "\n", "; ")}
	fmt.Fprintf(a.Err, "refused %s: %s\n", term.Printable(r.Source), term.Printable(r.Reason))
	if sum.Refused++; sum.Refused <= maxRefusals {
		sum.Refusals = append(sum.Refusals, r)
	}
}

// inputSize returns the total size of the arguments in bytes, -1 if it is unknown.
func (a *app) inputSize(args []string) (size int64) {
	for _, arg := range args {
		info, err := os.Stat(arg)
		if f, ok := a.In.(*os.File); ok && arg == "-" {
			info, err = f.Stat()
		}
		if err != nil || !info.Mode().IsRegular() {
			return -1
		}
		size += info.Size()
	}
	return size
}

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
func (a *app) importOneLog(
	ctx context.Context, store *tier2.Store, name string, log io.Reader, opts repository.ImportOptions, sum *summary,
) error {
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
