package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// mostRefusals is how many refusals the summary of --json lists; stderr has them all.
const mostRefusals = 1000

// mostMiB is the largest --max-size: what SQLite and PostgreSQL store of one document,
// with its copies on the way, takes some times that.
const mostMiB = 256

// refusal is a receipt that was not stored, and why.
type refusal struct {
	Source string `json:"source"`
	Reason string `json:"reason"`
}

// summary is what an import did.
type summary struct {
	Imported  int       `json:"imported"`
	Unchanged int       `json:"unchanged"`
	Refused   int       `json:"refused"`
	Refusals  []refusal `json:"refusals"` // the first mostRefusals of them
}

// importFlags are the flags of every import.
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
	_ = cmd.RegisterFlagCompletionFunc("operation", cobra.FixedCompletions(texts(models.Operations()), cobra.ShellCompDirectiveNoFileComp))
}

func (f *importFlags) options() (repository.ImportOptions, error) {
	opts := repository.ImportOptions{AgentID: f.agent, Map: map[string]models.Operation{}, MaxBytes: f.size << 20}
	if f.size < 1 || f.size > mostMiB {
		return opts, fmt.Errorf("--max-size %d: must lie in 1 to %d", f.size, mostMiB)
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

// importInto opens the database for an import, unless the command line was wrong, and
// prints what that did; errFound if it refused anything.
func (a *app) importInto(ctx context.Context, wrong error, do func(ctx context.Context, store *tier2.Store, sum *summary) error) error {
	if wrong == nil {
		_, wrong = location(a.db)
	}
	if wrong != nil {
		return usageError{wrong}
	}
	store, err := tier2.Open(ctx, a.db)
	if err != nil {
		return err
	}
	sum := &summary{Refusals: []refusal{}}
	err = do(ctx, store, sum)
	if err := errors.Join(err, store.Close(), a.printSummary(sum)); err != nil {
		return err
	}
	if sum.Refused > 0 {
		return errFound
	}
	return nil
}

// importAll stores what the arguments name. It ends early, with an error, only for
// what would stop every other receipt as well.
func (a *app) importAll(ctx context.Context, store *tier2.Store, args []string, opts repository.ImportOptions, sum *summary) error {
	bar := a.bytesBar("importing", a.inputSize(args))
	defer bar.Finish()
	refuse := func(source string, err error) {
		_ = bar.Clear()
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
			case len(outcomes) == 0: // it ended before this one
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
			bar.Add64(d.read)
		}
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// refuse says on stderr, in one line, what was not stored and why, and counts it.
func (a *app) refuse(sum *summary, source string, err error) {
	r := refusal{source, strings.ReplaceAll(err.Error(), "\n", "; ")}
	fmt.Fprintf(a.stderr, "refused %s: %s\n", printable(r.Source), printable(r.Reason))
	if sum.Refused++; sum.Refused <= mostRefusals {
		sum.Refusals = append(sum.Refusals, r)
	}
}

// inputSize is how many bytes the arguments have in all, -1 if nobody knows.
func (a *app) inputSize(args []string) (size int64) {
	for _, arg := range args {
		info, err := os.Stat(arg)
		if f, ok := a.stdin.(*os.File); ok && arg == "-" {
			info, err = f.Stat()
		}
		if err != nil || !info.Mode().IsRegular() {
			return -1
		}
		size += info.Size()
	}
	return size
}

// bytesBar shows on stderr, if that is a terminal, how many bytes of all were done.
func (a *app) bytesBar(doing string, total int64) *progressbar.ProgressBar {
	return progressbar.NewOptions64(total, progressbar.OptionSetWriter(a.stderr), progressbar.OptionSetVisibility(a.terminal() != nil),
		progressbar.OptionSetDescription(doing), progressbar.OptionShowBytes(true), progressbar.OptionClearOnFinish(),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSetSpinnerChangeInterval(0))
}

// progress counts on stderr, if that is a terminal; else it shows nothing. How many
// executions there will be nobody knows, since they are not listed before.
func (a *app) progress(doing string) *progressbar.ProgressBar {
	return progressbar.NewOptions(-1, progressbar.OptionSetWriter(a.stderr), progressbar.OptionSetVisibility(a.terminal() != nil),
		progressbar.OptionSetDescription(doing), progressbar.OptionShowCount(), progressbar.OptionClearOnFinish(),
		progressbar.OptionSetSpinnerChangeInterval(0)) // no goroutine of the bar's own, which would race with Add
}

func (a *app) printSummary(sum *summary) error {
	if a.json {
		return a.printJSON(sum)
	}
	_, err := fmt.Fprintf(a.stdout, "%d imported, %d unchanged, %d refused\n", sum.Imported, sum.Unchanged, sum.Refused)
	return err
}
