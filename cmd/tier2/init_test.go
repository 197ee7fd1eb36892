package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestInit(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a", "b", "tier2.db")
	first := run(t, "", "init", path)
	require.Equal(t, result{exitOK, "created " + path + "\nok: 7 tables, 25 indexes, 3 views, 0 JSON documents\n", ""}, first)

	require.Equal(t, exitOK, run(t, "", "import", "receipts", "--db", path, "testdata/wrapped.json").code)
	again := run(t, "", "init", "--db", path, "--json")
	require.Equal(t, exitOK, again.code)
	var report map[string]any
	require.NoError(t, json.Unmarshal([]byte(again.stdout), &report))
	assert.Equal(t, map[string]any{
		"path": path, "created": false, "ok": true, "tables": 7.0, "indexes": 25.0, "views": 3.0, "json_documents": 8.0, "findings": []any{},
	}, report)
	assert.Equal(t, 1, count(t, path, "SELECT COUNT(*) FROM receipts"), "an existing database keeps its rows")
}

func TestMaintain(t *testing.T) {
	t.Parallel()
	db := database(t)
	require.Equal(t, exitOK, run(t, "", "import", "receipts", "--db", db, "testdata/wrapped.json").code)
	require.Equal(t, exitOK, run(t, "", "maintain", db).code)
	raw(t, db, `INSERT INTO receipts (id, execution_id, agent_id, operation, status, timestamp, duration_ms) VALUES (-1, 'old', 'ann', 'watch', 'passed', '2026-01-01T00:00:00Z', 1)`)
	found := run(t, "", "verify", db)
	assert.Equal(t, exitFound, found.code)
	assert.Contains(t, found.stdout, `totals: tier2_agent_totals of "ann"`)

	got := run(t, "", "maintain", "--db", db)
	assert.Equal(t, exitOK, got.code, got.stdout)
	assert.Regexp(t, `^maintained \S+
  totals: tier2_agent_totals was not what receipts adds up to, and is made anew
  totals: up to date
  vacuum: not needed, 0 of \d+ pages are free
  statistics: refreshed
  WAL: emptied
ok: 7 tables`, got.stdout)
	got = run(t, "", "maintain", "--json", "--db", db)
	assert.Equal(t, exitOK, got.code, got.stdout)
	assert.Contains(t, got.stdout, `"steps": [
    "totals: up to date",`)
	assert.Equal(t, exitOK, run(t, "", "verify", db).code)

	missing := filepath.Join(t.TempDir(), "missing.db")
	assert.Equal(t, exitFailure, run(t, "", "maintain", missing).code)
	assert.NoFileExists(t, missing)
	assert.Equal(t, exitUsage, run(t, "", "maintain", db, db).code)
}

func TestInit_Failure(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text := filepath.Join(dir, "text.db")
	require.NoError(t, os.WriteFile(text, []byte(strings.Repeat("no database ", 100)), 0o600))
	for name, path := range map[string]string{"NoDatabase": text, "Directory": dir, "BelowFile": filepath.Join(text, "x.db")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := run(t, "", "init", path)
			assert.Equal(t, exitFailure, got.code)
			assert.NotEmpty(t, got.stderr)
		})
	}
}

func TestInitOfURIWithFragment(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tier2.db")
	got := run(t, "", "init", "file:"+path+"#part")
	assert.Equal(t, exitOK, got.code)
	assert.Contains(t, got.stdout, "created "+path+"\n")
}
