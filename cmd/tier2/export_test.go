package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/internal/pgtest"
)

// TestExport exports and imports between the engines, a whole database and single tables.
func TestExport(t *testing.T) {
	t.Parallel()
	source := database(t)
	require.Equal(t, exitOK, run(t, "", "import", "receipts", "--db", source, "testdata/wrapped.json").code)
	for name, target := range map[string]func(testing.TB) string{
		"SQLite":   func(t testing.TB) string { return filepath.Join(t.TempDir(), "made", "copy.db") },
		"Postgres": pgtest.DSN,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target, dir := target(t), filepath.Join(t.TempDir(), "export")
			got := run(t, "", "export", "--db", source, "--format", "csv", "--to", dir)
			require.Equal(t, exitOK, got.code, got.stderr)
			assert.Empty(t, got.stderr, "no progress bar outside a terminal")
			assert.Regexp(t, `^TABLE +ROWS +SHA-256\nreceipts +1 +[0-9a-f]{16}\n`, got.stdout)
			got = run(t, "", "import", "tables", "--db", target, dir)
			require.Equal(t, exitOK, got.code, got.stderr)
			assert.Regexp(t, `(?m)^pipeline_metrics +5 +5 +5 +0 .* yes$`, got.stdout)
			require.Equal(t, exitOK, run(t, "", "verify", "--audit", target).code)

			got = run(t, "", "export", "--db", target, "receipts", "--out", "-")
			require.Equal(t, exitOK, got.code, got.stderr)
			var row struct {
				JSON string `json:"receipt_json"`
			}
			require.NoError(t, json.Unmarshal([]byte(got.stdout), &row))
			assert.Equal(t, fixture(t, "wrapped.json"), row.JSON, "byte for byte")
			other := database(t)
			got = run(t, got.stdout, "import", "tables", "--db", other, "--table", "receipts", "-")
			require.Equal(t, exitOK, got.code, got.stderr)
			assert.Regexp(t, `^TABLE +ROWS +INSERTED +UNCHANGED +SHA-256\nreceipts +1 +1 +0 +[0-9a-f]{16}\n$`, got.stdout)

			files := []string{filepath.Join(dir, "pipeline_metrics.csv"), filepath.Join(dir, "receipts.csv")}
			got = run(t, "", append([]string{"import", "tables", "--json", "--db", filepath.Join(t.TempDir(), "new.db")}, files...)...)
			require.Equal(t, exitOK, got.code, got.stderr)
			var list []tier2.ImportedTable
			require.NoError(t, json.Unmarshal([]byte(got.stdout), &list))
			require.Len(t, list, 2)
			assert.Equal(t, []string{"receipts", "pipeline_metrics"}, []string{list[0].Name, list[1].Name}, "parents first")

			out := filepath.Join(t.TempDir(), "x", "receipts.jsonl")
			got = run(t, "", "export", "--json", "--db", target, "receipts", "--agent", "nobody", "--until", "0d", "--out", out)
			require.Equal(t, exitOK, got.code, got.stderr)
			assert.Contains(t, got.stdout, `"rows": 0,`)
			assert.FileExists(t, out)
		})
	}
}

