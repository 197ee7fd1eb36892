package tier2

import (
	"context"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine"
	"github.com/seanchatmangpt/ggen/tier2/internal/engine/postgres"
	"github.com/seanchatmangpt/ggen/tier2/internal/engine/sqlite"
)

// Verification is what Verify found: how many tables, indexes, views and JSON
// documents it saw, and a sentence for each thing that is wrong.
type Verification = engine.Verification

// Verify examines the database at dsn, which is what Open takes, and changes
// nothing: the schema and its version, object by object; every row against its CHECK
// and FOREIGN KEY constraints; JSON documents; numbers and times that cannot be read;
// on SQLite what integrity_check says; on PostgreSQL whether the ids go on after the largest. What users
// added beside the schema is no finding. It reads every row.
//
// A missing file, or one that is no database, is a finding. The error says that the
// check could not be made: it wraps models.ErrInvalid for a bad dsn and :memory:,
// and the context's own error.
func Verify(ctx context.Context, dsn string) (*Verification, error) {
	if postgres.IsDSN(dsn) {
		return postgres.Verify(ctx, dsn)
	}
	return sqlite.Verify(ctx, dsn, schemaSQL)
}
