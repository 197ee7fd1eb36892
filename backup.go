package tier2

import (
	"context"

	"github.com/seanchatmangpt/ggen/tier2/ledger"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Backup writes the database, as it is at one moment, to a new file at path, a database
// like any other; missing folders are made (0700). Others go on reading and writing
// meanwhile, though the WAL grows until it is done. What is stored is checked first, as
// Verify does, by SQLite's integrity_check and by Audit.Verify, and flushed to the disk; only then the file
// (0600) gets its name. Whatever goes wrong, there is no file of that name, and nothing
// is left of the attempt.
//
// The error wraps models.ErrConflict for a path at which there is something, which is left
// alone; models.ErrInvalid for a path that names no file, the database's own one, a Store
// of a transaction, and PostgreSQL, which pg_dump backs up; models.ErrCorrupt for a
// database of which Verify finds something, or Audit.Verify about its log; models.ErrClosed; and the context's own error.
func (s *Store) Backup(ctx context.Context, path string) error {
	if s.db != s.handles.Write {
		return &models.Error{Kind: models.ErrInvalid, Reason: "a database cannot be backed up from inside a transaction"}
	}
	return s.handles.Backup(ctx, path, checkAudit)
}

// checkAudit refuses a database whose audit log is not what was sealed. Rows that other
// programs have changed are the database's own matter, which Audit.Verify tells.
func checkAudit(ctx context.Context, dsn string) error {
	report, err := VerifyAudit(ctx, dsn, ledger.VerifyOptions{})
	if err != nil {
		return err
	}
	for _, f := range report.Findings {
		if f.Table == "" {
			return &models.Error{Kind: models.ErrCorrupt, Reason: "the copy was not kept, since its audit log is not what was sealed, as verify --audit will say of the database too: " + f.Reason}
		}
	}
	return nil
}
