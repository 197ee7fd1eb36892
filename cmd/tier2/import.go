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

// many is how many files make a progress bar worth showing.
const many = 20

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
	Refusals  []refusal `json:"refusals"`
}

func (s *summary) refuse(source string, err error) {
	s.Refused++
	s.Refusals = append(s.Refusals, refusal{source, strings.ReplaceAll(err.Error(), "\n", "; ")})
}

func (a *app) importReceipts() *cobra.Command {
	var agent, op string
	var mapping []string
	cmd := &cobra.Command{
		Use:   "receipts FILE|DIR|-...",
		Short: "Store receipts that ggen wrote",
		Long: `Stores receipts that ggen wrote, in either of its shapes, each in one transaction:
the receipt with its JSON as it is, its stage timings, missed SLO targets, their
audit entries and the agent's memory. A directory stands for every .json and .jsonl
file below it, - for the standard input; a .jsonl file holds a receipt a line.

Importing a receipt again changes nothing. One that cannot be stored is refused, with
the reason on stderr, and does not stop the others; exit code 1 if there was any.
The database is made if it does not exist.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts, err := importOptions(agent, op, mapping)
			if err == nil {
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
	cmd.Flags().StringArrayVar(&mapping, "map", nil, "NAME=OPERATION: read the operation NAME as one of the nine; repeatable")
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
	files := list(args, sum)
	bar := a.progress(len(files))
	defer bar.Finish()
	for _, file := range files {
		for doc, err := range a.documents(file) {
			if err != nil {
				sum.refuse(doc.source, err)
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
				sum.refuse(doc.source, err)
			}
		}
		bar.Add(1)
	}
	return sum, nil
}

// progress is a bar on stderr, if that is a terminal and there are many files; else
// one that shows nothing.
func (a *app) progress(files int) *progressbar.ProgressBar {
	if w := a.terminal(); w != nil && files >= many {
		return progressbar.NewOptions(files, progressbar.OptionSetWriter(w), progressbar.OptionSetDescription("importing"),
			progressbar.OptionShowCount(), progressbar.OptionClearOnFinish())
	}
	return progressbar.DefaultSilent(int64(files))
}

func (a *app) printSummary(sum *summary) error {
	for _, r := range sum.Refusals {
		fmt.Fprintf(a.stderr, "refused %s: %s\n", r.Source, r.Reason)
	}
	if a.json {
		return a.printJSON(sum)
	}
	_, err := fmt.Fprintf(a.stdout, "%d imported, %d unchanged, %d refused\n", sum.Imported, sum.Unchanged, sum.Refused)
	return err
}
