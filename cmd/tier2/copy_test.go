package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/internal/pgtest"
)

func TestCopy(t *testing.T) {
	t.Parallel()
	source := database(t)
	require.Equal(t, exitOK, run(t, "", "import", "receipts", "--db", source, "testdata/wrapped.json").code)
	for name, target := range map[string]func(testing.TB) string{
		"SQLite":   func(t testing.TB) string { return filepath.Join(t.TempDir(), "made", "copy.db") },
		"Postgres": pgtest.DSN,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := target(t)
			got := run(t, "", "copy", "--from", source, "--to", target)
			require.Equal(t, exitOK, got.code, got.stderr)
			assert.Empty(t, got.stderr, "no progress bar outside a terminal")
			assert.Regexp(t, `^TABLE +SOURCE +TARGET +INSERTED +UPDATED +SOURCE SHA-256 +TARGET SHA-256 +EQUAL\nreceipts +1 +1 +1 +0 +([0-9a-f]{16}) +([0-9a-f]{16}) +yes\n`, got.stdout)
			row := regexp.MustCompile(`(?m)^pipeline_metrics .* ([0-9a-f]+) +([0-9a-f]+) +yes$`).FindStringSubmatch(got.stdout)
			require.NotNil(t, row)
			assert.Equal(t, row[1], row[2])

			require.Equal(t, exitOK, run(t, "", "verify", target).code)
			back := filepath.Join(t.TempDir(), "back.db")
			got = run(t, "", "copy", "--json", "--from", target, "--to", back)
			require.Equal(t, exitOK, got.code, got.stderr)
			var report tier2.CopyReport
			require.NoError(t, json.Unmarshal([]byte(got.stdout), &report))
			require.Len(t, report.Tables, 11, "the seven, and what proves the audit log")
			assert.True(t, report.Equal)
			for _, table := range report.Tables {
				assert.Equal(t, table.Source, table.Target)
			}
			assert.Equal(t, run(t, "", "recent", "--json", "--db", source).stdout, run(t, "", "recent", "--json", "--db", back).stdout)
			assert.Equal(t, exitOK, run(t, "", "copy", "--from", source, "--to", back).code, "there and back is the same")
		})
	}
}

func TestCopy_Refused(t *testing.T) {
	t.Parallel()
	source, other, unreadable := database(t), database(t), database(t)
	require.Equal(t, exitOK, run(t, "", "import", "receipts", "--db", source, "testdata/wrapped.json").code)
	require.Equal(t, exitOK, run(t, "", "import", "receipts", "--agent", "a", "--db", other, "testdata/flat.json").code)
	require.Equal(t, exitOK, run(t, "", "import", "receipts", "--agent", "a", "--db", unreadable, "testdata/flat.json").code)
	raw(t, unreadable, "UPDATE receipts SET created_at = 'yesterday'")
	dir := t.TempDir()
	link, text, empty, missing := filepath.Join(dir, "link.db"), filepath.Join(dir, "text.db"), filepath.Join(dir, "empty.db"), filepath.Join(dir, "missing.db")
	require.NoError(t, os.Link(source, link))
	require.NoError(t, os.WriteFile(text, []byte(strings.Repeat("no database ", 100)), 0o600))
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	target := filepath.Join(dir, "target.db")
	for name, tt := range map[string]struct {
		from, to string
		code     int
		want     string
	}{
		"OtherData":  {source, other, exitFound, `receipts.id "1": the target holds another row under this key than the source`},
		"Same":       {source, source, exitFound, "source and target are the same database"},
		"SameLink":   {source, link, exitFound, "source and target are the same database"},
		"SameURI":    {source, "file:" + source + "?mode=rw", exitFound, "source and target are the same database"},
		"Unreadable": {unreadable, target, exitFound, `receipts.created_at "yesterday": cannot be read as timestamptz in row 1`},
		"Missing":    {missing, target + "2", exitFailure, "the file does not exist"},
		"Empty":      {empty, target + "2", exitFailure, "there is no tier2 database in it"},
		"NoDatabase": {text, target + "2", exitFailure, "is not a SQLite database"},
		"Target":     {source, text, exitFailure, "is not a SQLite database"},
		"Server":     {source, "postgres://u@127.0.0.1:1/db", exitFailure, "cannot connect to the server"},
	} {
		t.Run(name, func(t *testing.T) {
			before := count(t, other, "SELECT COUNT(*) FROM audit_log")
			got := run(t, "", "copy", "--from", tt.from, "--to", tt.to)
			assert.Equal(t, tt.code, got.code, got.stderr)
			assert.Contains(t, got.stderr, tt.want)
			assert.Empty(t, got.stdout)
			assert.NoFileExists(t, missing)
			assert.NoFileExists(t, target+"2", "no target is made for a source that cannot be opened")
			assert.Equal(t, before, count(t, other, "SELECT COUNT(*) FROM audit_log"))
		})
	}
}
