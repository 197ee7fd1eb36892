package tier2_test

import (
	"context"
	"database/sql"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2/internal/workload"
)

// verifyWhole holds that the database itself is whole: integrity_check,
// foreign_key_check and Verify find nothing.
func verifyWhole(t testing.TB, dsn string) {
	t.Helper()
	findings, err := workload.Whole(context.Background(), dsn)
	require.NoError(t, err)
	assert.Empty(t, findings)
}

// times is how often something is done: what the variable says, or a default.
func times(t testing.TB, variable string, n int) int {
	t.Helper()
	if s := os.Getenv(variable); s != "" {
		var err error
		n, err = strconv.Atoi(s)
		require.NoError(t, err)
	}
	return n
}

// elsewhere runs statements on a file as another program would.
func elsewhere(t testing.TB, path string, statements ...string) {
	t.Helper()
	driver := "sqlite3"
	if slices.Contains(sql.Drivers(), "sqlite") { // without cgo
		driver = "sqlite"
	}
	db, err := sql.Open(driver, path)
	require.NoError(t, err)
	db.SetMaxOpenConns(1)
	for _, statement := range statements {
		_, err := db.Exec(statement)
		require.NoError(t, err)
	}
	require.NoError(t, db.Close())
}
