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

// folder returns a new directory with the files.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	return dir
}

func fixture(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return string(text)
}

func TestImport_Folder(t *testing.T) {
	t.Parallel()
	db := filepath.Join(t.TempDir(), "made", "tier2.db")
	wrapped, flat := fixture(t, "wrapped.json"), fixture(t, "flat.json")
	dir := folder(t, map[string]string{
		"a.json": wrapped, "deep/b.JSON": flat, "notes.txt": "not looked at", "broken.json": `{"receipt":`,
		"recovery.json": strings.NewReplacer("exec-1", "exec-3", "generation", "error-recovery").Replace(wrapped),
		"other.json":    strings.Replace(wrapped, "400", "401", 1), // the same execution, other content
		"log.jsonl":     "{\"record\":{}}\n\n" + strings.ReplaceAll(strings.Replace(wrapped, "exec-1", "exec-4", 1), "\n", "") + "\n[]\n",
	})

	got := run(t, "", "import", "receipts", "--db", db, dir)
	assert.Equal(t, exitFound, got.code)
	assert.Equal(t, "2 imported, 0 unchanged, 6 refused\n", got.stdout)
	for file, reason := range map[string]string{
		"broken.json:":   "is not valid JSON",
		"deep/b.JSON:":   "(--agent)",
		"recovery.json:": "allowed: validation, generation, normalization, extraction, emission, canonicalization, receipt, dry_run, watch",
		"other.json:":    "is stored already, with other content",
		"log.jsonl:1:":   "is no ggen receipt",
		"log.jsonl:4:":   "is no JSON object",
	} {
		line := ""
		for _, l := range strings.Split(got.stderr, "\n") {
			if strings.HasPrefix(l, "refused "+filepath.Join(dir, file)) {
				line = l
			}
		}
		assert.Contains(t, line, reason, file)
	}
	assert.Equal(t, 2, count(t, db, "SELECT COUNT(*) FROM receipts"))
	assert.Equal(t, 10, count(t, db, "SELECT COUNT(*) FROM pipeline_metrics"))
	assert.Equal(t, 12, count(t, db, "SELECT COUNT(*) FROM audit_log WHERE status = 'completed'"))
	assert.Zero(t, count(t, db, "SELECT COUNT(*) FROM audit_log WHERE status <> 'completed'"), "a refusal writes nothing")

	got = run(t, "", "import", "receipts", "--db", db, dir, "--agent", "builder-2", "--map", "error-recovery=validation", "--json")
	assert.Equal(t, exitFound, got.code)
	var sum summary
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &sum))
	assert.Equal(t, []int{2, 2, 4}, []int{sum.Imported, sum.Unchanged, sum.Refused})
	assert.Len(t, sum.Refusals, 4)
	assert.Equal(t, 1, count(t, db, "SELECT COUNT(*) FROM receipts WHERE execution_id = 'exec-3' AND operation = 'validation'"))
	assert.Equal(t, 1, count(t, db, "SELECT COUNT(*) FROM receipts WHERE execution_id = 'exec-2' AND operation = 'generation' AND agent_id = 'builder-2' AND files_generated = 2 AND duration_ms = 142"))
	assert.Equal(t, 1, count(t, db, "SELECT COUNT(*) FROM slo_violations WHERE metric = 'generation_memory' AND actual_value = 112.4 AND severity = 'warning'"))
	assert.Equal(t, 2, count(t, db, "SELECT COUNT(*) FROM agent_memory"))

	rows := count(t, db, "SELECT COUNT(*) FROM audit_log")
	got = run(t, "", "import", "receipts", "--db", db, "--agent", "builder-2", filepath.Join(dir, "a.json"), filepath.Join(dir, "deep", "b.JSON"))
	assert.Equal(t, result{exitOK, "0 imported, 2 unchanged, 0 refused\n", ""}, got)
	assert.Equal(t, rows, count(t, db, "SELECT COUNT(*) FROM audit_log"), "importing again changes nothing")

	require.Equal(t, exitOK, run(t, "", "verify", db).code)
}

