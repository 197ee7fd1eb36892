// Package pgtest gives tests, benchmarks and the soak PostgreSQL schemas that they have to
// themselves.
package pgtest

import (
	"context"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Env names the variable with the URL of a database in which schemas may be made.
const Env = "TIER2_TEST_POSTGRES"

// Server is the URL of that database, or "" where there is none.
func Server() string { return os.Getenv(Env) }

// New makes an empty schema at server. The URL it returns has that schema alone in its
// search_path, and synchronous_commit off: what is written need not outlive a power
// loss. drop removes the schema with all that is in it.
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

// DSN makes an empty schema and returns a URL whose search_path is that schema alone.
// It is dropped when the test ends. Without TIER2_TEST_POSTGRES the test is skipped.
func DSN(t testing.TB) string {
	t.Helper()
	server := Server()
	if server == "" {
		t.Skip("no PostgreSQL: set " + Env + " to the URL of a database in which tests may make schemas")
	}
	dsn, drop, err := New(context.Background(), server)
	if err != nil {
		t.Fatalf("make a schema at %s: %v", Env, err)
	}
	t.Cleanup(func() {
		if err := drop(); err != nil {
			t.Errorf("drop the schema of the test: %v", err)
		}
	})
	return dsn
}

func run(ctx context.Context, server, statement string) error {
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, statement)
	return err
}
