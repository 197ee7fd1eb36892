package main

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/spf13/cobra"
)

// mostRecent is how many executions the view recent_executions holds.
const mostRecent = 100

func (a *app) recent() *cobra.Command {
	limit := 20
	cmd := &cobra.Command{
		Use:   "recent",
		Short: "Show the newest executions",
		Long: `Shows the newest executions, newest first, each with the number of audit entries
that belong to it and of SLO targets that it missed.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if limit < 1 || limit > mostRecent {
				return usageError{fmt.Errorf("--limit %d: must lie in 1 to %d", limit, mostRecent)}
			}
			store, err := openExisting(cmd.Context(), a.db)
			if err != nil {
				return err
			}
			defer store.Close()
			rows, err := store.Reports.RecentExecutions(cmd.Context())
			if err != nil {
				return err
			}
			rows = rows[:min(limit, len(rows))]
			if a.json {
				return a.printJSON(rows)
			}
			w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "TIMESTAMP\tEXECUTION\tAGENT\tOPERATION\tSTATUS\tDURATION\tFILES\tAUDIT\tSLO")
			for _, r := range rows {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%d\t%d\t%d\n",
					r.Timestamp.Format(time.RFC3339), printable(r.ExecutionID), printable(r.AgentID), r.Operation, r.Status,
					time.Duration(r.DurationMS)*time.Millisecond, r.FilesGenerated+r.FilesModified, r.AuditEntries, r.SLOViolations)
			}
			return w.Flush()
		},
	}
	cmd.Flags().IntVar(&limit, "limit", limit, "how many to show, 1 to 100")
	return cmd
}

// printable keeps a stored text from moving the cursor of a terminal.
func printable(s string) string {
	return strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return '?'
		}
		return c
	}, s)
}
