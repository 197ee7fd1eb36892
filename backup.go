package tier2

import (
	"context"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Backup writes the database, as it is at one moment, to a new file at path, a database
// like any other; missing folders are made (0700). Others go on reading and writing
// meanwhile, though the WAL grows until it is done. What is stored is checked first, as
// Verify does and by SQLite's integrity_check, and flushed to the disk; only then the file
// (0600) gets its name. Whatever goes wrong, there is no file of that name, and nothing
// is left of the attempt.
//
// The error wraps models.ErrConflict for a path at which there is something, which is left
// alone; models.ErrInvalid for a path that names no file, the database's own one, a Store
// of a transaction, and PostgreSQL, which pg_dump backs up; models.ErrCorrupt for a
// database of which Verify finds something; models.ErrClosed; and the context's own error.
func (s *Store) Backup(ctx context.Context, path string) error {
	if s.handle.Write != s.handles.Write {
		return &models.Error{Kind: models.ErrInvalid, Reason: "a database cannot be backed up from inside a transaction"}
	}
	return s.handles.Backup(ctx, path)
}
