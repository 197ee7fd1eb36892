package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/cmd/tier2/internal/term"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

func (a *app) drift() *cobra.Command {
	var f filters
	var op models.Operation
	cmd := listing(&cobra.Command{
		Use:   "drift",
		Short: "Show equal inputs that led to different outputs",
		Long: `Compares passed executions that had the same manifest_hash, ontology_hash and
operation by the hashes of the files that they wrote, as their receipts tell
them, and shows where they disagree: the input with the newest execution first,
file by file; exit code 1 if there is any. "-" stands for executions that did
not write the file.

An execution whose receipt tells no file's hash takes no part and is counted.
Counts such as files_generated are not compared. Times are ISO 8601, in UTC
unless they say otherwise, or how long ago: 7d, 24h. --csv has a line for each
hash of a file.`,
		Example: `  tier2 drift --agent code-generator --since 7d
  tier2 drift --operation generation --csv`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.checkPage(); err != nil {
				return err
			}
			return a.read(cmd, func(store *tier2.Store) error {
				drifts, summary, err := store.Reports.Drift(cmd.Context(), repository.DriftFilter{
					AgentID: f.agent, Operation: op, Since: f.since.Time, Until: f.until.Time,
					Page: repository.Page{Limit: min(f.limit.Rows, repository.MaxLimit)},
				})
				if err != nil {
					return err
				}
				return a.showDrift(drifts, summary)
			})
		},
	})
	f.flags(a, cmd, "executions")
	onePage(cmd, "inputs")
	enum(cmd, &op, "operation", "only this operation", models.Operations())
	return cmd
}

func (a *app) showDrift(drifts []repository.Drift, summary repository.DriftSummary) (err error) {
	switch {
	case a.JSON:
		err = a.PrintJSON(struct {
			Drifts []repository.Drift `json:"drifts"`
			repository.DriftSummary
		}{drifts, summary})
	case a.CSV:
		err = term.List(a.Console, term.NoLimit, term.Each(outputs(drifts)), outputColumns...)
		if summary.Next != "" {
			a.Note("there are more inputs: raise --limit, or narrow --since and --until")
		}
	default:
		err = a.printDrift(drifts, summary)
	}
	if err == nil && len(drifts) > 0 {
		return errFound
	}
	return err
}

// output is a file with one of its hashes, a line of --csv.
type output struct {
	Operation                        models.Operation
	ManifestHash, OntologyHash, Path string
	Hash                             string
	Count                            int64
	Executions                       models.JSON
}

var outputColumns = term.Fields[output]("operation", "manifest_hash", "ontology_hash", "path", "hash", "count", "executions")

func outputs(drifts []repository.Drift) (list []output) {
	for _, d := range drifts {
		for _, file := range d.Files {
			for _, h := range file.Hashes {
				ids, _ := models.JSONOf(h.Executions) // strings always encode
				list = append(list, output{d.Operation, d.ManifestHash, d.OntologyHash, file.Path, h.Hash, h.Count, ids})
			}
		}
	}
	return list
}

func (a *app) printDrift(drifts []repository.Drift, s repository.DriftSummary) error {
	const names = 4 // of executions in a line
	out := a.Out
	for _, d := range drifts {
		fmt.Fprintf(out, "%s  manifest %s  ontology %s\n", d.Operation, term.Printable(d.ManifestHash), term.Printable(d.OntologyHash))
		w := term.Aligned(out)
		fmt.Fprintln(w, "  FILE\tHASH\tCOUNT\tEXECUTIONS")
		for _, file := range d.Files {
			path := term.Printable(file.Path)
			for _, h := range file.Hashes {
				hash := term.Printable(h.Hash)
				if hash == "" {
					hash = "-"
				}
				shown := term.Printable(strings.Join(h.Executions[:min(names, len(h.Executions))], ", "))
				if more := h.Count - names; more > 0 {
					shown += fmt.Sprintf(" and %d more", more)
				}
				fmt.Fprintf(w, "  %s\t%s\t%d\t%s\n", path, hash, h.Count, shown)
				path = ""
			}
		}
		if err := w.Flush(); err != nil {
			return err
		}
		if d.MoreFiles > 0 {
			fmt.Fprintf(out, "  and %d more files\n", d.MoreFiles)
		}
		if d.Omitted > 0 {
			fmt.Fprintf(out, "  and %d executions with yet other outputs\n", d.Omitted)
		}
		fmt.Fprintln(out)
	}
	outcome := "no drift"
	if len(drifts) > 0 {
		outcome = fmt.Sprintf("%d with drift", len(drifts))
	}
	_, err := fmt.Fprintf(out, "%d inputs of more than one execution, %s; %d executions compared, %d without known outputs\n",
		s.Inputs, outcome, s.Compared, s.Unknown)
	if s.Next != "" {
		_, err = fmt.Fprintln(out, "there is more: raise --limit, or narrow --since and --until")
	}
	return err
}
