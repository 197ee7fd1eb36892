package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestReadmeAudit runs the README's commands of the audit log, one after the other, on a
// database with entries. (Not parallel: it changes folder.)
func TestReadmeAudit(t *testing.T) {
	receipt, err := os.ReadFile("testdata/wrapped.json")
	require.NoError(t, err)
	verbs := readme(t, "keygen", string(receipt))
	assert.Equal(t, map[string]int{"keygen": 1, "seal": 1, "verify": 1, "prove": 2}, verbs)
}

// TestReadmeRetention runs its commands of the archive, likewise.
func TestReadmeRetention(t *testing.T) {
	verbs := readme(t, "archive", `{"execution_id":"exec-001","agent_id":"a","timestamp":"2025-01-29T12:34:56Z","pipeline":{"μ₃_emit":{"status":"success","duration_ms":1}}}`)
	assert.Equal(t, map[string]int{"archive": 2, "verify": 1, "restore": 1}, verbs)
	assert.Equal(t, 1, count(t, defaultDB, receipts), "it is back")
	assert.Equal(t, 1, count(t, "archive.db", receipts))
}

// readme runs the README's block that begins with a verb, in a new folder, on a database
// with a receipt, and counts the verbs.
func readme(t *testing.T, verb, receipt string) map[string]int {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	block := regexp.MustCompile("(?s)```sh\n(tier2 " + verb + " .*?)```").FindStringSubmatch(string(text))
	require.NotNil(t, block)
	t.Chdir(t.TempDir())
	require.Equal(t, exitOK, run(t, receipt, "import", "receipts", "-").code)
	verbs := map[string]int{}
	for line := range strings.Lines(block[1]) {
		line, _, _ = strings.Cut(line, "#")
		line, to, redirected := strings.Cut(line, " > ")
		args := strings.Fields(line)[1:]
		got := run(t, "", args...)
		require.Equal(t, exitOK, got.code, "%s: %s%s", line, got.stdout, got.stderr)
		if redirected {
			require.NoError(t, os.WriteFile(strings.TrimSpace(to), []byte(got.stdout), 0o600))
		}
		verbs[args[0]]++
	}
	return verbs
}