func TestImport_Operation(t *testing.T) {
	t.Parallel()
	db := database(t)
	got := run(t, "", "import", "receipts", "--db", db, "--agent", "a", "--operation", "dry_run", "testdata/flat.json", "testdata/wrapped.json")
	require.Equal(t, exitOK, got.code, got.stderr)
	assert.Equal(t, 1, count(t, db, "SELECT COUNT(*) FROM receipts WHERE operation = 'dry_run' AND execution_id = 'exec-2'"))
	assert.Equal(t, 1, count(t, db, "SELECT COUNT(*) FROM receipts WHERE operation = 'generation' AND execution_id = 'exec-1'"))
}

func TestImport_StandardInput(t *testing.T) {
	t.Parallel()
	wrapped := fixture(t, "wrapped.json")
	for name, tt := range map[string]struct {
		stdin  string
		code   int
		want   string
		stderr string
	}{
		"One":       {wrapped, exitOK, "1 imported, 0 unchanged, 0 refused\n", ""},
		"Twice":     {wrapped + wrapped, exitOK, "1 imported, 1 unchanged, 0 refused\n", ""},
		"Two":       {wrapped + strings.Replace(wrapped, "exec-1", "x", 1), exitOK, "2 imported, 0 unchanged, 0 refused\n", ""},
		"Empty":     {" \n", exitFound, "0 imported, 0 unchanged, 1 refused\n", "standard input: is empty"},
		"Malformed": {wrapped + "{]", exitFound, "1 imported, 0 unchanged, 1 refused\n", "document 2: is not valid JSON"},
		"Cut":       {wrapped[:200], exitFound, "0 imported, 0 unchanged, 1 refused\n", "unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := database(t)
			got := run(t, tt.stdin, "import", "receipts", "--db", db, "-")
			assert.Equal(t, tt.code, got.code)
			assert.Equal(t, tt.want, got.stdout)
			assert.Contains(t, got.stderr, tt.stderr)
			again := run(t, "", "import", "receipts", "--db", db, "testdata/wrapped.json")
			assert.Equal(t, exitOK, again.code, "a file with the same receipt is unchanged, whatever surrounds it: %s", again.stderr)
		})
	}
}

func TestImport_BadSources(t *testing.T) {
	t.Parallel()
	db, empty := database(t), t.TempDir()
	got := run(t, "", "import", "receipts", "--db", db, filepath.Join(empty, "none.json"), empty, os.DevNull, "testdata/wrapped.json")
	assert.Equal(t, exitFound, got.code)
	assert.Equal(t, "1 imported, 0 unchanged, 3 refused\n", got.stdout)
	assert.Contains(t, got.stderr, "no such file")
	assert.Contains(t, got.stderr, "no .json or .jsonl file")
	assert.Contains(t, got.stderr, "is no regular file")
}

func TestImport_NoDatabase(t *testing.T) {
	t.Parallel()
	text := filepath.Join(folder(t, map[string]string{"text.db": strings.Repeat("no database ", 100)}), "text.db")
	got := run(t, "", "import", "receipts", "--db", text, "testdata/wrapped.json")
	assert.Equal(t, exitFailure, got.code)
	assert.Contains(t, got.stderr, "is not a SQLite database")
}

func TestImport_LinkToDirectory(t *testing.T) {
	t.Parallel()
	link := filepath.Join(t.TempDir(), "link")
	target, err := filepath.Abs("testdata")
	require.NoError(t, err)
	require.NoError(t, os.Symlink(target, link))
	got := run(t, "", "import", "receipts", link, "--agent", "a", "--db", database(t))
	assert.Equal(t, "2 imported, 0 unchanged, 0 refused\n", got.stdout, got.stderr)
}
