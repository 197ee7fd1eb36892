package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestRun_OutputLost: what cannot be written is exit code 3, said once, also of verbs
// whose result is a few lines.
func TestRun_OutputLost(t *testing.T) {
	t.Parallel()
	db := inhabited(t, file(t))
	for _, line := range []string{"--help", "help recent", "recent --help", "version", "completion bash", "recent", "recent --json", "agents --csv", "drift", "verify", "report --out -", "report --json", "export receipts --out -", "memory ann"} {
		var stderr strings.Builder
		code := Run(t.Context(), append(strings.Fields(line), "--db", db), strings.NewReader(""), full{}, &stderr)
		assert.Equal(t, exitFailure, code, line)
		assert.Equal(t, 1, strings.Count(stderr.String(), errFull.Error()), "%s: %s", line, stderr.String())
	}
}
