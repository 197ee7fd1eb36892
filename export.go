package tier2

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/seanchatmangpt/ggen/tier2/internal/dump"
	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	"github.com/seanchatmangpt/ggen/tier2/internal/rowfile"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/internal/transfer"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Format is how Export writes rows, in UTF-8, columns in the order of the schema.
//
// JSONL has an object a line, with a member for each column: null, a number, or a string.
// Times and JSON are strings with the text that is stored, so that every byte stays; NaN
// and infinities are "NaN", "Infinity" and "-Infinity".
//
// CSV is RFC 4180, lines end in CRLF, the first has the names of the columns. Texts are the
// same; as with PostgreSQL's COPY, a field that is empty is NULL, and "" the empty text.
//
// Both are read with columns in any order, each once and none missing, and with LF or CRLF
// at the end of a line; of CSV the last line has one too.
type Format = rowfile.Format

// The formats.
const (
	JSONL = rowfile.JSONL // a JSON object a line
	CSV   = rowfile.CSV   // RFC 4180, with a header
)

// Formats are all of them.
func Formats() []Format { return rowfile.Formats() }

// ExportedTable is a table that was written: its name, its file within the folder, and the
// digest of its rows.
type ExportedTable = dump.Table

// ExportOptions say what is exported, and how. The zero value: every row, as JSONL.
type ExportOptions struct {
	Format Format // JSONL if empty
	// Tables are those that Export writes; empty means all, those that prove the audit
	// log among them.
	Tables []string
	// Since and Until choose rows by their timestamp, sessions by their start: from, and
	// before; zero is no bound. AgentID chooses rows of an agent. A table that has no such
	// column is refused.
	Since, Until time.Time
	AgentID      string
	// Progress, unless nil, is called after each thousand rows.
	Progress func(CopyProgress)
}

// Export writes tables to files TABLE.jsonl or TABLE.csv of a new folder (0700), all of
// one state of the database, whatever is written meanwhile. The folder appears when all
// of it is on the disk, or never. Rows are as they are stored, in ascending order of their
// ids; memory stays constant. If all tables are there, with every row, the folder holds
// export.json as well, and Import brings it back.
//
// Errors: models.ErrConflict for a dir at which there is something; models.ErrInvalid for
// an unknown table or format, a choice that a table has no column for, and the Store of
// a transaction; models.ErrCorrupt for a row that cannot be read (Verify lists them) or
// that holds text which is not UTF-8; models.ErrClosed; those of the file system; and the
// context's own.
func (s *Store) Export(ctx context.Context, dir string, opts ExportOptions) ([]ExportedTable, error) {
	tables, filter, err := opts.check(opts.Tables)
	if err != nil {
		return nil, err
	}
	whole := filter == (dump.Filter{}) && len(tables) == len(schema.Tables())
	var list []ExportedTable
	err = s.reading(ctx, func(from backend.Snapshot) error {
		told, err := opts.progress(ctx, from, tables)
		if err == nil {
			list, err = dump.WriteAll(ctx, dir, from, tables, opts.Format, filter, whole, told)
		}
		return err
	})
	return list, err
}

// ExportTable writes a table to w, as Export does; of opts, Tables is not looked at. After
// an error w may hold a part.
func (s *Store) ExportTable(ctx context.Context, w io.Writer, table string, opts ExportOptions) (written ExportedTable, err error) {
	tables, filter, err := opts.check([]string{table})
	if err != nil {
		return written, err
	}
	err = s.reading(ctx, func(from backend.Snapshot) error {
		told, err := opts.progress(ctx, from, tables)
		if err == nil {
			written, err = dump.Write(ctx, w, from, &tables[0], opts.Format, filter, func(rows int) { told(table, rows) })
		}
		return err
	})
	if err != nil {
		return ExportedTable{}, err
	}
	return written, nil
}

// check refuses what makes no sense, and gives the tables in their order.
func (o *ExportOptions) check(names []string) ([]schema.Table, dump.Filter, error) {
	filter := dump.Filter{Since: o.Since, Until: o.Until, Agent: o.AgentID}
	if err := checkFormat(&o.Format); err != nil {
		return nil, filter, err
	}
	tables := schema.Tables()
	for _, name := range names {
		if _, err := tableOf(name); err != nil {
			return nil, filter, err
		}
	}
	if len(names) > 0 {
		tables = slices.DeleteFunc(tables, func(t schema.Table) bool { return !slices.Contains(names, t.Name) })
	}
	for i := range tables {
		if err := filter.Check(&tables[i]); err != nil {
			return nil, filter, err
		}
	}
	return tables, filter, nil
}

// checkFormat fills the default in.
func checkFormat(f *Format) error {
	if *f == "" {
		*f = JSONL
	}
	if !f.Valid() {
		return &models.Error{Value: *f, Reason: "is no format", Allowed: []string{string(JSONL), string(CSV)}, Kind: models.ErrInvalid}
	}
	return nil
}

// tableOf is the table of that name.
func tableOf(name string) (schema.Table, error) {
	tables := schema.Tables()
	table, ok := schema.Find(tables, name)
	if ok {
		return table, nil
	}
	var names []string
	for _, t := range tables {
		names = append(names, t.Name)
	}
	return table, &models.Error{Value: name, Reason: "is no table", Allowed: names, Kind: models.ErrInvalid}
}

// progress counts the rows that will be read, if anybody wants to know.
func (o *ExportOptions) progress(ctx context.Context, from backend.Snapshot, tables []schema.Table) (func(table string, rows int), error) {
	if o.Progress == nil {
		return func(string, int) {}, nil
	}
	total := int64(0)
	for i := range tables {
		n, err := from.Count(ctx, &tables[i])
		if err != nil {
			return nil, err
		}
		total += n
	}
	return telling(o.Progress, "exporting", total), nil
}

// telling adds up rows for a progress function.
func telling(progress func(CopyProgress), step string, total int64) func(table string, rows int) {
	state := transfer.Progress{Step: step, Total: total}
	return func(table string, rows int) {
		state.Table, state.Rows = table, state.Rows+int64(rows)
		if progress != nil {
			progress(state)
		}
	}
}

// reading gives f one state of the database.
func (s *Store) reading(ctx context.Context, f func(from backend.Snapshot) error) error {
	if err := s.outsideTransaction("export tables"); err != nil {
		return err
	}
	from, err := s.handles.Bulk.Snapshot(ctx)
	if err != nil {
		return err
	}
	defer from.Close()
	if err := f(from); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("export: %w", ctx.Err())
		}
		return err
	}
	return nil
}
