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
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	block := regexp.MustCompile("(?s)```sh\n(tier2 keygen .*?)```").FindStringSubmatch(string(readme))
	require.NotNil(t, block)
	receipt, err := os.ReadFile("testdata/wrapped.json")
	require.NoError(t, err)
	t.Chdir(t.TempDir())
	require.Equal(t, exitOK, run(t, string(receipt), "import", "receipts", "-").code)
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
	assert.Equal(t, map[string]int{"keygen": 1, "seal": 1, "verify": 1, "prove": 2}, verbs)
}
