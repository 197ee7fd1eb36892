// Package dump keeps the tables of a database as files of rows, one a table, and beside
// them export.json, which says what each holds: so it shows whether a file was changed or
// cut off.
package dump

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	"github.com/seanchatmangpt/ggen/tier2/internal/newfile"
	"github.com/seanchatmangpt/ggen/tier2/internal/rowfile"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/internal/transfer"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Table is a table that was written.
type Table struct {
	Name string `json:"table"`
	File string `json:"file,omitempty"` // within the folder; "" outside of one
	transfer.Digest
}

// indexFile is the file that says what the others hold; version is that of its form.
const (
	indexFile = "export.json"
	version   = 1
)

// index is what indexFile holds.
type index struct {
	Version int            `json:"version"`
	Format  rowfile.Format `json:"format"`
	Tables  []Table        `json:"tables"`
}

// Filter chooses rows. The zero value chooses all.
type Filter struct {
	Since, Until time.Time // of the time of the row: from, and before
	Agent        string    // its agent, or one of its two
}

// times and agents are the columns that a Filter looks at. Other tables have none that
// says when a row came about, or whose it is.
var (
	times = map[string]string{
		"receipts": "timestamp", "audit_log": "timestamp", "workflow_sessions": "start_time",
		"collision_detection": "timestamp", "pipeline_metrics": "timestamp", "slo_violations": "timestamp",
	}
	agents = map[string][]string{
		"receipts": {"agent_id"}, "agent_memory": {"agent_id"}, "audit_log": {"agent_id"}, "collision_detection": {"agent_id_1", "agent_id_2"},
	}
)

// Check refuses, with models.ErrInvalid, a filter that a table has no column for.
func (f Filter) Check(t *schema.Table) error {
	refuse := func(reason string, args ...any) error {
		return &models.Error{Table: t.Name, Kind: models.ErrInvalid, Reason: fmt.Sprintf(reason, args...)}
	}
	switch {
	case !f.Since.IsZero() && !f.Until.IsZero() && !f.Since.Before(f.Until):
		return refuse("the time from which rows are chosen must lie before that up to which they are")
	case times[t.Name] == "" && !(f.Since.IsZero() && f.Until.IsZero()):
		return refuse("has no time to choose rows by")
	case agents[t.Name] == nil && f.Agent != "":
		return refuse("has no agent to choose rows by")
	}
	return nil
}

// chooses reports whether a row is among those of the filter.
func (f Filter) chooses(t *schema.Table, row schema.Row) bool {
	if f == (Filter{}) {
		return true
	}
	if column := times[t.Name]; column != "" {
		at, _ := row[t.Index(column)].(schema.Instant)
		if !f.Since.IsZero() && at.Before(f.Since) || !f.Until.IsZero() && !at.Before(f.Until) {
			return false
		}
	}
	return f.Agent == "" || slices.ContainsFunc(agents[t.Name], func(column string) bool { return row[t.Index(column)] == f.Agent })
}

// Write writes the chosen rows of a table. told, unless nil, is called now and then with
// how many rows were read since.
func Write(ctx context.Context, w io.Writer, from backend.Snapshot, t *schema.Table, f rowfile.Format, filter Filter, told func(rows int)) (Table, error) {
	out, digest, read := rowfile.NewWriter(w, f, t), transfer.NewDigester(), 0
	tell := func() {
		if told != nil && read > 0 {
			told(read)
		}
		read = 0
	}
	for row, err := range from.Rows(ctx, t, nil, nil) {
		if err != nil {
			return Table{}, err
		}
		if filter.chooses(t, row) {
			if err := out.Write(row); err != nil {
				return Table{}, err
			}
			digest.Add(t, row)
		}
		if read++; read == tellEvery {
			tell()
		}
	}
	tell()
	return Table{Name: t.Name, Digest: digest.Sum()}, out.Flush()
}

// tellEvery is how many rows go by between two calls of a progress function.
const tellEvery = 1000

// WriteAll makes a new folder at path of the tables, which has its name when all of it is
// on the disk. If they are all there are, whole, Open reads it. Something at path is
// models.ErrConflict.
func WriteAll(ctx context.Context, path string, from backend.Snapshot, tables []schema.Table, f rowfile.Format, filter Filter, whole bool, told func(table string, rows int)) (list []Table, err error) {
	err = newfile.MakeFolder(path, func(dir string) error {
		for i := range tables {
			t := &tables[i]
			name := t.Name + "." + string(f)
			err := newfile.Make(filepath.Join(dir, name), func(file *os.File) error {
				written, err := Write(ctx, file, from, t, f, filter, func(rows int) { told(t.Name, rows) })
				written.File = name
				list = append(list, written)
				return err
			})
			if err != nil {
				return err
			}
		}
		if !whole {
			return nil
		}
		return newfile.Make(filepath.Join(dir, indexFile), func(file *os.File) error {
			out := json.NewEncoder(file)
			out.SetIndent("", "  ")
			return out.Encode(index{version, f, list})
		})
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

// rows are the rows of lines, until the context ends.
func rows(ctx context.Context, lines iter.Seq2[rowfile.Line, error]) iter.Seq2[schema.Row, error] {
	return func(yield func(schema.Row, error) bool) {
		for line, err := range lines {
			if ended := ctx.Err(); ended != nil {
				err = ended
			}
			if !yield(line.Row, err) || err != nil {
				return
			}
		}
	}
}
