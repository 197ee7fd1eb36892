// Package engine chooses the database engine of a DSN. The engines are in the packages sqlite
// and postgres; what they share is in package backend.
package engine

import (
	"context"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	"github.com/seanchatmangpt/ggen/tier2/internal/engine/postgres"
	"github.com/seanchatmangpt/ggen/tier2/internal/engine/sqlite"
)

// Engine opens and checks databases of one kind.
type Engine struct {
	// Open opens a database, and creates or upgrades it if the Config allows.
	Open func(ctx context.Context, cfg backend.Config) (*backend.Handles, error)
	// Reading opens an existing database to read whole tables, and changes nothing; end closes it.
	Reading func(ctx context.Context, dsn string) (_ backend.Bulk, end func() error, err error)
	// Verify checks an existing database and changes nothing. schema is the text of schema.sql.
	Verify func(ctx context.Context, dsn, schema string) (*backend.Verification, error)
	// Where returns the name of a database in messages, without a password. It opens nothing.
	Where func(dsn string) (string, error)
}

var (
	sqliteEngine   = Engine{sqlite.Open, sqlite.Reading, sqlite.Verify, sqlite.Where}
	postgresEngine = Engine{postgres.Open, postgres.Reading, postgres.Verify, postgres.Where}
)

// For returns PostgreSQL for a postgres:// or postgresql:// URL, and SQLite for everything else.
func For(dsn string) Engine {
	if postgres.IsDSN(dsn) {
		return postgresEngine
	}
	return sqliteEngine
}
