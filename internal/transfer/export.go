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
	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/internal/rowfile"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
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
	if !s.Since.IsZero() && !s.Until.IsZero() && !s.Since.Before(s.Until) {
		return refuse.Invalid(s.Tables[0].Name, "", nil, "the time from which rows are chosen must lie before that up to which they are")
	}
	for _, t := range s.Tables {
		switch {
		case t.TimeColumn == "" && (!s.Since.IsZero() || !s.Until.IsZero()):
			return refuse.Invalid(t.Name, "", nil, "has no time to choose rows by")
		case len(t.Agents) == 0 && s.Agent != "":
			return refuse.Invalid(t.Name, "", nil, "has no agent to choose rows by")
		}
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
	err = newfile.MakeFolder(dir, func(dir string) error {
		list, err = s.export(ctx, from, report, func(name string, write func(io.Writer) error) error {
			return newfile.Make(filepath.Join(dir, name), func(out *os.File) error { return write(out) })
		})
		if err != nil || s.filtered() || len(s.Tables) < len(schema.Tables()) {
			return err
		}
		return newfile.Make(filepath.Join(dir, indexFile), func(out *os.File) error {
			encoder := json.NewEncoder(out)
			encoder.SetIndent("", "  ")
			return encoder.Encode(index{indexVersion, s.Format, list})
		})
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

// ExportTable writes the first table of the selection to w.
func ExportTable(ctx context.Context, from backend.Bulk, w io.Writer, s Selection, report func(Progress)) (File, error) {
	s.Tables = s.Tables[:1]
	list, err := s.export(ctx, from, report, func(_ string, write func(io.Writer) error) error { return write(w) })
	if err != nil {
		return File{}, err
	}
	return File{Name: list[0].Name, Digest: list[0].Digest}, nil
}

// export writes the tables, all of one state of the database. It calls create with the name
// of each file and a function that writes its content.
func (s *Selection) export(
	ctx context.Context, from backend.Bulk, report func(Progress), create func(name string, write func(io.Writer) error) error,
) (list []File, err error) {
	p := &progress{report: report}
	err = view(ctx, from, func(state backend.Snapshot) error {
		if err := p.start(ctx, "exporting", state, s.Tables); err != nil {
			return err
		}
		for _, t := range s.Tables {
			file := File{Name: t.Name, File: t.Name + "." + string(s.Format)}
			err := create(file.File, func(w io.Writer) (err error) {
				file.Digest, err = s.write(ctx, state, w, &t, p)
				return err
			})
			if err != nil {
				return err
			}
			list = append(list, file)
		}
		return nil
	})
	return list, interrupted(ctx, err, "export: %w")
}

// write writes the selected rows of a table.
func (s *Selection) write(ctx context.Context, from source, w io.Writer, t *schema.Table, p *progress) (Digest, error) {
	out, digest := rowfile.NewWriter(w, s.Format, t), newDigester(t)
	for b, err := range scan(ctx, from, t, p) {
		if err != nil {
			return Digest{}, err
		}
		for _, row := range b.rows {
			if !s.includes(t, row) {
				continue
			}
			if err := out.Write(row); err != nil {
				return Digest{}, err
			}
			digest.add(row)
		}
	}
	return digest.sum(), out.Flush()
}
