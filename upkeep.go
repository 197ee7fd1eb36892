package tier2

import (
	"context"
	"errors"
	"fmt"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine"
	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/internal/sealing"
	"github.com/seanchatmangpt/ggen/tier2/ledger"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Backup writes one state of the database to a new file (0600) at path and creates missing
// folders (0700). Readers and writers continue meanwhile, though the WAL grows until the backup
// ends. Before the file gets its name, it is checked by Verify and Audit.Verify and flushed to
// the disk. On any error no file is created at path, and temporary files are removed.
//
// Errors: models.ErrConflict for an existing path, which is not changed; models.ErrInvalid for a
// path that is not a file, for the database's own file, inside a transaction, and on PostgreSQL,
// which pg_dump backs up; models.ErrCorrupt if Verify finds something, or Audit.Verify finds
// something in the log; models.ErrClosed; and the context's own error.
func (s *Store) Backup(ctx context.Context, path string) error {
	if err := s.outsideTransaction("back up a database"); err != nil {
		return err
	}
	return s.handles.Backup(ctx, path, checkAudit)
}

// checkAudit returns models.ErrCorrupt if the audit log at dsn differs from the sealed one. It
// ignores rows that differ from their entries: they are as in the database itself.
func checkAudit(ctx context.Context, dsn string) error {
	report, err := VerifyAudit(ctx, dsn, ledger.VerifyOptions{})
	if err != nil {
		return err
	}
	for _, f := range report.Findings {
		if f.Table == "" {
			return refuse.Because(models.ErrCorrupt, "the copy was not kept, since its audit log is not what was sealed, "+
				"as verify --audit will say of the database too: %s", f.Reason)
		}
	}
	return nil
}

// Maintain keeps a large database fast. It may run at any time, besides readers and writers.
//
//   - It refreshes the statistics of the query planner.
//   - On SQLite it updates the totals of the views, and rebuilds totals that another program has
//     made wrong, as Verify reports.
//   - On SQLite it rewrites the file (VACUUM) if at least a quarter of its pages is free, which
//     blocks writers, and empties the WAL unless a reader still needs it.
//   - On PostgreSQL it vacuums each table.
//
// Errors: models.ErrInvalid inside a transaction; models.ErrBusy if another process keeps the
// database locked; models.ErrReadOnly; models.ErrClosed; and the context's own error.
func (s *Store) Maintain(ctx context.Context) error { return s.MaintainSteps(ctx, nil) }

// MaintainSteps does the same as Maintain. It calls done, unless nil, with a sentence for each
// step that it did, found unnecessary, or skipped because other connections were in the way.
func (s *Store) MaintainSteps(ctx context.Context, done func(step string)) error {
	if err := s.outsideTransaction("maintain a database"); err != nil {
		return err
	}
	return s.handles.Maintain(ctx, func(format string, args ...any) {
		if done != nil {
			done(fmt.Sprintf(format, args...))
		}
	})
}

// Verification is the result of Verify.
type Verification struct {
	Tables    int      `json:"tables"`         // tables of the schema that exist
	Indexes   int      `json:"indexes"`        // indexes of the schema that exist
	Views     int      `json:"views"`          // views of the schema that exist
	Documents int64    `json:"json_documents"` // JSON documents that were checked
	Findings  []string `json:"findings"`       // one sentence per problem; empty, not nil, if there is none
}

// OK reports whether there are no findings.
func (v *Verification) OK() bool { return len(v.Findings) == 0 }

// Verify checks the database at dsn, which is a dsn of Open, and changes nothing. It reads every
// row and checks
//
//   - the version of the schema and each of its objects,
//   - every row against its CHECK and FOREIGN KEY constraints,
//   - JSON documents, and numbers and times that cannot be read,
//   - on SQLite: integrity_check, and the totals of the views,
//   - on PostgreSQL: that new ids follow the largest one.
//
// Objects that users added are ignored. A missing file, and a file that is not a database, are
// findings. An error means that the check failed to run. Errors: models.ErrInvalid for an invalid
// dsn and for :memory:; and the context's own error.
func Verify(ctx context.Context, dsn string) (*Verification, error) {
	found, err := engine.For(dsn).Verify(ctx, dsn, schemaSQL)
	return (*Verification)(found), err
}

// VerifyAudit runs Audit.Verify on the database at dsn, which it neither creates nor changes.
// Verify checks everything else. Errors: those of Audit.Verify; models.ErrNotFound for a missing
// file; models.ErrInvalid for another version of the schema.
func VerifyAudit(ctx context.Context, dsn string, opts ledger.VerifyOptions) (*ledger.Report, error) {
	bulk, end, err := openReading(ctx, dsn)
	if err != nil {
		return nil, err
	}
	log := sealing.Log{Bulk: bulk, Archive: openReading}
	report, err := log.Verify(ctx, opts)
	return report, errors.Join(err, end())
}

// openReading opens an existing database to read whole tables.
func openReading(ctx context.Context, dsn string) (_ backend.Bulk, end func() error, err error) {
	return engine.For(dsn).Reading(ctx, dsn)
}

// closingEntries is the largest number of entries that Close seals, in some tenths of a second.
// The next store seals the others.
const closingEntries = 50_000

// sealWritten seals on Close if this store has written.
func (s *Store) sealWritten() error {
	if !s.handles.Persistent || !s.log.Wrote() {
		return nil
	}
	_, err := s.log.Ledger.Seal(context.Background(), closingEntries)
	for _, later := range []error{models.ErrBusy, models.ErrUnavailable, models.ErrReadOnly, models.ErrFull} {
		if errors.Is(err, later) {
			return nil // the next store seals
		}
	}
	return err
}
