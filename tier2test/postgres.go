package tier2test

import (
	"testing"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/internal/pgtest"
)

// PostgresEnv names the environment variable with the URL of a PostgreSQL database in
// which tests may create schemas, such as postgres://postgres@127.0.0.1:5432/test. A
// TestMain that starts a server should set it.
const PostgresEnv = pgtest.Env

// OpenPostgres opens a store in a new schema of PostgreSQL, which is dropped when the test
// ends. The options are those of Open. If PostgresEnv is unset, the test is skipped.
func OpenPostgres(tb testing.TB, opts ...tier2.Option) *tier2.Store {
	tb.Helper()
	return open(tb, PostgresDSN(tb), opts)
}

// PostgresDSN creates an empty schema, which is dropped when the test ends, and returns its
// URL for tier2.Open, for tests that open a store more than once. Commits do not wait for the
// disk (synchronous_commit is off). If PostgresEnv is unset, the test is skipped.
func PostgresDSN(tb testing.TB) string {
	tb.Helper()
	return pgtest.DSN(tb)
}
