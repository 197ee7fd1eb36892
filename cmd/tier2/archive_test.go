package main

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/internal/pgtest"
)

// archivable returns a new database with two executions, one old and one new.
func archivable(t *testing.T, dsn string) string {
	t.Helper()
	const docs = `{"execution_id":"old","agent_id":"a","timestamp":"2026-01-01T00:00:00Z","pipeline":{"μ₃_emit":{"status":"success","duration_ms":1}}}
		{"execution_id":"new","agent_id":"a","timestamp":"2026-01-02T00:00:00Z","pipeline":{"μ₃_emit":{"status":"success","duration_ms":1}}}`
	got := run(t, docs, "--db", dsn, "import", "receipts", "-")
	require.Equal(t, exitOK, got.code, got.stderr)
	return dsn
}

const receipts = "SELECT COUNT(*) FROM receipts"

func TestArchive(t *testing.T) {
	t.Parallel()
	engines := map[string]func(testing.TB) string{"SQLite": file, "Postgres": pgtest.DSN}
	for from, source := range engines {
		for to, target := range engines {
			t.Run(from+"To"+to, func(t *testing.T) {
				t.Parallel()
				db, archive := archivable(t, source(t)), target(t)
				where, err := tier2.Location(archive)
				require.NoError(t, err)
				before := run(t, "", "recent", "--json", "--db", db).stdout
				args := []string{"archive", "--db", db, "--before", "2026-01-02", "--to", archive}

				got := run(t, "", append(args, "--dry-run")...)
				assert.Equal(t, result{exitOK, "would archive 1 executions to " + where + ": 1 metrics, 0 SLO violations, 2 audit entries\n", ""}, got)
				assert.Equal(t, exitFound, run(t, "", "verify", archive).code, "nothing was made")
				assert.Equal(t, before, run(t, "", "recent", "--json", "--db", db).stdout)

				got = run(t, "", append(args, "--yes")...)
				assert.Equal(t, result{exitOK, "archived 1 executions to " + where + ": 1 metrics, 0 SLO violations, 2 audit entries\n", ""}, got)
				got = run(t, "", append(args, "--yes", "--json")...)
				require.Equal(t, exitOK, got.code, got.stderr)
				assert.JSONEq(t, `{"executions":0,"metrics":0,"violations":0,"audit_entries":0,"kept":0}`, got.stdout)
				assert.Equal(t, 1, count(t, db, receipts+" WHERE execution_id = 'new'"))
				assert.Equal(t, 1, count(t, db, receipts))
				assert.Equal(t, 1, count(t, archive, receipts+" WHERE execution_id = 'old'"))
				got = run(t, "", "verify", "--audit", "--archive", archive, db)
				assert.Equal(t, exitOK, got.code, got.stdout)
				assert.Contains(t, got.stdout, " 2 archived, 0 not sealed yet")
				assert.Equal(t, exitOK, run(t, "", "verify", archive).code)
				got = run(t, "", "import", "receipts", "--db", archive, "testdata/wrapped.json")
				assert.Equal(t, exitFailure, got.code)
				assert.Contains(t, got.stderr, "is an archive")

				for _, want := range []string{
					"restored 1 executions from " + where + ": 1 metrics, 0 SLO violations, 2 audit entries\n",
					"restored 0 executions from " + where + ": 0 metrics, 0 SLO violations, 0 audit entries\n",
				} {
					assert.Equal(t, result{exitOK, want, ""}, run(t, "", "restore", "--db", db, "--from", archive, "--yes", "old"))
				}
				assert.Equal(t, before, run(t, "", "recent", "--json", "--db", db).stdout)
				assert.Equal(t, exitOK, run(t, "", append(args[:4:4], "1h", "--to", archive, "--yes")...).code)
				got = run(t, "", "restore", "--db", db, "--from", archive, "--yes", "--json")
				require.Equal(t, exitOK, got.code, got.stderr)
				var report tier2.ArchiveReport
				require.NoError(t, json.Unmarshal([]byte(got.stdout), &report))
				assert.Equal(t, tier2.ArchiveReport{Executions: 2, Metrics: 2, Entries: 4}, report)
				assert.Equal(t, before, run(t, "", "recent", "--json", "--db", db).stdout)
				got = run(t, "", "verify", "--audit", "--archive", archive, db)
				assert.Equal(t, exitOK, got.code, got.stdout)
			})
		}
	}
}

