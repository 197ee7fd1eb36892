package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/mattn/go-runewidth"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// onTerminal runs the command on a terminal of that width, and returns what it shows.
func onTerminal(t *testing.T, width int, args ...string) string {
	t.Helper()
	tty, keyboard := terminal(t)
	require.NoError(t, unix.IoctlSetWinsize(int(tty.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: uint16(width)}))
	shown := make(chan string, 1)
	go func() {
		b, _ := io.ReadAll(keyboard) // ends with an error when nobody has the terminal open
		shown <- string(b)
	}()
	code := Run(t.Context(), args, strings.NewReader(""), tty, tty)
	require.NoError(t, tty.Close())
	require.Equal(t, exitOK, code)
	return strings.ReplaceAll(<-shown, "\r\n", "\n")
}

// TestTable_Terminal: a table fits, has colours where they are wanted, and nowhere else.
// (Not parallel: it sets variables.)
func TestTable_Terminal(t *testing.T) {
	db := database(t)
	doc := fmt.Sprintf(`{"execution_id":"%s","agent_id":"日本\u001b[31m","timestamp":"2026-01-01T00:00:00Z","pipeline":{"μ₁_normalize":{"status":"success","duration_ms":1}}}`, strings.Repeat("μ", 40))
	require.Equal(t, exitOK, run(t, doc, "import", "receipts", "--db", db, "-").code)
	t.Setenv("TERM", "xterm")
	t.Setenv("NO_COLOR", "")
	wide := onTerminal(t, 200, "recent", "--db", db)
	assert.True(t, strings.HasPrefix(wide, bold+"TIMESTAMP"), "%q", wide)
	assert.Contains(t, wide, "  "+green+"passed"+plain+"  ")
	assert.Contains(t, wide, strings.Repeat("μ", 40))
	assert.Equal(t, 4, strings.Count(wide, "\x1b"), "of the head and of the status: %q", wide)

	for variable, value := range map[string]string{"NO_COLOR": "1", "TERM": "dumb"} {
		t.Setenv(variable, value)
		assert.NotContains(t, onTerminal(t, 200, "recent", "--db", db), "\x1b", variable)
		t.Setenv(variable, "")
	}
	t.Setenv("NO_COLOR", "yes")
	narrow := onTerminal(t, 100, "recent", "--db", db)
	lines := strings.Split(narrow, "\n")
	require.Len(t, lines, 3, narrow)
	assert.Contains(t, narrow, "μ…  日本?[31m")
	for _, line := range lines {
		assert.LessOrEqual(t, runewidth.StringWidth(line), 100, line)
	}
	assert.Equal(t, runewidth.StringWidth(lines[0][:strings.Index(lines[0], "OPERATION")]), runewidth.StringWidth(lines[1][:strings.Index(lines[1], "generation")]))
	tiny := onTerminal(t, 60, "recent", "--db", db)
	lines = strings.Split(tiny, "\n")
	assert.Equal(t, "tier2: the terminal has no room for STATUS, DURATION, FILES, AUDIT, SLO, ERROR", lines[0])
	for _, line := range lines[1:] {
		assert.LessOrEqual(t, runewidth.StringWidth(line), 60, line)
	}
	assert.NotContains(t, onTerminal(t, 200, "recent", "--csv", "--db", db), "\x1b")

	// Where stdout is no terminal nothing is cut or coloured, whatever stderr is.
	t.Setenv("NO_COLOR", "")
	tty, _ := terminal(t)
	var stdout bytes.Buffer
	require.Equal(t, exitOK, Run(t.Context(), []string{"recent", "--db", db}, nil, &stdout, tty))
	assert.NotContains(t, stdout.String(), "\x1b")
	assert.Contains(t, stdout.String(), strings.Repeat("μ", 40))
}

// TestTable_LeftOut: an error is shown before numbers are, and what is empty is left out first.
func TestTable_LeftOut(t *testing.T) {
	t.Parallel()
	db := inhabited(t, file(t))
	failed := onTerminal(t, 80, "recent", "--status", "failed", "--db", db)
	assert.Contains(t, failed, "no room for FILES, AUDIT, SLO\n")
	assert.Regexp(t, `\n2026-01-02T\S+  e2 +bob +watch .*  20ms  no\n`, failed)
	passed := onTerminal(t, 80, "recent", "--status", "passed", "--db", db)
	assert.Contains(t, passed, "no room for AUDIT, SLO, ERROR\n")
	assert.Contains(t, passed, "FILES")
}

// TestTable_NoColumnFits: at least one column is shown.
func TestTable_NoColumnFits(t *testing.T) {
	t.Parallel()
	tty, keyboard := terminal(t)
	require.NoError(t, unix.IoctlSetWinsize(int(tty.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 1, Col: 1}))
	require.NoError(t, list(&app{stdout: tty, stderr: io.Discard}, amount{n: 9}, each(things(1)), thingFields...))
	b := make([]byte, 100)
	n, err := keyboard.Read(b)
	require.NoError(t, err)
	assert.Contains(t, string(b[:n]), "TEXT")
}
