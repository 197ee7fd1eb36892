// Package pgtest creates PostgreSQL schemas for tests, benchmarks and the soak.
package pgtest

import (
	"context"
	"errors"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Env names the variable with the URL of a database in which schemas may be created.
const Env = "TIER2_TEST_POSTGRES"

// Server returns the URL of that database, or "" if Env is unset.
func Server() string { return os.Getenv(Env) }

// New creates an empty schema at server. The URL that it returns has only that schema in its
// search_path, and synchronous_commit off, since the rows need not survive a power loss. drop
// removes the schema and its content.
func New(ctx context.Context, server string) (dsn string, drop func() error, err error) {
	u, err := url.Parse(server)
	if err != nil {
		return "", nil, err
	}
	schema := "tier2_" + strings.ReplaceAll(models.NewID(), "-", "")
	if err := run(ctx, server, "CREATE SCHEMA "+schema); err != nil {
		return "", nil, err
	}
	query := u.Query()
	query.Set("search_path", schema)
	query.Set("synchronous_commit", "off")
	u.RawQuery = query.Encode()
	return u.String(), func() error { return run(context.WithoutCancel(ctx), server, "DROP SCHEMA "+schema+" CASCADE") }, nil
}

// DSN returns the URL of a New schema, which is dropped when the test ends. If Env is unset,
// the test is skipped.
func DSN(tb testing.TB) string {
	tb.Helper()
	server := Server()
	if server == "" {
		tb.Skip("no PostgreSQL: set " + Env + " to the URL of a database in which tests may create schemas")
	}
	dsn, drop, err := New(context.Background(), server)
	if err != nil {
		tb.Fatalf("create a schema at %s: %v", Env, err)
	}
	tb.Cleanup(func() {
		if err := drop(); err != nil {
			tb.Errorf("drop the schema of the test: %v", err)
		}
	})
	return dsn
}

func run(ctx context.Context, server, statement string) error {
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, statement)
	return errors.Join(err, conn.Close(ctx))
}
