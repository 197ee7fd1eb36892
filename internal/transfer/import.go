package transfer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/internal/rowfile"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
)

const importInterrupted = "import: %w; what was done stays, and doing it again does the rest"

// Import copies the rows of a folder that Export wrote whole to a database, as Copy does from another
// database, after it has compared the files with the index. maxBytes limits the length of a row.
// Errors of a row name its file and line. models.ErrInvalid for a folder without an index that fits.
func Import(ctx context.Context, dir string, maxBytes int, to backend.Bulk, report func(Progress)) (result []Table, err error) {
	defer func() { err = interrupted(ctx, err, importInterrupted) }()
	from, err := openFolder(dir, maxBytes)
	if err != nil {
		return nil, err
	}
	c := &copier{from: from, to: to, tables: schema.Tables(), progress: progress{report: report}}
	if _, err := from.check(ctx, c); err != nil {
		return nil, err
	}
	result, err = c.run(ctx)
	return result, from.locate(err)
}

// ImportTable inserts the rows of a file that a table lacks; the table may hold others. It compares
// all rows before it inserts the first one. models.ErrConflict for a row that the table holds with
// other values, and for an audit entry before the sealed end of the log. Table.Target is not set.
func ImportTable(
	ctx context.Context, r io.ReadSeeker, t *schema.Table, f rowfile.Format, maxBytes int, to backend.Bulk, report func(Progress),
) (result Table, err error) {
	defer func() { err = interrupted(ctx, err, importInterrupted) }()
	open := func() (io.ReadCloser, error) {
		_, err := r.Seek(0, io.SeekStart)
		return io.NopCloser(r), err
	}
	from := files{{table: t, format: f, maxBytes: maxBytes, open: open}}
	c := &copier{from: from, to: to, tables: []schema.Table{*t}, progress: progress{report: report}, merge: true}
	last, err := from.check(ctx, c)
	if err == nil {
		err = c.check(ctx)
	}
	if err == nil && last > 0 && last <= maxReserved { // rows saved between two batches get ids after last
		err = update(ctx, to, func(tx backend.Writer) error { return tx.Reserve(ctx, t, last) })
	}
	var done []Table
	if err == nil {
		done, err = c.copy(ctx)
	}
	if err != nil {
		return Table{}, from.locate(err)
	}
	return done[0], nil
}

// maxReserved is the largest id that is reserved. Reserved ids stay used up if the import
// fails, which must not use up all ids there are.
const maxReserved = 1 << 62

var (
	auditLog  = schema.Named("audit_log")
	auditTree = schema.Named("tier2_audit_tree")
)

// afterSeal rejects entries that the audit log lacks and that come before its sealed end:
// verification would report them as inserted.
func afterSeal(ctx context.Context, t *schema.Table, missing []schema.Row, target backend.Snapshot) error {
	if t.Name != auditLog.Name || len(missing) == 0 {
		return nil
	}
	leaves := backend.Range{UpTo: []any{int64(0), int64(math.MaxInt64)}, Descending: true, Limit: 1}
	last, err := target.Page(ctx, auditTree, leaves)
	if err != nil || len(last) == 0 {
		return err
	}
	if end, ok := last[0][auditTree.Index("entry_id")].(int64); ok && missing[0].ID() <= end {
		return conflict(t, missing[0], fmt.Sprintf("the audit log is sealed up to entry %d and takes none before that", end))
	}
	return nil
}

// file is a file with rows of a table, which can be read more than once.
type file struct {
	name     string // as messages name it; "" if it has none
	table    *schema.Table
	format   rowfile.Format
	maxBytes int
	open     func() (io.ReadCloser, error)
	indexed  bool   // whether the index states the digest
	digest   Digest // as the index states it, or as check has read it
}

// files is the source of files, with a file per table.
type files []file