func TestArchive_Usage(t *testing.T) {
	t.Parallel()
	db := filepath.Join(t.TempDir(), "x.db")
	for name, tt := range map[string]struct {
		args []string
		want string
	}{
		"NoTime":        {[]string{"archive", "--db", db, "--to", db + "2", "--yes"}, "give both --before and --to"},
		"NoPath":        {[]string{"archive", "--db", db, "--before", "90d", "--yes"}, "give both --before and --to"},
		"Time":          {[]string{"archive", "--db", db, "--before", "soon", "--to", db + "2", "--yes"}, "must be a time such as"},
		"NoAge":         {[]string{"archive", "--db", db, "--before", "", "--to", db + "2", "--yes"}, "must be a time such as"},
		"Future":        {[]string{"archive", "--db", db, "--before", "2999-01-01", "--to", db + "2", "--dry-run"}, "--before 2999-01-01T00:00:00Z: lies in the future"},
		"BlankTo":       {[]string{"archive", "--db", db, "--before", "90d", "--to", " ", "--yes"}, "is blank"},
		"ToMemory":      {[]string{"archive", "--db", db, "--before", "90d", "--to", ":memory:", "--dry-run"}, "is no file"},
		"OfMemory":      {[]string{"archive", "--db", ":memory:", "--before", "90d", "--to", db, "--yes"}, "is no file"},
		"Asks":          {[]string{"archive", "--db", db, "--before", "90d", "--to", db + "2"}, "give --yes"},
		"Arg":           {[]string{"archive", db}, "unknown command"},
		"RestoreNoPath": {[]string{"restore", "--db", db, "--yes", "exec-1"}, "give --from"},
		"RestoreMemory": {[]string{"restore", "--db", db, "--from", ":memory:", "--yes"}, "is no file"},
		"RestoreAsks":   {[]string{"restore", "--db", db, "--from", db + "2"}, "give --yes"},
		"RestoreBlank":  {[]string{"restore", "--db", db, "--from", db + "2", "--yes", "exec-1", " "}, `" " is no id`},
		"RestoreBytes":  {[]string{"restore", "--db", db, "--from", db + "2", "--yes", "\xff"}, "is no id"},
	} {
		got := run(t, "y\n", tt.args...)
		assert.Equal(t, exitUsage, got.code, name)
		assert.Contains(t, got.stderr, tt.want, name)
		assert.Empty(t, got.stdout, name)
		assert.NoFileExists(t, db, name)
		assert.NoFileExists(t, db+"2", name)
	}
}

