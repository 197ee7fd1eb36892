package tests

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/internal/engine/sqlite"
	"github.com/seanchatmangpt/ggen/tier2/internal/pgtest"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/tests/stored"
	"github.com/seanchatmangpt/ggen/tier2/tests/workload"
)

// engines maps the name of an engine to a function that returns the DSN of a new database.
var engines = map[string]func(testing.TB) string{
	"SQLite":   func(t testing.TB) string { return filepath.Join(t.TempDir(), "tier2.db") },
	"Postgres": pgtest.DSN,
}

// open opens a store and closes it when the test ends.
func open(t *testing.T, dsn string, opts ...tier2.Option) *tier2.Store {
	t.Helper()
	store, err := tier2.Open(context.Background(), dsn, opts...)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, store.Close()) })
	return store
}

// receipt returns a valid receipt of an agent, newReceipt one with an id.
func receipt(agent string) *models.Receipt {
	return &models.Receipt{AgentID: agent, Operation: models.OperationGeneration, Status: models.ReceiptPassed}
}

func newReceipt(id string) *models.Receipt {
	return &models.Receipt{ExecutionID: id, AgentID: "coder", Operation: models.OperationGeneration, Status: models.ReceiptPassed, DurationMS: 20}
}

var entries, counts, activity = stored.Entries, stored.Counts, stored.Activity

func count(t *testing.T, store *tier2.Store, table string) (n int64) {
	t.Helper()
	require.NoError(t, store.DB().Table(table).Count(&n).Error)
	return n
}

// verifyWhole requires that Verify, which runs integrity_check and foreign_key_check, and
// Audit.Verify have no findings.
func verifyWhole(t testing.TB, dsn string) {
	t.Helper()
	findings, err := workload.Whole(context.Background(), dsn)
	require.NoError(t, err)
	assert.Empty(t, findings)
}

// times returns the number in an environment variable, or n if it is unset.
func times(t testing.TB, variable string, n int) int {
	t.Helper()
	if s := os.Getenv(variable); s != "" {
		var err error
		n, err = strconv.Atoi(s)
		require.NoError(t, err)
	}
	return n
}

// elsewhere opens a file without tier2, as another program would.
func elsewhere(t testing.TB, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open(sqlite.DriverName, path)
	require.NoError(t, err)
	db.SetMaxOpenConns(1)
	return db
}

// lockElsewhere takes the write lock of a file, as another program would, until release.
func lockElsewhere(t testing.TB, path string) (release func()) {
	t.Helper()
	db := elsewhere(t, path)
	_, err := db.Exec("BEGIN IMMEDIATE")
	require.NoError(t, err)
	return func() {
		t.Helper()
		_, err := db.Exec("ROLLBACK")
		require.NoError(t, err)
		require.NoError(t, db.Close())
	}
}

// dumpRows returns every row of every table in canonical form, up to the first error, and
// for agent_memory the digest, which leaves out the store's own counts.
func dumpRows(ctx context.Context, store *tier2.Store) (list []string, err error) {
	for _, m := range models.All() {
		table := m.TableName()
		rows, err := store.DB().WithContext(ctx).Table(table).Order("id").Rows()
		if err != nil {
			return list, err
		}
		of := schema.Named(table)
		values, dest := make(schema.Row, len(of.Columns)), make([]any, len(of.Columns))
		for i := range values {
			dest[i] = &values[i]
		}
		for err == nil && rows.Next() {
			if err = rows.Scan(dest...); err == nil && table == "agent_memory" {
				list = append(list, table+of.Digest(plain(values)))
			} else if err == nil {
				list = append(list, table+string(of.Append(nil, values)))
			}
		}
		if err := errors.Join(err, rows.Err(), rows.Close()); err != nil {
			return list, err
		}
	}
	return list, nil
}

// plain returns a driver's values with texts as strings.
func plain(row schema.Row) schema.Row {
	row = slices.Clone(row)
	for i, v := range row {
		if b, ok := v.([]byte); ok {
			row[i] = string(b)
		}
	}
	return row
}
