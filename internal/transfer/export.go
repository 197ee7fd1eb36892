package transfer

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	"github.com/seanchatmangpt/ggen/tier2/internal/newfile"
	"github.com/seanchatmangpt/ggen/tier2/internal/rowfile"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// File is a table that was written.
type File struct {
	Name string `json:"table"`
	File string `json:"file,omitempty"` // its name in the folder; "" if there is no folder
	Digest
}

// indexFile lists the files of a folder that holds every row of every table, so that a
// changed or truncated file is detected. indexVersion is the version of its form.
const (
	indexFile    = "export.json"
	indexVersion = 1
)

// index is the content of indexFile.
type index struct {
	Version int            `json:"version"`
	Format  rowfile.Format `json:"format"`
	Tables  []File         `json:"tables"`
}

// Selection says which rows are exported, and in which format.
type Selection struct {
	Tables       []schema.Table
	Format       rowfile.Format
	Since, Until time.Time // bounds of the time column: from Since, before Until; zero means no bound
	Agent        string    // the value of an agent column; "" means any
}

// filtered reports whether rows of a table may be left out.
func (s *Selection) filtered() bool {
	return !s.Since.IsZero() || !s.Until.IsZero() || s.Agent != ""
}

// Check returns models.ErrInvalid if a table lacks a column that the selection filters by.
func (s *Selection) Check() error {
	for _, t := range s.Tables {
		reason := ""
		switch {
		case !s.Since.IsZero() && !s.Until.IsZero() && !s.Since.Before(s.Until):
			reason = "the time from which rows are chosen must lie before that up to which they are"
		case t.TimeColumn == "" && !(s.Since.IsZero() && s.Until.IsZero()):
			reason = "has no time to choose rows by"
		case len(t.Agents) == 0 && s.Agent != "":
			reason = "has no agent to choose rows by"
		default:
			continue
		}
		return &models.Error{Table: t.Name, Kind: models.ErrInvalid, Reason: reason}
	}
	return nil
}

// includes reports whether a row is selected.
func (s *Selection) includes(t *schema.Table, row schema.Row) bool {
	if !s.filtered() {
		return true
	}
	if t.TimeColumn != "" {
		at, _ := row[t.Index(t.TimeColumn)].(schema.Instant)
		if !s.Since.IsZero() && at.Before(s.Since) || !s.Until.IsZero() && !at.Before(s.Until) {
			return false
		}
	}
	return s.Agent == "" || slices.ContainsFunc(t.Agents, func(column string) bool { return row[t.Index(column)] == s.Agent })
}

// Export writes a file per table to a new folder at dir, all of one state of the database.
// The folder gets its name once everything is on the disk. If it holds every row of every
// table, it also holds the index that Import needs. models.ErrConflict if dir exists.
func Export(ctx context.Context, from backend.Bulk, dir string, s Selection, report func(Progress)) (list []File, err error) {
	err = s.export(ctx, from, report, func(write tableWriter) error {
		return newfile.MakeFolder(dir, func(dir string) error {
			for _, t := range s.Tables {
				name := t.Name + "." + string(s.Format)
				err := newfile.Make(filepath.Join(dir, name), func(out *os.File) error {
					written, err := write(out, &t)
					written.File = name
					list = append(list, written)
					return err
				})
				if err != nil {
					return err
				}
			}
			if s.filtered() || len(s.Tables) < len(schema.Tables()) {
				return nil
			}
			return newfile.Make(filepath.Join(dir, indexFile), func(out *os.File) error {
				encoder := json.NewEncoder(out)
				encoder.SetIndent("", "  ")
				return encoder.Encode(index{indexVersion, s.Format, list})
			})
		})
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

// ExportTable writes the first table of the selection to w.
func ExportTable(ctx context.Context, from backend.Bulk, w io.Writer, s Selection, report func(Progress)) (written File, err error) {
	err = s.export(ctx, from, report, func(write tableWriter) error {
		written, err = write(w, &s.Tables[0])
		return err
	})
	if err != nil {
		return File{}, err
	}
	return written, nil
}

// tableWriter writes the selected rows of a table.
type tableWriter func(w io.Writer, t *schema.Table) (File, error)

// export calls f with a writer of tables, all of one state of the database.
func (s *Selection) export(ctx context.Context, from backend.Bulk, report func(Progress), f func(tableWriter) error) error {
	p := &progress{report: report}
	p.begin("exporting")
	err := view(ctx, from, func(state backend.Snapshot) error {
		if err := p.measure(ctx, state, s.Tables); err != nil {
			return err
		}
		return f(func(w io.Writer, t *schema.Table) (File, error) { return s.write(ctx, state, w, t, p) })
	})
	return interrupted(ctx, err, "export: %w")
}

func (s *Selection) write(ctx context.Context, from source, w io.Writer, t *schema.Table, p *progress) (File, error) {
	out, digest := rowfile.NewWriter(w, s.Format, t), newDigester(t)
	for b, err := range scan(ctx, from, t, p) {
		if err != nil {
			return File{}, err
		}
		for _, row := range b.rows {
			if !s.includes(t, row) {
				continue
			}
			if err := out.Write(row); err != nil {
				return File{}, err
			}
			digest.add(row)
		}
	}
	return File{Name: t.Name, Digest: digest.sum()}, out.Flush()
}
