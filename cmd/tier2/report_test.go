package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2/internal/pgtest"
	"github.com/seanchatmangpt/ggen/tier2/report"
)

func TestReport(t *testing.T) {
	t.Parallel()
	for name, dsn := range map[string]func(testing.TB) string{
		"SQLite":   func(t testing.TB) string { return filepath.Join(t.TempDir(), "tier2.db") },
		"Postgres": pgtest.DSN,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, dir := dsn(t), t.TempDir()
			out := filepath.Join(dir, "report.html")
			missing := run(t, "", "report", "--db", db, "--out", out)
			assert.Equal(t, exitFailure, missing.code)
			assert.Contains(t, missing.stderr, "'tier2 init' makes one")
			assert.NoFileExists(t, out)
			require.Equal(t, exitOK, run(t, "", "init", db).code)
			require.Equal(t, exitOK, run(t, drifting("x", "y"), "import", "receipts", "--db", db, "-").code)

			got := run(t, "", "report", "--db", db, "--out", out, "--title", "a <b>")
			require.Equal(t, exitOK, got.code, got.stderr)
			assert.Contains(t, got.stdout, "wrote "+out+": 2 executions, ")
			page, err := os.ReadFile(out)
			require.NoError(t, err)
			assert.True(t, strings.HasPrefix(string(page), pageStart))
			assert.Contains(t, string(page), "<title>a &lt;b&gt;</title>")
			assert.Contains(t, string(page), "run-1")
			assert.Equal(t, os.FileMode(0o600), mode(t, out))

			require.NoError(t, os.Chmod(out, 0o644))
			assert.Equal(t, exitOK, run(t, "", "report", "--db", db, "--out", out, "--agent", "nobody").code)
			again, err := os.ReadFile(out)
			require.NoError(t, err)
			assert.NotContains(t, string(again), "run-1")
			assert.Equal(t, os.FileMode(0o644), mode(t, out), "as the page before")

			got = run(t, "", "report", "--db", db, "--out", "-", "--since", "2026-01-01T00:00:01Z", "--until", "2026-01-02")
			assert.Equal(t, exitOK, got.code)
			assert.True(t, strings.HasPrefix(got.stdout, pageStart))
			assert.NotContains(t, got.stdout, `"run-0"`)

			got = run(t, "", "report", "--db", db, "--json", "--title", "x")
			assert.Equal(t, exitOK, got.code)
			var data report.Data
			require.NoError(t, json.Unmarshal([]byte(got.stdout), &data))
			assert.Equal(t, "x", data.Title)
			assert.Equal(t, int64(2), data.Totals.Executions)
			assert.Len(t, data.Drifts, 1)

			names, err := os.ReadDir(dir)
			require.NoError(t, err)
			assert.Len(t, names, 1, "nothing else is left")
		})
	}
}

func mode(t *testing.T, path string) os.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	require.NoError(t, err)
	return info.Mode().Perm()
}

// TestReport_Target checks that report never overwrites a file that is not a page, nor the
// database, under any path.
func TestReport_Target(t *testing.T) {
	t.Parallel()
	db, dir := database(t), t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	require.NoError(t, os.WriteFile(in("key"), []byte("PRIVATE"), 0o600))
	require.NoError(t, os.WriteFile(in("long"), []byte("not <!DOCTYPE html>"), 0o600))
	require.NoError(t, os.WriteFile(in("empty"), nil, 0o640))
	require.NoError(t, os.WriteFile(in("page"), []byte(pageStart), 0o640))
	require.NoError(t, os.Symlink(db, in("link")))
	require.NoError(t, os.Link(db, in("hard")))
	require.NoError(t, os.Symlink(in("page"), in("link-to-page")))
	require.NoError(t, os.WriteFile(db+"-wal", nil, 0o600))
	for name, tt := range map[string]struct {
		out  string
		code int
		want string
	}{
		"Database":     {db, exitUsage, "belongs to the database"},
		"WAL":          {db + "-wal", exitUsage, "belongs to the database"},
		"Journal":      {db + "-journal", exitUsage, "belongs to the database"},
		"Symlink":      {in("link"), exitUsage, "belongs to the database"},
		"HardLink":     {in("hard"), exitUsage, "belongs to the database"},
		"OtherFile":    {in("key"), exitFound, "exists and is no HTML page"},
		"NotAtStart":   {in("long"), exitFound, "exists and is no HTML page"},
		"Folder":       {dir, exitFailure, "is no file"},
		"Device":       {os.DevNull, exitFailure, "is no file"},
		"NoFolder":     {in("missing/x.html"), exitFailure, "no such file"},
		"UnderAFile":   {in("key/x.html"), exitFailure, "not a directory"},
		"Nul":          {"a\x00b", exitFailure, "invalid argument"},
		"LongName":     {in(strings.Repeat("x", 300)), exitFailure, "file name too long"},
		"EmptyFile":    {in("empty"), exitOK, ""},
		"Page":         {in("page"), exitOK, ""},
		"LinkToAPage":  {in("link-to-page"), exitOK, ""},
		"BlankIsNoOut": {"", exitUsage, "give --out"},
	} {
		t.Run(name, func(t *testing.T) {
			got := run(t, "", "report", "--db", db, "--out", tt.out)
			assert.Equal(t, tt.code, got.code, got.stderr)
			assert.Contains(t, got.stderr, tt.want)
		})
	}
	assert.Equal(t, exitOK, run(t, "", "verify", db).code)
	assert.Equal(t, os.FileMode(0o640), mode(t, in("empty")))
	info, err := os.Lstat(in("link-to-page"))
	require.NoError(t, err)
	assert.NotZero(t, info.Mode()&os.ModeSymlink, "the page that it names was replaced")
	names, err := filepath.Glob(in("*.tmp"))
	require.NoError(t, err)
	assert.Empty(t, names)
}
