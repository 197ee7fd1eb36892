package tier2

import (
	"context"

	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/internal/transfer"
)

// CopyReport is what Copy did, table by table.
type CopyReport = transfer.Report

// CopiedTable is what Copy did to a table: how many rows it inserted and updated, and the
// digest of what each side holds.
type CopiedTable = transfer.Table

// Digest is how many rows of a table there are, and the SHA-256 of their canonical form,
// which is the same on both engines, and in either format of a file.
type Digest = transfer.Digest

// CopyProgress is how far Copy has come: in which step (checking, copying, comparing), and
// how many rows of all tables of the source that step has done.
type CopyProgress = transfer.Progress

// CopyOptions say how Copy works.
type CopyOptions struct {
	// Progress, unless nil, is called after each batch.
	Progress func(CopyProgress)
}

// Copy copies every row of a store to another, on the same or the other engine: as it is,
// with its id and its times, and without auditing it (the audit log is copied). The source
// is read in one state, whatever is written to it meanwhile, and is not changed; memory
// stays constant. JSON keeps its text, except where a PostgreSQL column is jsonb:
// there it keeps its value. What users added beside the schema is not copied.
//
// Rows go in batches, each a transaction. If the copy ends early, for whatever reason,
// another one does the rest; after a whole one, it brings new rows and changes over.
// That is so for as long as the target has only been written by Copy from this
// source: a row that the source does not have (also: has no longer), or another one under
// the same id, is models.ErrConflict, and the target is left as it was. The row of a
// table is the same if its natural key and created_at are; audit entries never change.
//
// At the end both sides are compared: if they differ, the error is models.ErrConflict
// too, and the report says where. Other errors: models.ErrInvalid for source and target being
// one database, a Store of a transaction, and rows that the target refuses;
// models.ErrCorrupt for rows of the source that cannot be read (Verify lists them);
// models.ErrClosed; and the context's own.
func Copy(ctx context.Context, from, to *Store, opts CopyOptions) (*CopyReport, error) {
	for _, s := range []*Store{from, to} {
		if err := s.outsideTransaction("copy a store"); err != nil {
			return nil, err
		}
	}
	source, err := transfer.Database(ctx, from.handles.Bulk, to.handles.Bulk)
	if err != nil {
		return nil, transfer.Interrupted(ctx, "copy", err)
	}
	report, err := transfer.Run(ctx, schema.Tables(), source, to.handles.Bulk, opts.Progress)
	return report, transfer.Interrupted(ctx, "copy", err)
}
