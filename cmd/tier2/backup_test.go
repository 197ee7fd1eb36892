package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2/internal/pgtest"
)

func TestBackup(t *testing.T) {
	t.Parallel()
	db := database(t)
	require.Equal(t, exitOK, run(t, "", "import", "receipts", "--db", db, "testdata/wrapped.json").code)
	folder := filepath.Join(t.TempDir(), "new")
	target := filepath.Join(folder, "backup.db")
	got := run(t, "", "backup", "--db", db, "--to", target)
	require.Equal(t, exitOK, got.code, got.stderr)
	assert.Regexp(t, `^backed up to `+target+`: \d+ bytes, checked\n$`, got.stdout)
	assert.Equal(t, run(t, "", "recent", "--json", "--db", db).stdout, run(t, "", "recent", "--json", "--db", target).stdout)
	assert.Equal(t, exitOK, run(t, "", "verify", target).code)
	got = run(t, "", "backup", "--db", db, "--json", "--to", target+"2")
	require.Equal(t, exitOK, got.code, got.stderr)
	assert.Contains(t, got.stdout, `"bytes": `)

	backup, err := os.ReadFile(target)
	require.NoError(t, err)
	got = run(t, "", "backup", "--db", db, "--to", target)
	assert.Equal(t, exitFound, got.code)
	assert.Contains(t, got.stderr, "exists already, and is not overwritten")
	assert.Empty(t, got.stdout)
	now, err := os.ReadFile(target)
	require.NoError(t, err)
	assert.Equal(t, backup, now)

	got = run(t, "", "backup", "--db", db, "--to", db)
	assert.Equal(t, exitUsage, got.code)
	assert.Contains(t, got.stderr, "is the database itself")
	missing := filepath.Join(folder, "missing.db")
	got = run(t, "", "backup", "--db", missing, "--to", target+"3")
	assert.Equal(t, exitFailure, got.code)
	assert.NoFileExists(t, missing)
	got = run(t, "", "backup", "--db", db, "--to", filepath.Join(target, "x.db"))
	assert.Equal(t, exitFailure, got.code, "below a file")
	raw(t, db, "DROP INDEX idx_receipts_status")
	got = run(t, "", "backup", "--db", db, "--to", target+"3")
	assert.Equal(t, exitFound, got.code)
	assert.Contains(t, got.stderr, "idx_receipts_status is missing")
	assert.NoFileExists(t, target+"3")
}

func TestBackup_PostgreSQL(t *testing.T) {
	t.Parallel()
	db := pgtest.DSN(t)
	require.Equal(t, exitOK, run(t, "", "init", db).code)
	target := filepath.Join(t.TempDir(), "backup.db")
	got := run(t, "", "backup", "--db", db, "--to", target)
	assert.Equal(t, exitUsage, got.code)
	assert.Contains(t, got.stderr, "pg_dump --format=custom")
	assert.NoFileExists(t, target)
}
