package tier2

import (
	"cmp"
	"context"
	"io"
	"slices"
	"time"

	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/internal/rowfile"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/internal/transfer"
)

// CopyReport is the result of Copy or Import.
type CopyReport struct {
	Tables []CopiedTable `json:"tables"`
	Equal  bool          `json:"equal"` // whether every table is equal
}

// CopiedTable is the result of Copy or Import for one table.
type CopiedTable struct {
	Name     string `json:"table"`
	Source   Digest `json:"source"`
	Target   Digest `json:"target"`
	Inserted int64  `json:"inserted"` // rows that the target lacked
	Updated  int64  `json:"updated"`  // rows that the target held as an earlier copy had left them
	Equal    bool   `json:"equal"`    // whether both sides hold the same rows
}

// Digest identifies the rows of a table. It is the same on both engines and for both
// formats of a file.
type Digest struct {
	Rows   int64  `json:"rows"`
	SHA256 string `json:"sha256"` // over the canonical bytes of the rows, in order of their keys
}

// CopyProgress says how far Copy, Export or Import has come.
type CopyProgress struct {
	Step  string // checking, copying or comparing; with files also reading or exporting
	Table string
	Rows  int64 // rows of all tables that the step has processed
	Total int64 // rows of all tables of the source
}

// reporting returns report as package transfer calls it.
func reporting(report func(CopyProgress)) func(transfer.Progress) {
	if report == nil {
		return nil
	}
	return func(p transfer.Progress) { report(CopyProgress(p)) }
}

// CopyOptions control Copy.
type CopyOptions struct {
	// Progress, unless nil, is called after each batch.
	Progress func(CopyProgress)
}

// Copy copies every row of a store to another one, on the same or the other engine. Rows keep their
// ids and times, and nothing is audited: the audit log is copied like any table. Copy reads one
// state of the source and uses constant memory. JSON keeps its text, except in jsonb columns of
// PostgreSQL, which keep its value. Tables and columns outside the schema are not copied.
//
// Each batch of rows is a transaction. Another Copy finishes an interrupted one, or transfers new
// and changed rows after a complete one. Only Copy from this source may write to the target: a row
// that the source lacks (or has deleted), or another row under the same id, is models.ErrConflict,
// and leaves the target unchanged. Two rows are the same row if their natural keys and their
// created_at are equal; audit entries never change.
//
// At the end both sides are compared. If they differ, the error is models.ErrConflict and the
// report says where.
//
// Other errors: models.ErrInvalid if both stores are one database, inside a transaction, and for
// rows that the target rejects; models.ErrCorrupt for rows of the source that cannot be read
// (Verify lists them); models.ErrClosed; the context's error.
func Copy(ctx context.Context, from, to *Store, opts CopyOptions) (*CopyReport, error) {
	for _, s := range []*Store{from, to} {
		if err := s.outsideTransaction("copy a store"); err != nil {
			return nil, err
		}
	}
	return copyReport(transfer.Copy(ctx, from.handles.Bulk, to.handles.Bulk, reporting(opts.Progress)))
}

func copyReport(list []transfer.Table, err error) (*CopyReport, error) {
	if list == nil {
		return nil, err
	}
	report := &CopyReport{Equal: true}
	for _, t := range list {
		equal := t.Source == t.Target
		report.Tables = append(report.Tables, CopiedTable{t.Name, Digest(t.Source), Digest(t.Target), t.Inserted, t.Updated, equal})
		report.Equal = report.Equal && equal
	}
	return report, err
}

// Format is a file format for rows, in UTF-8. Export writes columns in the order of the schema.
// Files to import may have them in any order, each exactly once, and lines that end in LF or CRLF.
//
// JSONL has one JSON object per line, with one member per column: null, a number, or a string.
// Times and JSON are strings that hold the stored text, so every byte is kept. NaN and infinities
// are "NaN", "Infinity" and "-Infinity".
//
// CSV follows RFC 4180: lines end in CRLF, the last one too, and the first line names the columns.
// Texts are as in JSONL. As in PostgreSQL's COPY, an empty field is NULL and "" is the empty text.
type Format string

