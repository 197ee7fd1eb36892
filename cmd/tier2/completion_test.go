package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestComplete checks completions from the database, and that a missing one causes no output.
func TestComplete(t *testing.T) {
	t.Parallel()
	db := inhabited(t, file(t))
	raw(t, db, `INSERT INTO receipts (execution_id, agent_id, operation, status, timestamp, duration_ms) VALUES ('bad' || char(10), 'bad' || char(27), 'watch', 'passed', '2020-01-01T00:00:00Z', 1)`)
	missing := filepath.Join(t.TempDir(), "missing.db")
	for line, want := range map[string]string{
		"recent --agent": "ann bob", "recent --status": "passed failed partial cancelled", "recent --environment": "dev", "recent --limit": "all",
		"collisions --session": "s2 s1", "collisions --severity": "info warning critical", "audit --execution": "e2 e1",
		"stages": "e2 e1", "stages e1": "", "slo": "e2 e1", "audit": "e2 e1 s2 s1", "memory": "bob ann system", "memory ann": "", "drift --since": "1h 24h 7d 30d",
		"import receipts --agent": "ann bob", "restore --from " + db: "e2 e1", "report --agent": "ann bob", "report --since": "1h 24h 7d 30d", "archive --before": "30d 90d 365d", "export --agent": "ann bob", "export --until": "1h 24h 7d 30d",
		"export --format": "jsonl csv", "export": strings.Join(tableNames(), " "), "audit --status": "started completed failed skipped",
	} {
		got := run(t, "", append(append([]string{"__complete", "--db", db}, strings.Fields(line)...), "")...)
		assert.Equal(t, exitOK, got.code, line)
		assert.Equal(t, strings.Fields(want+" :4"), strings.Fields(got.stdout), line)
	}
	for _, dsn := range []string{missing, "", ":memory:", "mysql://u:hunter2@h/db", "postgres://u:hunter2@127.0.0.1:1/db"} {
		got := run(t, "", "__complete", "--db", dsn, "recent", "--agent", "")
		assert.Equal(t, exitOK, got.code, dsn)
		assert.Equal(t, ":4\n", got.stdout, dsn)
		assert.NotContains(t, got.stderr, "hunter2")
		assert.NotContains(t, got.stderr, "tier2:")
	}
	assert.NoFileExists(t, missing)
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		got := run(t, "", "completion", shell)
		assert.Equal(t, exitOK, got.code)
		assert.Contains(t, got.stdout, "__complete")
	}
	assert.Equal(t, exitUsage, run(t, "", "completion", "tcsh").code)
}

func TestVersion(t *testing.T) {
	t.Parallel()
	got := run(t, "", "version")
	assert.Equal(t, exitOK, got.code)
	assert.Regexp(t, `^tier2 .+\ngo1\.\S+ \w+/\w+\nSQLite 3\.\S+ \(\S+\)\nschema 4\n$`, got.stdout)
	var v built
	require.NoError(t, json.Unmarshal([]byte(run(t, "", "version", "--json").stdout), &v))
	assert.Equal(t, 4, v.Schema)
}