// TestArchive_Refused checks that a refused archive moves nothing and creates no file.
func TestArchive_Refused(t *testing.T) {
	t.Parallel()
	db, own := archivable(t, file(t)), archivable(t, file(t))
	dir := t.TempDir()
	foreign, mine := filepath.Join(dir, "foreign.db"), filepath.Join(dir, "mine.db")
	require.Equal(t, exitOK, run(t, "", "archive", "--db", own, "--before", "2026-01-02", "--to", foreign, "--yes").code)
	require.Equal(t, exitOK, run(t, "", "archive", "--db", db, "--before", "2026-01-02", "--to", mine, "--yes").code)
	link, text, missing := filepath.Join(dir, "link.db"), filepath.Join(dir, "text.db"), filepath.Join(dir, "missing.db")
	require.NoError(t, os.Symlink(db, link))
	require.NoError(t, os.WriteFile(text, []byte(strings.Repeat("no database ", 100)), 0o600))
	forked := archivable(t, file(t))
	require.Equal(t, exitOK, run(t, "", "seal", forked).code)
	raw(t, forked, "UPDATE tier2_audit_tree SET hash = zeroblob(32) WHERE level = 0")
	const server = "postgres://u:hunter2@127.0.0.1:1/db"

	to := func(path string) []string {
		return []string{"archive", "--db", db, "--before", "0d", "--yes", "--to", path}
	}
	from := func(path string, ids ...string) []string {
		return append([]string{"restore", "--db", db, "--yes", "--from", path}, ids...)
	}
	for name, tt := range map[string]struct {
		args []string
		code int
		want string
	}{
		"Own":              {to(own), exitFound, "is a store of its own, not an archive"},
		"Foreign":          {to(foreign), exitFound, "the archive is not one of this store"},
		"Forked":           {[]string{"archive", "--db", forked, "--before", "0d", "--yes", "--to", filepath.Join(dir, "forked.db")}, exitFound, "tree"},
		"Itself":           {to(db), exitUsage, "store and archive are the same database"},
		"Link":             {to(link), exitUsage, "store and archive are the same database"},
		"URI":              {to("file:" + db + "?mode=rw"), exitUsage, "store and archive are the same database"},
		"Folder":           {to(dir), exitFailure, "is a directory"},
		"Text":             {to(text), exitFailure, "is not a SQLite database"},
		"BelowFile":        {to(filepath.Join(text, "x.db")), exitFailure, "not a directory"},
		"Server":           {to(server), exitFailure, "cannot connect to the server"},
		"NoDatabase":       {[]string{"archive", "--db", missing, "--before", "0d", "--yes", "--to", missing + "2"}, exitFailure, "'tier2 init' makes one"},
		"DryNoDatabase":    {[]string{"archive", "--db", missing, "--before", "0d", "--dry-run", "--to", missing + "2"}, exitFailure, "'tier2 init' makes one"},
		"OfArchive":        {[]string{"archive", "--db", mine, "--before", "0d", "--yes", "--to", missing + "2"}, exitFailure, "is an archive"},
		"DryOfArchive":     {[]string{"archive", "--db", mine, "--before", "0d", "--dry-run", "--to", missing + "2"}, exitFailure, "is an archive"},
		"RestoreOwn":       {from(own), exitFound, "is no archive, but a store of its own"},
		"RestoreItself":    {from(db), exitFound, "is no archive, but a store of its own"},
		"RestoreForeign":   {from(foreign), exitFound, "the archive is not one of this store"},
		"RestoreUnknown":   {from(mine, "old", "none"), exitFound, `receipts.execution_id "none": not found`},
		"RestoreSecret":    {from(mine, server), exitFound, "not found"},
		"RestoreMissing":   {from(missing), exitFailure, "the file does not exist"},
		"RestoreFolder":    {from(dir), exitFailure, "is a directory"},
		"RestoreText":      {from(text), exitFailure, "is not a SQLite database"},
		"RestoreServer":    {from(server), exitFailure, "cannot connect to the server"},
		"RestoreToNone":    {[]string{"restore", "--db", missing, "--yes", "--from", mine}, exitFailure, "'tier2 init' makes one"},
		"RestoreToArchive": {[]string{"restore", "--db", mine, "--yes", "--from", mine}, exitFailure, "is an archive"},
	} {
		t.Run(name, func(t *testing.T) {
			got := run(t, "", tt.args...)
			assert.Equal(t, tt.code, got.code, got.stderr)
			assert.Contains(t, got.stderr, tt.want)
			assert.NotContains(t, got.stderr, "hunter2")
			assert.Empty(t, got.stdout)
		})
	}
	assert.NoFileExists(t, missing)
	assert.NoFileExists(t, missing+"2")
	for path, want := range map[string]int{db: 1, own: 1, foreign: 1, mine: 1, forked: 2} {
		assert.Equal(t, want, count(t, path, receipts), path)
	}
	got := run(t, "", "verify", "--audit", "--archive", mine, db)
	assert.Equal(t, exitOK, got.code, got.stdout)
}

// TestArchive_Itself checks that a database is not archived to itself under another URL,
// and that the message contains no password.
func TestArchive_Itself(t *testing.T) {
	t.Parallel()
	db := archivable(t, pgtest.DSN(t))
	u, err := url.Parse(db)
	require.NoError(t, err)
	u.User = url.UserPassword(u.User.Username(), "hunter2") // the server does not ask for it
	for code, args := range map[int][]string{
		exitUsage: {"archive", "--before", "0d", "--to", u.String()},
		exitFound: {"restore", "--from", u.String()},
	} {
		got := run(t, "", append(args, "--db", db, "--yes")...)
		assert.Equal(t, code, got.code, got.stderr)
		assert.NotContains(t, got.stderr+got.stdout, "hunter2")
	}
	assert.Equal(t, 2, count(t, db, receipts))
}

// TestArchive_Signed checks that the checkpoints of an archive are signed.
func TestArchive_Signed(t *testing.T) {
	private, public := keys(t)
	key, err := os.ReadFile(private)
	require.NoError(t, err)
	t.Setenv(signingKey, string(key))
	db, archive := archivable(t, file(t)), file(t)
	for _, args := range [][]string{{"archive", "--before", "0d", "--to", archive}, {"restore", "--from", archive}} {
		got := run(t, "", append(args, "--db", db, "--yes")...)
		require.Equal(t, exitOK, got.code, got.stderr)
		got = run(t, "", "verify", "--audit", "--archive", archive, "--key", "@"+public, db)
		assert.Equal(t, exitOK, got.code, got.stdout)
		assert.Contains(t, got.stdout, " 0 not sealed yet")
	}
}