// The formats.
const (
	JSONL Format = "jsonl"
	CSV   Format = "csv"
)

// Formats returns all formats.
func Formats() []Format { return []Format{JSONL, CSV} }

// Valid reports whether f is one of Formats.
func (f Format) Valid() bool { return slices.Contains(Formats(), f) }

// orDefault returns the format to use for f, which may be empty.
func (f Format) orDefault() (rowfile.Format, error) {
	if f = cmp.Or(f, JSONL); !f.Valid() {
		return "", unknown("format", string(f), refuse.Strings(Formats()))
	}
	return rowfile.Format(f), nil
}

func unknown(kind, name string, allowed []string) error {
	err := refuse.Invalid("", "", name, "is no "+kind)
	err.Allowed = allowed
	return err
}

// ExportedTable is a table that was written.
type ExportedTable struct {
	Name   string `json:"table"`
	File   string `json:"file,omitempty"` // its name in the folder; "" if ExportTable wrote it
	Digest        // of the rows
}

func exportedTable(f transfer.File) ExportedTable {
	return ExportedTable{f.Name, f.File, Digest(f.Digest)}
}

// ExportOptions control Export. The zero value exports every row as JSONL.
type ExportOptions struct {
	Format Format // JSONL if empty
	// Tables names the tables to write; empty means all, including those that prove the audit log.
	Tables []string
	// Since and Until select rows by their timestamp, sessions by their start: from Since, before
	// Until; zero means no bound. AgentID selects rows of an agent. Tables without such a column
	// are rejected.
	Since, Until time.Time
	AgentID      string
	// Progress, unless nil, is called after each batch of rows.
	Progress func(CopyProgress)
}

// Export writes each table to a file TABLE.jsonl or TABLE.csv in a new folder (0700). All files hold
// one state of the database. The folder appears once everything is on the disk, or not at all. Rows
// are written as they are stored, in ascending order of their ids, in constant memory. If every row
// of every table is exported, the folder also holds export.json, and Import can read it.
//
// Errors: models.ErrConflict if dir exists; models.ErrInvalid for an unknown table or format, for a
// table without a column to select by, and inside a transaction; models.ErrCorrupt for a row that
// cannot be read (Verify lists them) or whose text is not UTF-8; models.ErrClosed; errors of the
// file system; the context's error.
func (s *Store) Export(ctx context.Context, dir string, opts ExportOptions) ([]ExportedTable, error) {
	selection, err := s.selection(opts.Tables, opts)
	if err != nil {
		return nil, err
	}
	files, err := transfer.Export(ctx, s.handles.Bulk, dir, selection, reporting(opts.Progress))
	var list []ExportedTable
	for _, f := range files {
		list = append(list, exportedTable(f))
	}
	return list, err
}

// ExportTable writes one table to w, as Export does, and ignores opts.Tables. After an error w may
// hold a part of the table.
func (s *Store) ExportTable(ctx context.Context, w io.Writer, table string, opts ExportOptions) (ExportedTable, error) {
	selection, err := s.selection([]string{table}, opts)
	if err != nil {
		return ExportedTable{}, err
	}
	file, err := transfer.ExportTable(ctx, s.handles.Bulk, w, selection, reporting(opts.Progress))
	return exportedTable(file), err
}

// selection checks the options of an export of these tables; no names mean all tables.
func (s *Store) selection(names []string, o ExportOptions) (selection transfer.Selection, err error) {
	selection = transfer.Selection{Tables: schema.Tables(), Since: o.Since, Until: o.Until, Agent: o.AgentID}
	if selection.Format, err = o.Format.orDefault(); err != nil {
		return selection, err
	}
	for _, name := range names {
		if _, err := tableNamed(name); err != nil {
			return selection, err
		}
	}
	if len(names) > 0 {
		selection.Tables = slices.DeleteFunc(selection.Tables, func(t schema.Table) bool { return !slices.Contains(names, t.Name) })
	}
	if err := selection.Check(); err != nil {
		return selection, err
	}
	return selection, s.outsideTransaction("export tables")
}

