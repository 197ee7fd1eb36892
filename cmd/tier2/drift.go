package main

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/seanchatmangpt/ggen/tier2"
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
			if f.limit.n > repository.MaxLimit && f.limit != everything {
				return usageError{fmt.Errorf("--limit %v: must lie in 1 to %d", &f.limit, repository.MaxLimit)}
			}
			return a.read(cmd, func(store *tier2.Store) error {
				drifts, summary, err := store.Reports.Drift(cmd.Context(), repository.DriftFilter{
					AgentID: f.agent, Operation: op, Since: f.since.Time, Until: f.until.Time, Page: repository.Page{Limit: min(f.limit.n, repository.MaxLimit)},
				})
				if err != nil {
					return err
				}
				return a.showDrift(drifts, summary)
			})
		},
	})
	f.flags(a, cmd, "executions")
	cmd.Flags().Lookup("limit").Usage = "how many inputs to show, up to 1000, or all of these"
	enum(cmd, &op, "operation", "only this operation", models.Operations())
	return cmd
}

func (a *app) showDrift(drifts []repository.Drift, summary repository.DriftSummary) (err error) {
	switch {
	case a.json:
		err = a.printJSON(struct {
			Drifts []repository.Drift `json:"drifts"`
			repository.DriftSummary
		}{drifts, summary})
	case a.csv:
		err = list(a, everything, each(outputs(drifts)), outputFields...)
		if summary.Next != "" {
			a.note("there are more inputs: raise --limit, or narrow --since and --until")
		}
	default:
		err = a.printDrift(drifts, summary)
	}
	if err == nil && len(drifts) > 0 {
		return errFound
	}
	return err
}

// output is a hash that a file had.
type output struct {
	*repository.Drift
	file *repository.FileDrift
	hash *repository.FileHash
}

func outputs(drifts []repository.Drift) (list []output) {
	for i := range drifts {
		for j := range drifts[i].Files {
			for k := range drifts[i].Files[j].Hashes {
				list = append(list, output{&drifts[i], &drifts[i].Files[j], &drifts[i].Files[j].Hashes[k]})
			}
		}
	}
	return list
}

var outputFields = []field[output]{
	{"operation", "", func(v output) any { return v.Operation }},
	{"manifest_hash", "", func(v output) any { return v.ManifestHash }},
	{"ontology_hash", "", func(v output) any { return v.OntologyHash }},
	{"path", "", func(v output) any { return v.file.Path }},
	{"hash", "", func(v output) any { return v.hash.Hash }},
	{"count", "", func(v output) any { return v.hash.Count }},
	{"executions", "", func(v output) any {
		ids, _ := models.JSONOf(v.hash.Executions) // texts always encode
		return ids
	}},
}

func (a *app) printDrift(drifts []repository.Drift, s repository.DriftSummary) error {
	out := a.output()
	const names = 4 // of executions in a line
	for _, d := range drifts {
		fmt.Fprintf(out, "%s  manifest %s  ontology %s\n", d.Operation, printable(d.ManifestHash), printable(d.OntologyHash))
		w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "  FILE\tHASH\tCOUNT\tEXECUTIONS")
		for _, file := range d.Files {
			path := printable(file.Path)
			for _, h := range file.Hashes {
				hash := printable(h.Hash)
				if hash == "" {
					hash = "-"
				}
				shown := printable(strings.Join(h.Executions[:min(names, len(h.Executions))], ", "))
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
	_, err := fmt.Fprintf(out, "%d inputs of more than one execution, %s; %d executions compared, %d without known outputs\n", s.Inputs, outcome, s.Compared, s.Unknown)
	if s.Next != "" {
		_, err = fmt.Fprintln(out, "there is more: raise --limit, or narrow --since and --until")
	}
	return err
}
