// Package pgtest gives tests a PostgreSQL schema of their own.
package pgtest

import (
	"context"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Env names the variable with the URL of a database in which tests may make schemas.
const Env = "TIER2_TEST_POSTGRES"

// Server is the URL of that database, or "" where there is none.
func Server() string { return os.Getenv(Env) }

// DSN makes an empty schema and returns a URL whose search_path is that schema alone.
// It is dropped when the test ends. Without TIER2_TEST_POSTGRES the test is skipped.
func DSN(t testing.TB) string {
	t.Helper()
	server := Server()
	if server == "" {
		t.Skip("no PostgreSQL: set " + Env + " to the URL of a database in which tests may make schemas")
	}
	schema := "tier2_" + strings.ReplaceAll(models.NewID(), "-", "")
	run(t, server, "CREATE SCHEMA "+schema)
	t.Cleanup(func() { run(t, server, "DROP SCHEMA "+schema+" CASCADE") })
	u, err := url.Parse(server)
	require.NoError(t, err)
	query := u.Query()
	query.Set("search_path", schema)
	query.Set("synchronous_commit", "off") // a test need not outlive a power loss
	u.RawQuery = query.Encode()
	return u.String()
}

func run(t testing.TB, server, statement string) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, server)
	require.NoError(t, err)
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, statement)
	require.NoError(t, err)
}