func tableNamed(name string) (*schema.Table, error) {
	if t := schema.Named(name); t != nil {
		return t, nil
	}
	var names []string
	for _, t := range schema.Tables() {
		names = append(names, t.Name)
	}
	return nil, unknown("table", name, names)
}

// ImportOptions control Import and ImportTable.
type ImportOptions struct {
	Format Format // of the file that ImportTable reads; JSONL if empty. Import ignores it.
	// MaxBytes is the length of the longest row that is accepted; 0 means 64 MiB. Memory use is a
	// small multiple of the longest row.
	MaxBytes int
	// Progress, unless nil, is called after each batch of rows.
	Progress func(CopyProgress)
}

// ImportedTable is the result of ImportTable.
type ImportedTable struct {
	Name      string `json:"table"`
	Digest           // of the rows that were read, as Export reports it
	Inserted  int64  `json:"inserted"`
	Unchanged int64  `json:"unchanged"` // rows that the table already held
}

// Import copies the rows of a folder that Export wrote whole. It first reads all files and compares
// them with export.json, then copies from them as Copy does from a store: rows keep their ids and
// times, nothing is audited, a target that holds anything else is rejected unchanged, another Import
// finishes an interrupted one, and at the end both sides are compared. Between SQLite files every
// byte is kept, including those of times; jsonb columns of PostgreSQL keep the value of JSON.
//
// Errors: those of Copy; models.ErrInvalid also for a folder that is not a whole export, or that has
// changed since, with the line that cannot be read.
func (s *Store) Import(ctx context.Context, dir string, opts ImportOptions) (*CopyReport, error) {
	if _, err := s.checkImport(opts); err != nil {
		return nil, err
	}
	return copyReport(transfer.Import(ctx, dir, opts.MaxBytes, s.handles.Bulk, reporting(opts.Progress)))
}

// ImportTable inserts the rows of a file that ExportTable or Export wrote into one table, below the
// hooks, as Import does. Rows must be in ascending order of their ids. Rows that the table already
// holds stay unchanged; a row that it holds with other values is models.ErrConflict.
//
// ImportTable reads r several times. It compares all rows first; errors found then leave the store
// unchanged. It then inserts rows in batches, one transaction each. If the store rejects a row,
// because its parent is missing (models.ErrForeignKey) or by a rule of its table
// (models.ErrInvalid, models.ErrDuplicate), or if the context ends, earlier batches stay, and
// another import does the rest. Errors of a row name its line.
//
// Rows that others save meanwhile get ids after those of the file. These ids stay used up if the
// import fails. Entries of the audit log can only be inserted after the sealed ones; the tables that
// prove the log can only be imported with a whole export, by Import. An archive is
// models.ErrReadOnly.
func (s *Store) ImportTable(ctx context.Context, r io.ReadSeeker, table string, opts ImportOptions) (ImportedTable, error) {
	format, err := s.checkImport(opts)
	if err != nil {
		return ImportedTable{}, err
	}
	t, err := tableNamed(table)
	if err == nil && schema.Audited(table) == nil {
		err = refuse.Invalid(table, "", nil, "is no table to be imported alone: it proves the audit log, and comes with a whole export")
	}
	if err = cmp.Or(err, s.writable()); err != nil {
		return ImportedTable{}, err
	}
	done, err := transfer.ImportTable(ctx, r, t, format, opts.MaxBytes, s.handles.Bulk, reporting(opts.Progress))
	if err != nil {
		return ImportedTable{}, err
	}
	return ImportedTable{table, Digest(done.Source), done.Inserted, done.Source.Rows - done.Inserted}, nil
}

// checkImport checks the store and the options of an import, and returns the format.
func (s *Store) checkImport(o ImportOptions) (rowfile.Format, error) {
	if err := s.outsideTransaction("import tables"); err != nil {
		return "", err
	}
	if o.MaxBytes < 0 {
		return "", refuse.Invalid("", "max_bytes", o.MaxBytes, "must not be negative")
	}
	return o.Format.orDefault()
}
