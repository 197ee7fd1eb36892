package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/internal/engine"
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

func (a *app) importReceipts() *cobra.Command {
	var agent, op string
	var mapping []string
	size := repository.MaxImportBytes >> 20
	cmd := &cobra.Command{
		Use:   "receipts FILE|DIR|-...",
		Short: "Store receipts that ggen wrote",
		Long: `Stores receipts that ggen wrote, in either of its shapes, each in one transaction:
the receipt with its JSON as it is, its stage timings, missed SLO targets, their
audit entries and the agent's memory. A directory stands for every .json and .jsonl
file below it, - for the standard input; a .jsonl file holds a receipt a line.

A document is at most --max-size MiB, nested at most 1,000 deep, and no object in it
holds a key twice. Links to directories are not followed, and what is no regular file is
not opened.

Importing a receipt again changes nothing. One that cannot be stored is refused, with
the reason on stderr, and does not stop the others; exit code 1 if there was any. The
summary of --json lists the first 1,000 refusals.
The database is made if it does not exist.`,
		Example: `  tier2 import receipts .ggen/receipts
  cat *.json | tier2 import receipts --agent code-generator -`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts, err := importOptions(agent, op, mapping)
			if err == nil && (size < 1 || size > mostMiB) {
				err = fmt.Errorf("--max-size %d: must lie in 1 to %d", size, mostMiB)
			}
			if err == nil {
				opts.MaxBytes = size << 20
				_, err = location(a.db)
			}
			if err != nil {
				return usageError{err}
			}
			store, err := tier2.Open(cmd.Context(), a.db)
			if err != nil {
				return err
			}
			sum, err := a.importAll(cmd.Context(), store, args, opts)
			if err := errors.Join(err, store.Close(), a.printSummary(sum)); err != nil {
				return err
			}
			if sum.Refused > 0 {
				return errFound
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&agent, "agent", "", "the agent of receipts that name none")
	cmd.Flags().StringVar(&op, "operation", "", "the operation of receipts without one (default generation)")
	cmd.Flags().IntVar(&size, "max-size", size, "MiB above which a document is refused unread, 1 to 256")
	cmd.Flags().StringArrayVar(&mapping, "map", nil, "NAME=OPERATION: read the operation NAME as one of the nine; repeatable")
	a.flagWords(cmd, "agent", agentIDs)
	_ = cmd.RegisterFlagCompletionFunc("operation", cobra.FixedCompletions(texts(models.Operations()), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func importOptions(agent, op string, mapping []string) (repository.ImportOptions, error) {
	opts := repository.ImportOptions{Agent: agent, Map: map[string]models.Operation{}}
	if op != "" {
		if err := opts.Operation.UnmarshalText([]byte(op)); err != nil {
			return opts, fmt.Errorf("--operation: %w", err)
		}
	}
	for _, pair := range mapping {
		from, to, ok := strings.Cut(pair, "=")
		if shown := engine.Redact(pair); !ok || from == "" || shown != pair {
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

// importAll stores what the arguments name. It ends early, with an error, only for
// what would stop every other receipt as well.
func (a *app) importAll(ctx context.Context, store *tier2.Store, args []string, opts repository.ImportOptions) (*summary, error) {
	sum := &summary{Refusals: []refusal{}}
	bar := a.progress("importing")
	defer bar.Finish()
	refuse := func(source string, err error) {
		_ = bar.Clear()
		a.refuse(sum, source, err)
	}
	for file := range (sources{args, refuse}).files(ctx) {
		for doc, err := range a.documents(file, opts.MaxBytes) {
			if err != nil {
				refuse(doc.source, err)
				continue
			}
			result, err := store.Executions.Import(ctx, doc.raw, opts)
			switch {
			case err == nil && result.Unchanged:
				sum.Unchanged++
			case err == nil:
				sum.Imported++
			case ctx.Err() != nil:
				return sum, ctx.Err()
			case errors.Is(err, models.ErrClosed), errors.Is(err, models.ErrReadOnly):
				return sum, err
			default:
				refuse(doc.source, err)
			}
		}
		bar.Add(1)
	}
	return sum, ctx.Err()
}

// refuse says on stderr, in one line, what was not stored and why, and counts it.
func (a *app) refuse(sum *summary, source string, err error) {
	r := refusal{source, strings.ReplaceAll(err.Error(), "\n", "; ")}
	fmt.Fprintf(a.stderr, "refused %s: %s\n", printable(r.Source), printable(r.Reason))
	if sum.Refused++; sum.Refused <= mostRefusals {
		sum.Refusals = append(sum.Refusals, r)
	}
}

// progress counts on stderr, if that is a terminal; else it shows nothing. How many files
// or executions there will be nobody knows, since they are not listed before.
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
