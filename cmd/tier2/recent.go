package main

import (
	"iter"
	"slices"

	"github.com/spf13/cobra"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/cmd/tier2/internal/term"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

func (a *app) recent() *cobra.Command {
	var f filters
	var filter repository.ReceiptFilter
	cmd := listing(&cobra.Command{
		Use:   "recent",
		Short: "Show the newest executions",
		Long: `Shows executions, newest first, each with the number of audit entries that
belong to it and of SLO targets that it missed. These two are counted for the
newest 100 executions of the database only, as in its view recent_executions; of
others they are NULL, "-" in a table.`,
		Example: `  tier2 recent
  tier2 recent --agent code-generator --status failed --since 7d --limit all --csv`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.read(cmd, func(store *tier2.Store) error {
				newest, err := store.Reports.RecentExecutions(cmd.Context())
				if err != nil {
					return err
				}
				filter.AgentID, filter.Since, filter.Until, filter.Page = f.agent, f.since.Time, f.until.Time, firstPage(f.limit)
				return term.List(a.Console, f.limit, executions(newest, store.Receipts.All(cmd.Context(), filter)), executionColumns...)
			})
		},
	})
	f.flags(a, cmd, "executions")
	enum(cmd, &filter.Status, "status", "only executions that ended so", models.ReceiptStatuses())
	enum(cmd, &filter.Operation, "operation", "only this operation", models.Operations())
	cmd.Flags().StringVar(&filter.Environment, "environment", "", "only executions in this environment")
	a.flagWords(cmd, "environment", environments)
	cmd.Flags().StringVar(&filter.ManifestHash, "manifest-hash", "", "only executions with this manifest")
	cmd.Flags().StringVar(&filter.OntologyHash, "ontology-hash", "", "only executions with this ontology")
	return cmd
}

// execution is a receipt with its counts in recent_executions, nil if the view lacks it.
type execution struct {
	models.Receipt
	AuditEntries, SLOViolations *int64
}

func executions(newest []models.RecentExecution, receipts iter.Seq2[models.Receipt, error]) iter.Seq2[execution, error] {
	counts := make(map[int64]models.RecentExecution, len(newest))
	for _, e := range newest {
		counts[e.ID] = e
	}
	return func(yield func(execution, error) bool) {
		for r, err := range receipts {
			e := execution{Receipt: r}
			if n, ok := counts[r.ID]; ok {
				e.AuditEntries, e.SLOViolations = &n.AuditEntries, &n.SLOViolations
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

var executionColumns = slices.Concat(
	term.Col("", "TIMESTAMP", func(e execution) any { return e.Timestamp }),
	term.Fields[execution]("id", "execution_id EXECUTION", "agent_id AGENT", "operation OPERATION", "status STATUS",
		"timestamp", "duration_ms DURATION", "files_generated", "files_modified"),
	term.Col("", "FILES", func(e execution) any { return e.FilesGenerated + e.FilesModified }),
	term.Fields[execution]("error_message", "environment", "created_at", "audit_entries AUDIT", "slo_violations SLO"),
	term.Col("", "ERROR", func(e execution) any { return e.ErrorMessage }),
)
