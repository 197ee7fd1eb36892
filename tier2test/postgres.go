package tier2test

import (
	"testing"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/internal/pgtest"
)

// PostgresEnv names the environment variable with the URL of a PostgreSQL database in
// which tests may make schemas, such as postgres://postgres@127.0.0.1:5432/test. A
// TestMain that starts a server sets it.
const PostgresEnv = pgtest.Env

// OpenPostgres is Open for PostgreSQL: in a schema of its own, which is dropped when the
// test ends. Where PostgresEnv is not set, the test is skipped.
func OpenPostgres(tb testing.TB, opts ...tier2.Option) *tier2.Store {
	tb.Helper()
	return open(tb, PostgresDSN(tb), opts)
}

// PostgresDSN makes an empty schema, dropped when the test ends, and returns what
// tier2.Open takes to use it: for tests that open it more than once. Where PostgresEnv is not set, the
// test is skipped. Its commits do not wait for the disk (synchronous_commit is off).
func PostgresDSN(tb testing.TB) string {
	tb.Helper()
	return pgtest.DSN(tb)
}