func TestExport_Refused(t *testing.T) {
	t.Parallel()
	db, other, unreadable, dir := database(t), database(t), database(t), t.TempDir()
	require.Equal(t, exitOK, run(t, "", "import", "receipts", "--db", db, "testdata/wrapped.json").code)
	require.Equal(t, exitOK, run(t, "", "import", "receipts", "--agent", "a", "--db", other, "testdata/flat.json").code)
	require.Equal(t, exitOK, run(t, "", "import", "receipts", "--agent", "a", "--db", unreadable, "testdata/flat.json").code)
	raw(t, unreadable, "UPDATE receipts SET created_at = 'yesterday'")
	whole, missing := filepath.Join(dir, "whole"), filepath.Join(dir, "missing")
	require.Equal(t, exitOK, run(t, "", "export", "--db", db, "--to", whole).code)
	receipts := filepath.Join(whole, "receipts.jsonl")
	bad := filepath.Join(folder(t, map[string]string{"receipts.jsonl": fixture(t, "wrapped.json")}), "receipts.jsonl")
	for name, tt := range map[string]struct {
		args []string
		code int
		want string
	}{
		"There":       {[]string{"export", "--db", db, "--to", whole}, exitFound, "exists already, and is not overwritten"},
		"ThereOut":    {[]string{"export", "receipts", "--db", db, "--out", receipts}, exitFound, "exists already, and is not overwritten"},
		"Unreadable":  {[]string{"export", "--db", unreadable, "--to", missing}, exitFound, `receipts.created_at "yesterday": cannot be read`},
		"Table":       {[]string{"export", "recepts", "--db", db, "--to", missing}, exitUsage, "is no table (allowed: receipts,"},
		"Filter":      {[]string{"export", "--agent", "x", "--db", db, "--to", missing}, exitUsage, "workflow_sessions: has no agent to choose rows by"},
		"NoDatabase":  {[]string{"export", "--db", missing, "--to", missing + "2"}, exitFailure, "the file does not exist"},
		"BelowFile":   {[]string{"export", "--db", db, "--to", filepath.Join(receipts, "x")}, exitFailure, "not a directory"},
		"Other":       {[]string{"import", "tables", "--db", other, whole}, exitFound, receipts + `: line 1: receipts.id "1": the target holds another row`},
		"OtherTable":  {[]string{"import", "tables", "--db", other, receipts}, exitFound, receipts + `: line 1: receipts.id "1": the target holds another row`},
		"Malformed":   {[]string{"import", "tables", "--db", other, bad}, exitFound, bad + `: line 1: receipts: is not valid JSON`},
		"Orphans":     {[]string{"import", "tables", "--db", filepath.Join(dir, "new.db"), filepath.Join(whole, "pipeline_metrics.jsonl")}, exitFound, `line 1: the target refused row 1 of pipeline_metrics`},
		"NoFile":      {[]string{"import", "tables", "--db", missing, missing + ".jsonl"}, exitFailure, "no such file"},
		"NoExport":    {[]string{"import", "tables", "--db", other, dir}, exitFound, "is no whole export"},
		"Device":      {[]string{"import", "tables", "--db", other, "--table", "receipts", os.DevNull}, exitFailure, "is no regular file"},
		"ReadOnly":    {[]string{"import", "tables", "--db", dir, receipts}, exitFailure, "is a directory"},
		"TooLong":     {[]string{"import", "tables", "--max-size", "1", "--db", other, "--table", "receipts", fixtureOf(t, strings.Repeat("x", 2<<20))}, exitFound, "line 1: is a row of more than 1048576 bytes"},
		"Unreachable": {[]string{"import", "tables", "--db", "postgres://u@127.0.0.1:1/db", whole}, exitFailure, "cannot connect"},
	} {
		t.Run(name, func(t *testing.T) {
			before := count(t, other, "SELECT COUNT(*) FROM audit_log")
			got := run(t, "", tt.args...)
			assert.Equal(t, tt.code, got.code, got.stderr)
			assert.Contains(t, got.stderr, tt.want)
			assert.NoFileExists(t, missing)
			assert.Equal(t, before, count(t, other, "SELECT COUNT(*) FROM audit_log"))
		})
	}
	got := run(t, "x", "import", "tables", "--db", other, "--table", "receipts", "-")
	assert.Equal(t, exitFound, got.code)
	assert.Contains(t, got.stderr, "standard input: line 1: receipts: is not valid JSON")
	var stderr strings.Builder
	assert.Equal(t, exitFailure, Run(t.Context(), []string{"export", "receipts", "--db", db, "--out", "-"}, nil, broken{}, &stderr))
	assert.Contains(t, stderr.String(), "no more")
}

func fixtureOf(t *testing.T, text string) string {
	return filepath.Join(folder(t, map[string]string{"text": text}), "text")
}

// broken is a writer that always fails.
type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("no more") }