// openFolder returns the files of a folder, as its index lists them.
func openFolder(dir string, maxBytes int) (files, error) {
	invalid := func(reason string, args ...any) error {
		return refuse.Invalid("", "", dir, fmt.Sprintf(reason, args...))
	}
	f, err := openRegular(filepath.Join(dir, indexFile))
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(dir); err != nil {
			return nil, err
		}
		return nil, invalid("is no whole export: there is no %s in it; import its files one by one", indexFile)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // it is only read
	text, err := io.ReadAll(io.LimitReader(f, maxIndex))
	if err != nil {
		return nil, err
	}
	var in index
	if err := json.Unmarshal(text, &in); err != nil {
		return nil, invalid("%s: is not valid JSON: %v", indexFile, err)
	}
	if in.Version != indexVersion || !in.Format.Valid() {
		return nil, invalid("%s: has version %d and format %q; this program reads version %d of %v",
			indexFile, in.Version, in.Format, indexVersion, rowfile.Formats())
	}
	var list files
	tables := schema.Tables()
	for _, t := range tables {
		i := slices.IndexFunc(in.Tables, func(f File) bool { return f.Name == t.Name })
		if i < 0 || len(in.Tables) != len(tables) {
			return nil, invalid("%s: must name the %d tables, each once; table %s", indexFile, len(tables), t.Name)
		}
		written := in.Tables[i]
		if written.File != filepath.Base(written.File) || !filepath.IsLocal(written.File) {
			return nil, invalid("%s: %q is no file of the folder", indexFile, written.File)
		}
		name := filepath.Join(dir, written.File)
		open := func() (io.ReadCloser, error) { return openRegular(name) }
		list = append(list, file{name, &t, in.Format, maxBytes, open, true, written.Digest})
	}
	return list, nil
}

// maxIndex is the number of bytes of indexFile that are read, many times what it holds.
const maxIndex = 1 << 20

// openRegular opens a regular file. Opening another kind, such as a pipe, might block.
func openRegular(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = refuse.Invalid("", "", path, "is no regular file")
	}
	if err != nil {
		return nil, err
	}
	return os.Open(path)
}

// check reads every file and returns the id of the last row. A file whose rows do not
// have the digest that the index states is models.ErrInvalid.
func (list files) check(ctx context.Context, c *copier) (last int64, err error) {
	if err := c.progress.start(ctx, "reading", list, c.tables); err != nil {
		return 0, err
	}
	for i := range list {
		f := &list[i]
		var found Digest
		if found, last, err = digestOf(ctx, list, f.table, &c.progress); err != nil {
			return 0, err
		}
		if written := f.digest; f.indexed && written != found {
			return 0, refuse.Invalid("", "", f.name, fmt.Sprintf(
				"holds %d rows with digest %.16s, and was written with %d rows and digest %.16s: it was changed or cut off since",
				found.Rows, found.SHA256, written.Rows, written.SHA256))
		}
		f.digest = found
	}
	return last, nil
}

func (list files) of(t *schema.Table) *file {
	return &list[slices.IndexFunc(list, func(f file) bool { return f.table.Name == t.Name })]
}

// Count returns 0 for a file without an index that has not been checked.
func (list files) Count(ctx context.Context, t *schema.Table) (int64, error) {
	return list.of(t).digest.Rows, ctx.Err()
}

// Rows returns all rows of a table; it takes no bounds.
func (list files) Rows(_ context.Context, t *schema.Table, _, _ []any) iter.Seq2[schema.Row, error] {
	return func(yield func(schema.Row, error) bool) {
		for line, err := range list.of(t).lines() {
			if !yield(line.Row, err) || err != nil {
				return
			}
		}
	}
}

// Close does nothing: each reading closes its file.
func (list files) Close() error { return nil }

// lines returns the lines of the file. Errors name the file.
func (f *file) lines() iter.Seq2[rowfile.Line, error] {
	return func(yield func(rowfile.Line, error) bool) {
		r, err := f.open()
		if err != nil {
			yield(rowfile.Line{}, err)
			return
		}
		defer r.Close() //nolint:errcheck // it is only read
		for line, err := range rowfile.Read(r, f.format, f.table, f.maxBytes) {
			if !yield(line, f.prefix(err)) || err != nil {
				return
			}
		}
	}
}

// prefix adds the name of the file to an error.
func (f *file) prefix(err error) error {
	if err == nil || f.name == "" {
		return err
	}
	return fmt.Errorf("%s: %w", f.name, err)
}

// locate adds the file and the line to an error about a row.
func (list files) locate(err error) error {
	var of *rowError
	if !errors.As(err, &of) {
		return err
	}
	f := list.of(of.table)
	for line, broken := range f.lines() {
		if broken != nil || line.Row == nil {
			return err
		}
		if of.table.Compare(line.Row, of.row) == 0 {
			return f.prefix(fmt.Errorf("line %d: %w", line.Number, err))
		}
	}
	return err
}
