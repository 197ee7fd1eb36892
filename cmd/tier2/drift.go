package main

import (
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

func (a *app) drift() *cobra.Command {
	var agent, op string
	var since, until when
	limit := repository.DefaultLimit
	cmd := &cobra.Command{
		Use:   "drift",
		Short: "Show equal inputs that led to different outputs",
		Long: `Compares passed executions that had the same manifest_hash, ontology_hash and
operation by the hashes of the files that they wrote, as their receipts tell them, and
shows where they disagree: the input with the newest execution first, file by file;
exit code 1 if there is any. "-" stands for executions that did not write the file.

An execution whose receipt tells no file's hash takes no part and is counted. Counts
such as files_generated are not compared. Times are ISO 8601, in UTC unless they
say otherwise, or how long ago: 7d, 24h.`,
		Example: "  tier2 drift --agent code-generator --since 7d",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			f := repository.DriftFilter{AgentID: agent, Since: since.Time, Until: until.Time, Page: repository.Page{Limit: limit}}
			if op != "" {
				if err := f.Operation.UnmarshalText([]byte(op)); err != nil {
					return usageError{fmt.Errorf("--operation: %w", err)}
				}
			}
			if limit < 1 || limit > repository.MaxLimit {
				return usageError{fmt.Errorf("--limit %d: must lie in 1 to %d", limit, repository.MaxLimit)}
			}
			return a.showDrift(cmd, f)
		},
	}
	cmd.Flags().StringVar(&agent, "agent", "", "only executions of this agent")
	cmd.Flags().StringVar(&op, "operation", "", "only this operation")
	cmd.Flags().Var(&since, "since", "only executions that began then or later")
	cmd.Flags().Var(&until, "until", "only executions that began before")
	cmd.Flags().IntVar(&limit, "limit", limit, "how many inputs to show, 1 to 1000")
	return cmd
}

func (a *app) showDrift(cmd *cobra.Command, f repository.DriftFilter) error {
	store, err := openExisting(cmd.Context(), a.db)
	if err != nil {
		return err
	}
	defer store.Close()
	drifts, summary, err := store.Reports.Drift(cmd.Context(), f)
	if errors.Is(err, models.ErrInvalid) {
		return usageError{err}
	}
	if err != nil {
		return err
	}
	if a.json {
		err = a.printJSON(struct {
			Drifts []repository.Drift `json:"drifts"`
			repository.DriftSummary
		}{drifts, summary})
	} else {
		err = a.printDrift(drifts, summary)
	}
	if err == nil && len(drifts) > 0 {
		return errFound
	}
	return err
}

func (a *app) printDrift(drifts []repository.Drift, s repository.DriftSummary) error {
	const names = 4 // of executions in a line
	for _, d := range drifts {
		fmt.Fprintf(a.stdout, "%s  manifest %s  ontology %s\n", d.Operation, printable(d.ManifestHash), printable(d.OntologyHash))
		w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
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
			fmt.Fprintf(a.stdout, "  and %d more files\n", d.MoreFiles)
		}
		if d.Omitted > 0 {
			fmt.Fprintf(a.stdout, "  and %d executions with yet other outputs\n", d.Omitted)
		}
		fmt.Fprintln(a.stdout)
	}
	outcome := "no drift"
	if len(drifts) > 0 {
		outcome = fmt.Sprintf("%d with drift", len(drifts))
	}
	_, err := fmt.Fprintf(a.stdout, "%d inputs of more than one execution, %s; %d executions compared, %d without known outputs\n", s.Inputs, outcome, s.Compared, s.Unknown)
	if s.Next != "" {
		_, err = fmt.Fprintln(a.stdout, "there is more: raise --limit, or narrow --since and --until")
	}
	return err
}
