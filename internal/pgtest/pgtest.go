// Package pgtest gives tests a PostgreSQL schema of their own.
package pgtest

import (
	"context"
	"testing"

	"github.com/seanchatmangpt/ggen/tier2/internal/pgschema"
)

// Env names the variable with the URL of a database in which tests may make schemas.
const Env = pgschema.Env

// Server is the URL of that database, or "" where there is none.
func Server() string { return pgschema.Server() }

// DSN makes an empty schema and returns a URL whose search_path is that schema alone.
// It is dropped when the test ends. Without TIER2_TEST_POSTGRES the test is skipped.
func DSN(t testing.TB) string {
	t.Helper()
	server := Server()
	if server == "" {
		t.Skip("no PostgreSQL: set " + Env + " to the URL of a database in which tests may make schemas")
	}
	dsn, drop, err := pgschema.New(context.Background(), server)
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
