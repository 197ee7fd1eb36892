package main

import (
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"

	"github.com/seanchatmangpt/ggen/tier2/cmd/tier2/internal/term"
)

// TestRun_OutputLost checks that a failed write to stdout is exit code 3 and reported once,
// also by verbs that print a few lines.
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

// TestReading_Same covers flags and errors that all verbs that list rows share.
func TestReading_Same(t *testing.T) {
	t.Parallel()
	db := inhabited(t, file(t))
	for _, verb := range []string{"recent", "agents", "slo", "collisions", "collisions --pairs", "sessions", "audit", "memory", "memory ann --history", "drift"} {
		got := run(t, "", append(strings.Fields(verb), "--limit", "all", "--db", db)...)
		assert.Equal(t, exitOK, got.code, "%s: %s", verb, got.stderr)
		assert.Empty(t, got.stderr, verb)
	}
	for _, unknown := range []string{"stages x", "slo x", "audit x", "memory x", "memory x --history", "memory x --history --since 1d", "memory x --at 1d"} {
		got := run(t, "", append(strings.Fields(unknown), "--db", db)...)
		assert.Equal(t, exitFound, got.code, unknown)
		assert.Empty(t, got.stdout, unknown)
		assert.NotEmpty(t, got.stderr, unknown)
	}
	assert.Equal(t, exitOK, run(t, "", "memory", "ann", "--history", "--until", "2020-01-01", "--db", db).code, "it has versions, later")
}

// TestHelp_Width checks that help texts fit 80 columns.
func TestHelp_Width(t *testing.T) {
	t.Parallel()
	var verbs func(*cobra.Command) []string
	verbs = func(cmd *cobra.Command) (paths []string) {
		paths = []string{strings.TrimPrefix(strings.TrimPrefix(cmd.CommandPath(), "tier2"), " ")}
		for _, sub := range cmd.Commands() {
			paths = append(paths, verbs(sub)...)
		}
		return paths
	}
	a := &app{Console: term.New(strings.NewReader(""), io.Discard, io.Discard)}
	for _, path := range verbs(a.command()) {
		got := run(t, "", append(strings.Fields(path), "--help")...)
		assert.Equal(t, exitOK, got.code, path)
		for _, line := range strings.Split(got.stdout, "\n") {
			if strings.HasPrefix(line, "  tier2 ") || strings.HasPrefix(path, "completion ") {
				continue // examples are not wrapped, and cobra writes the texts of completion
			}
			assert.LessOrEqual(t, utf8.RuneCountInString(line), 80, "%s: %s", path, line)
		}
		if !strings.HasPrefix(path, "completion") {
			assert.Contains(t, got.stdout, "Examples:", path)
		}
	}
	assert.Contains(t, run(t, "", "recent", "--nope").stderr, "Run 'tier2 recent --help' for usage.")
}

var errFull = errors.New("full")

// full is a writer that always fails.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }
