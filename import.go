package tier2

import (
	"context"
	"io"
	"strings"

	"github.com/seanchatmangpt/ggen/tier2/internal/dump"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/internal/transfer"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// ImportOptions say how tables are imported. The zero value: JSONL.
type ImportOptions struct {
	Format Format // of ImportTable; JSONL if empty. Import knows it.
	// MaxBytes is the length above which a row is refused; 64 MiB if 0. Memory is some
	// times the longest row.
	MaxBytes int
	// Progress, unless nil, is called after each thousand rows or batch.
	Progress func(CopyProgress)
}

// ImportedTable is what ImportTable did.
type ImportedTable struct {
	Name      string `json:"table"`
	Digest           // of the rows that were read, as Export reports it
	Inserted  int64  `json:"inserted"`
	Unchanged int64  `json:"unchanged"` // were there already
}

// Import brings back what Export wrote whole to a folder: every row as it was, with its id
// and its times, and without auditing it (the audit log and what proves it are among the
// tables). All files are read first, and held against export.json; then rows go as Copy's
// do, batch by batch, from the files instead of a store: a target that holds anything else
// is refused and left as it was, another Import does the rest of one that ended early, and
// at the end both sides are compared. Between SQLite files bytes stay, also those of times;
// where a PostgreSQL column is jsonb, JSON keeps its value.
//
// Errors: as of Copy; models.ErrInvalid also for a folder that is no whole export, or that
// was changed since, with the line of what cannot be read.
func (s *Store) Import(ctx context.Context, dir string, opts ImportOptions) (report *CopyReport, err error) {
	defer func() { err = transfer.Interrupted(ctx, "import", err) }()
	if err := s.importing(&opts); err != nil {
		return nil, err
	}
	d, err := dump.Open(dir, schema.Tables(), opts.MaxBytes)
	if err != nil {
		return nil, err
	}
	if err := d.Check(ctx, telling(opts.Progress, "reading", d.Rows())); err != nil {
		return nil, err
	}
	report, err = transfer.Run(ctx, schema.Tables(), d, s.handles.Bulk, opts.Progress)
	return report, d.Told(err)
}

// ImportTable brings rows of one table back, which ExportTable wrote, or Export as a file
// of its folder: below the hooks, as Import does. r is read several times. Rows must be in
// ascending order of their ids. Those that are there already, as they are, stay; those
// that the store holds in another form are models.ErrConflict, whatever the difference.
//
// All is read and compared first, and what is found wrong then leaves the store as it
// was. Then rows are added, batch by batch, each a transaction: a row that the store
// refuses, for want of its parent (models.ErrForeignKey) or by a rule of its table
// (models.ErrInvalid, models.ErrDuplicate), ends it, and leaves the batches before; so does
// the end of the context. Importing again does the rest. Errors of a row name its line.
//
// Others may save meanwhile, and get ids behind those of the file; those stay used up if it
// is refused in the end.
//
// Entries of the audit log come in behind those that are sealed alone; what proves them
// only comes in with a whole export, by Import. An archive is models.ErrReadOnly.
func (s *Store) ImportTable(ctx context.Context, r io.ReadSeeker, table string, opts ImportOptions) (done ImportedTable, err error) {
	defer func() { err = transfer.Interrupted(ctx, "import", err) }()
	if err := s.importing(&opts); err != nil {
		return done, err
	}
	of, err := tableOf(table)
	switch {
	case err != nil:
		return done, err
	case strings.HasPrefix(table, "tier2_"):
		return done, &models.Error{Table: table, Kind: models.ErrInvalid, Reason: "is no table to be imported alone: it proves the audit log, and comes with a whole export"}
	case s.archive:
		return done, &models.Error{Kind: models.ErrReadOnly, Value: s.where, Reason: "is an archive: its executions are restored to the store that they come from"}
	}
	d := dump.One(r, &of, opts.Format, opts.MaxBytes)
	if err := d.Check(ctx, telling(opts.Progress, "reading", 0)); err != nil {
		return done, err
	}
	did, err := transfer.Merge(ctx, schema.Tables(), table, d, d.Last(), s.handles.Bulk, opts.Progress)
	if err != nil {
		return done, d.Told(err)
	}
	return ImportedTable{table, did.Source, did.Inserted, did.Source.Rows - did.Inserted}, nil
}

// importing refuses what cannot be imported into, and options that make no sense.
func (s *Store) importing(o *ImportOptions) error {
	if err := s.outsideTransaction("import tables"); err != nil {
		return err
	}
	if o.MaxBytes < 0 {
		return &models.Error{Column: "max_bytes", Value: o.MaxBytes, Reason: "must not be negative", Kind: models.ErrInvalid}
	}
	return checkFormat(&o.Format)
}
