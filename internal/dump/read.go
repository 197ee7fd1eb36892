package dump

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"

	"github.com/seanchatmangpt/ggen/tier2/internal/rowfile"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/internal/transfer"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// file is a file of rows, which can be read again.
type file struct {
	name    string // as messages have it; "" for none
	table   *schema.Table
	format  rowfile.Format
	largest int // bytes of a row
	open    func() (io.ReadCloser, error)
}

// lines are its lines. Errors name the file.
func (f *file) lines() iter.Seq2[rowfile.Line, error] {
	return func(yield func(rowfile.Line, error) bool) {
		r, err := f.open()
		if err != nil {
			yield(rowfile.Line{}, err)
			return
		}
		defer r.Close()
		for line, err := range rowfile.Read(r, f.format, f.table, f.largest) {
			if err != nil && f.name != "" {
				err = fmt.Errorf("%s: %w", f.name, err)
			}
			if !yield(line, err) || err != nil {
				return
			}
		}
	}
}

// check reads all of it, and gives the last key as well. told is called as that of Write is.
func (f *file) check(ctx context.Context, told func(rows int)) (_ transfer.Digest, last []any, _ error) {
	digest, read := transfer.NewDigester(), 0
	for row, err := range rows(ctx, f.lines()) {
		if err != nil {
			return transfer.Digest{}, nil, err
		}
		digest.Add(f.table, row)
		last = f.table.KeyOf(row)
		if read++; read == tellEvery {
			told(read)
			read = 0
		}
	}
	if read > 0 {
		told(read)
	}
	return digest.Sum(), last, nil
}

// Dump is what WriteAll wrote, or a single file. It implements transfer.Source.
type Dump struct {
	files  []file
	digest map[string]transfer.Digest // by table: as written, or as Check has found
	last   []any                      // the key of the last row that Check has read
}

// One is a dump of one table, which r holds from its beginning.
func One(r io.ReadSeeker, t *schema.Table, f rowfile.Format, largest int) *Dump {
	open := func() (io.ReadCloser, error) {
		_, err := r.Seek(0, io.SeekStart)
		return io.NopCloser(r), err
	}
	return &Dump{files: []file{{"", t, f, largest, open}}, digest: map[string]transfer.Digest{}}
}

// Open finds what WriteAll wrote whole of these tables. What is no such folder is
// models.ErrInvalid.
func Open(path string, tables []schema.Table, largest int) (*Dump, error) {
	refuse := func(reason string, args ...any) error {
		return &models.Error{Value: path, Reason: fmt.Sprintf(reason, args...), Kind: models.ErrInvalid}
	}
	text, err := readIndex(filepath.Join(path, indexFile))
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(path); err != nil {
			return nil, err
		}
		return nil, refuse("is no whole export: there is no %s in it; import its files one by one", indexFile)
	}
	if err != nil {
		return nil, err
	}
	var in index
	if err := json.Unmarshal(text, &in); err != nil {
		return nil, refuse("%s: is not valid JSON: %v", indexFile, err)
	}
	if in.Version != version || !in.Format.Valid() {
		return nil, refuse("%s: has version %d and format %q; this program reads version %d of %v", indexFile, in.Version, in.Format, version, rowfile.Formats())
	}
	d := &Dump{digest: map[string]transfer.Digest{}}
	for i := range tables {
		t := &tables[i]
		at := slices.IndexFunc(in.Tables, func(w Table) bool { return w.Name == t.Name })
		if at < 0 || len(in.Tables) != len(tables) {
			return nil, refuse("%s: must name the %d tables, each once; table %s", indexFile, len(tables), t.Name)
		}
		written := in.Tables[at]
		if written.File != filepath.Base(written.File) || !filepath.IsLocal(written.File) {
			return nil, refuse("%s: %q is no file of the folder", indexFile, written.File)
		}
		name := filepath.Join(path, written.File)
		d.files = append(d.files, file{name, t, in.Format, largest, func() (io.ReadCloser, error) { return openRegular(name) }})
		d.digest[t.Name] = written.Digest
	}
	return d, nil
}

// mostIndex is how many bytes of indexFile are read: many times what it has.
const mostIndex = 1 << 20

func readIndex(path string) ([]byte, error) {
	f, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, mostIndex))
}

// openRegular opens a regular file; on what is none opening might wait for ever.
func openRegular(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = &models.Error{Value: path, Reason: "is no regular file", Kind: models.ErrInvalid}
	}
	if err != nil {
		return nil, err
	}
	return os.Open(path)
}

// Check reads every file, and holds those of a folder against what was written; a
// difference is models.ErrInvalid.
func (d *Dump) Check(ctx context.Context, told func(table string, rows int)) error {
	for i := range d.files {
		f := &d.files[i]
		found, last, err := f.check(ctx, func(rows int) { told(f.table.Name, rows) })
		if err != nil {
			return err
		}
		written, ok := d.digest[f.table.Name]
		if ok && written != found {
			return &models.Error{Value: f.name, Kind: models.ErrInvalid, Reason: fmt.Sprintf(
				"holds %d rows with digest %.16s, and was written with %d rows and digest %.16s: it was changed or cut off since",
				found.Rows, found.SHA256, written.Rows, written.SHA256)}
		}
		d.digest[f.table.Name], d.last = found, last
	}
	return nil
}

// Rows is how many rows there are; of one file after Check.
func (d *Dump) Rows() (n int64) {
	for _, digest := range d.digest {
		n += digest.Rows
	}
	return n
}

// Last is the key of the last row of one file after Check, nil if it has none.
func (d *Dump) Last() []any { return d.last }

// Count implements transfer.Source.
func (d *Dump) Count(ctx context.Context, t *schema.Table) (int64, error) {
	return d.digest[t.Name].Rows, ctx.Err()
}

// All implements transfer.Source.
func (d *Dump) All(ctx context.Context, t *schema.Table) iter.Seq2[schema.Row, error] {
	return rows(ctx, d.find(t).lines())
}

// Close implements transfer.Source.
func (d *Dump) Close() error { return nil }

func (d *Dump) find(t *schema.Table) *file {
	i := slices.IndexFunc(d.files, func(f file) bool { return f.table.Name == t.Name })
	return &d.files[i]
}

// Told is an error of transferring as callers get it: with the line of its row, if it is
// there.
func (d *Dump) Told(err error) error {
	var of *transfer.RowError
	if !errors.As(err, &of) {
		return err
	}
	f := d.find(of.Table)
	for line, broken := range f.lines() {
		if broken != nil || line.Row == nil {
			return err
		}
		if of.Table.Compare(line.Row, of.Row) == 0 {
			err = fmt.Errorf("line %d: %w", line.Number, err)
			if f.name != "" {
				err = fmt.Errorf("%s: %w", f.name, err)
			}
			return err
		}
	}
	return err
}
