package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/cmd/tier2/internal/term"
	"github.com/seanchatmangpt/ggen/tier2/internal/newfile"
)

func (a *app) export() *cobra.Command {
	opts := tier2.ExportOptions{Format: tier2.JSONL}
	var f filters
	var dir, out string
	cmd := &cobra.Command{
		Use:   "export [TABLE...] --to DIR | export TABLE --out FILE|-",
		Short: "Write tables as JSONL or CSV",
		Long: `Writes tables, of one state of the database, as they are stored: with --to each
to a file of its own in a new folder, with --out one table to a new file, or
with - to the standard output. Without TABLE it is all of them, those that prove
the audit log among them; then "tier2 import tables DIR" brings the folder back,
and it holds export.json, which says what each file holds. What has the name
already is not overwritten (exit code 1), and what is not whole has no name.

JSONL has an object a line, with a member for each column; times and JSON are
strings, as they are stored. CSV is RFC 4180 with a header; a field that is
empty is NULL, "" is the empty text, as with PostgreSQL's COPY. Rows are in
ascending order of their ids.

--since, --until and --agent choose rows of tables that have such a column.`,
		Example: `  tier2 export --to backup-2026-01-29
  tier2 export receipts --since 7d --agent coder --out - | jq '.receipt_json | fromjson'
  tier2 export receipts audit_log --format csv --to reports`,
		RunE: func(cmd *cobra.Command, tables []string) error {
			opts.Tables, opts.AgentID, opts.Since, opts.Until = tables, f.agent, f.since.Time, f.until.Time
			switch {
			case (dir == "") == (out == ""):
				return usagef("give --to or --out")
			case out != "" && len(tables) != 1:
				return usagef("--out takes one table; --to takes any number of them")
			case out == "-" && a.JSON:
				return usagef("--json prints a summary to where the rows go: give a file")
			}
			return with(cmd.Context(), a.db, []tier2.Option{tier2.WithReadOnly()}, func(store *tier2.Store) error {
				bar, progress := a.countRows()
				opts.Progress = progress
				list, err := a.exportTo(cmd, store, dir, out, opts)
				bar.Finish()
				if err != nil {
					return fileKinds.exit(err)
				}
				return a.printExport(list, out)
			})
		},
	}
	cmd.Flags().StringVar(&dir, "to", "", "the folder to make")
	cmd.Flags().StringVar(&out, "out", "", "the file to make, or -")
	enum(cmd, &opts.Format, "format", "jsonl or csv", tier2.Formats())
	f.byTime(cmd, "rows")
	f.byAgent(a, cmd, "rows")
	cmd.ValidArgsFunction = cobra.FixedCompletions(tableNames(), cobra.ShellCompDirectiveNoFileComp)
	return cmd
}

func (a *app) exportTo(
	cmd *cobra.Command, store *tier2.Store, dir, out string, opts tier2.ExportOptions,
) (list []tier2.ExportedTable, err error) {
	if dir != "" {
		return store.Export(cmd.Context(), dir, opts)
	}
	one := func(w io.Writer) error {
		table, err := store.ExportTable(cmd.Context(), w, opts.Tables[0], opts)
		list = []tier2.ExportedTable{table}
		return err
	}
	if out == "-" {
		err = one(a.Out)
		return list, err
	}
	err = newfile.Make(out, func(f *os.File) error { return one(f) })
	return list, err
}

func (a *app) printExport(list []tier2.ExportedTable, out string) error {
	if a.JSON {
		return a.PrintJSON(list)
	}
	to := a.Out
	if out == "-" {
		to = a.Err
	}
	w := term.Aligned(to)
	fmt.Fprintln(w, "TABLE\tROWS\tSHA-256")
	for _, t := range list {
		fmt.Fprintf(w, "%s\t%d\t%s\n", t.Name, t.Rows, t.SHA256[:digestChars])
	}
	return w.Flush()
}
