// Package contract runs the suite that tier2 itself is tested with on a database as you
// use it: your server, your file system, your options.
//
//	func TestTier2(t *testing.T) { contract.Run(t, tier2test.PostgresDSN) }
package contract

import (
	"database/sql"
	"slices"
	"testing"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/internal/engine/postgres"
	"github.com/seanchatmangpt/ggen/tier2/tests/contract"
)

// Run runs every case of the suite, as subtests of t, on databases that dsn makes: each
// call has to return, for tier2.Open, a new and empty one, which may go when the test
// that it is given ends. The first one says which engine it is. The suite opens some
// databases more than once, also from other processes, which run the test that t is
// again; so a test calls Run once, and nothing beside it.
//
// The suite opens its stores with opts, and has a clock and an anchor of its own for
// each: WithClock has no effect, and WithAnchor and WithExisting make cases fail.
//
// It takes about half a minute for a file, and two for a server.
func Run(t *testing.T, dsn func(testing.TB) string, opts ...tier2.Option) {
	e := engine(dsn(t))
	e.DSN, e.Options, e.Pools = dsn, slices.Clip(opts), pools
	contract.Run(t, e)
}

// engine is the kind of database at dsn.
func engine(dsn string) contract.Engine {
	if postgres.IsDSN(dsn) {
		return contract.Postgres("PostgreSQL", nil)
	}
	if where, err := tier2.Location(dsn); err == nil && where == ":memory:" {
		return contract.SQLiteMemory("memory")
	}
	return contract.SQLite("file", nil)
}

// pools are the connections of a store that can be seen from outside: those that write.
func pools(store *tier2.Store) []*sql.DB {
	if pool, err := store.DB().DB(); err == nil {
		return []*sql.DB{pool}
	}
	return nil
}
