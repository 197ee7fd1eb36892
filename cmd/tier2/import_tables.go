package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/cmd/tier2/internal/term"
)

// maxRowMiB is the largest --max-size of import tables, the size of a text that both engines
// can store.
const maxRowMiB = 1024

// tables holds the arguments and flags of import tables.
type tables struct {
	args   []string
	table  string // of a single file; "" if the file is named for it
	format tier2.Format
	size   int // MiB
}

// tableFile is a file with the rows of a table.
type tableFile struct {
	path, table string
	format      tier2.Format
}

func (a *app) importTables() *cobra.Command {
	in := tables{size: 64}
	cmd := &cobra.Command{
		Use:   "tables DIR | FILE... | - --table TABLE",
		Short: "Bring back tables that export wrote",
		Long: `Brings rows back as export wrote them, with their ids and times, and audits
nothing.

DIR is a whole export: all of it is read and held against its export.json, then
it goes as with copy. The database must hold nothing else, whatever ends it the
same command does the rest, and at the end both sides are compared; exit code 1
if anything is refused.

A FILE, named TABLE.jsonl or TABLE.csv, or - with --table, adds rows of one
table to what is there; several go in an order in which parents come first. Rows
that are there already stay, one that is there in another form is refused. All
of a file is read and compared before anything is written; a row that only the
database refuses, such as one without its parent, leaves the rows before it. A
refusal names the line; exit code 1.

The database is made if it does not exist. A row has at most --max-size MiB.`,
		Example: `  tier2 import tables --db restored.db backup-2026-01-29
  tier2 import tables --db other.db receipts.jsonl pipeline_metrics.jsonl
  tier2 export receipts --out - | tier2 import tables --db other.db --table receipts -`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			in.args = args
			return a.importAllTables(cmd, in)
		},
	}
	cmd.Flags().StringVar(&in.table, "table", "", "the table of a file that is not named for it, or of -")
	enum(cmd, &in.format, "format", "jsonl or csv, of a file whose name does not say it (default jsonl)", tier2.Formats())
	cmd.Flags().IntVar(&in.size, "max-size", in.size, "MiB above which a row is refused unread, 1 to 1024")
	return cmd
}

func (a *app) importAllTables(cmd *cobra.Command, in tables) (err error) {
	if _, err := location(a.db); err != nil {
		return err
	}
	if in.size < 1 || in.size > maxRowMiB {
		return usagef("--max-size %d: must lie in 1 to %d", in.size, maxRowMiB)
	}
	dir, err := in.folder()
	if err != nil {
		return err
	}
	var list []tableFile
	if dir == "" {
		if list, err = in.files(); err != nil {
			return err
		}
	}
	store, err := tier2.Open(cmd.Context(), a.db)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	bar, progress := a.countRows()
	opts := tier2.ImportOptions{MaxBytes: in.size << 20, Progress: progress}
	if dir != "" {
		report, err := store.Import(cmd.Context(), dir, opts)
		bar.Finish()
		return a.finishCopy(report, importKinds.exit(err))
	}
	done := []tier2.ImportedTable{}
	for _, file := range list {
		opts.Format = file.format
		var table tier2.ImportedTable
		if table, err = a.importTable(cmd, store, file, opts); err != nil {
			break
		}
		done = append(done, table)
	}
	bar.Finish()
	if err := a.printImported(done); err != nil {
		return err
	}
	return importKinds.exit(err)
}

// folder returns the argument that is a folder, "" if all are files. All must exist.
func (in tables) folder() (string, error) {
	for _, arg := range in.args {
		if arg == "-" {
			continue
		}
		info, err := os.Stat(arg)
		switch {
		case err != nil:
			return "", err
		case !info.IsDir():
		case len(in.args) > 1 || in.table != "" || in.format != "":
			return "", usagef("%s is a folder, which comes alone and says itself what it holds", arg)
		default:
			return arg, nil
		}
	}
	return "", nil
}

// files returns the arguments with their tables, parents before children.
func (in tables) files() ([]tableFile, error) {
	if len(in.args) > 1 && (in.table != "" || in.format != "" || slices.Contains(in.args, "-")) {
		return nil, usagef("--table, --format and - are of one file alone")
	}
	order := tableNames()
	var list []tableFile
	for _, arg := range in.args {
		extension := filepath.Ext(arg)
		file := tableFile{arg, strings.TrimSuffix(filepath.Base(arg), extension), in.format}
		if in.table != "" {
			file.table = in.table
		}
		if file.format == "" {
			file.format = tier2.JSONL
			if named := tier2.Format(strings.TrimPrefix(extension, ".")); named.Valid() {
				file.format = named
			}
		}
		if !slices.Contains(order, file.table) {
			return nil, usagef("%q is no table that can be imported alone; name the file for it, or give --table (allowed: %s)",
				file.table, strings.Join(order, ", "))
		}
		list = append(list, file)
	}
	slices.SortStableFunc(list, func(a, b tableFile) int {
		return slices.Index(order, a.table) - slices.Index(order, b.table)
	})
	return list, nil
}

// importTable imports a file. Its errors name the file.
func (a *app) importTable(cmd *cobra.Command, store *tier2.Store, file tableFile, opts tier2.ImportOptions) (tier2.ImportedTable, error) {
	open := func() (*os.File, error) { return openRegular(file.path) }
	name := file.path
	if file.path == "-" {
		open, name = a.spooled, "standard input"
	}
	f, err := open()
	if err != nil {
		return tier2.ImportedTable{}, fmt.Errorf("%s: %w", name, err)
	}
	defer func() {
		_ = f.Close() // only read
		if file.path == "-" {
			_ = os.Remove(f.Name()) // on Windows, where spooled cannot
		}
	}()
	done, err := store.ImportTable(cmd.Context(), f, file.table, opts)
	if err != nil {
		err = fmt.Errorf("%s: %w", name, err)
	}
	return done, err
}

// spooled returns the standard input as a temporary file, since it is read twice.
func (a *app) spooled() (*os.File, error) {
	f, err := os.CreateTemp("", "tier2-import-*")
	if err != nil {
		return nil, err
	}
	_ = os.Remove(f.Name()) // the file exists until it is closed; Windows refuses
	if _, err := io.Copy(f, a.In); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (a *app) printImported(list []tier2.ImportedTable) error {
	if a.JSON {
		return a.PrintJSON(list)
	}
	w := term.Aligned(a.Out)
	fmt.Fprintln(w, "TABLE\tROWS\tINSERTED\tUNCHANGED\tSHA-256")
	for _, t := range list {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%s\n", t.Name, t.Rows, t.Inserted, t.Unchanged, t.SHA256[:digestChars])
	}
	return w.Flush()
}
