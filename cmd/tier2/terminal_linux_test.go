package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/mattn/go-runewidth"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/seanchatmangpt/ggen/tier2/cmd/tier2/internal/term"
)

// terminal returns a new terminal and its keyboard.
func terminal(t *testing.T) (tty, keyboard *os.File) {
	t.Helper()
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no terminal can be made: %v", err)
	}
	t.Cleanup(func() { keyboard.Close() })
	fd := int(keyboard.Fd())
	require.NoError(t, unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	require.NoError(t, err)
	tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	t.Cleanup(func() { tty.Close() })
	return tty, keyboard
}

// TestConfirm checks that archive and restore ask, and that only yes moves rows.
func TestConfirm(t *testing.T) {
	t.Parallel()
	for typed, yes := range map[string]bool{"y\n": true, " YES \n": true, "\n": false, "n\n": false, "yesterday\n": false, "\x04": false} {
		t.Run(fmt.Sprintf("%q", typed), func(t *testing.T) {
			t.Parallel()
			db, archive := archivable(t, file(t)), file(t)
			asked := func(args ...string) (code int, stdout, stderr string) {
				tty, keyboard := terminal(t)
				_, err := keyboard.WriteString(typed)
				require.NoError(t, err)
				var out, errors bytes.Buffer
				code = Run(t.Context(), append(args, "--db", db), tty, &out, &errors)
				return code, out.String(), errors.String()
			}
			answered := func(want int, code int, stdout, stderr string) {
				t.Helper()
				assert.Equal(t, want, count(t, db, receipts))
				if yes {
					assert.Equal(t, exitOK, code, stderr)
					return
				}
				assert.Equal(t, exitFound, code, stderr)
				assert.Contains(t, stderr, "nothing was done")
				assert.Empty(t, stdout)
			}
			left := 2
			if yes {
				left = 1
			}
			code, stdout, stderr := asked("archive", "--before", "2026-01-02", "--to", archive)
			assert.Contains(t, stderr, "Move 1 executions that began before 2026-01-02T00:00:00Z to "+archive+"? [y/N] ")
			answered(left, code, stdout, stderr)
			if !yes {
				assert.NoFileExists(t, archive)
				require.Equal(t, exitOK, run(t, "", "archive", "--db", db, "--before", "2026-01-02", "--to", archive, "--yes").code)
				left = 1
			} else {
				left = 2
			}
			code, stdout, stderr = asked("restore", "--from", archive, "old")
			assert.Contains(t, stderr, "Bring 1 executions back from "+archive+"? [y/N] ")
			answered(left, code, stdout, stderr)
			if !yes {
				code, _, stderr = asked("restore", "--from", archive)
				assert.Contains(t, stderr, "Bring all executions back from "+archive)
				assert.Equal(t, exitFound, code)
			}
		})
	}
}

// TestConfirm_Interrupted cancels the context while archive waits for an answer.
func TestConfirm_Interrupted(t *testing.T) {
	t.Parallel()
	db, archive := archivable(t, file(t)), file(t)
	tty, keyboard := terminal(t)
	ctx, cancel := context.WithCancel(t.Context())
	var stdout bytes.Buffer
	stderr := written(func() { cancel() })
	assert.Equal(t, exitInterrupt, Run(ctx, []string{"archive", "--db", db, "--before", "0d", "--to", archive}, tty, &stdout, stderr))
	_, err := keyboard.WriteString("y\n") // too late; it ends the goroutine that reads the answer
	require.NoError(t, err)
	assert.Empty(t, stdout.String())
	assert.NoFileExists(t, archive)
	assert.Equal(t, 2, count(t, db, receipts))
}

// written is a writer that calls a function at each write.
type written func()

func (w written) Write(p []byte) (int, error) {
	w()
	return len(p), nil
}

// onTerminal runs the command on a terminal of the given width and returns its output.
func onTerminal(t *testing.T, width int, args ...string) string {
	t.Helper()
	tty, keyboard := terminal(t)
	require.NoError(t, unix.IoctlSetWinsize(int(tty.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: uint16(width)}))
	shown := make(chan string, 1)
	go func() {
		b, _ := io.ReadAll(keyboard) // ends with an error when the terminal is closed
		shown <- string(b)
	}()
	code := Run(t.Context(), args, strings.NewReader(""), tty, tty)
	require.NoError(t, tty.Close())
	require.Equal(t, exitOK, code)
	return strings.ReplaceAll(<-shown, "\r\n", "\n")
}

// TestTable_Terminal checks that tables fit the terminal, and have colours only if the user
// wants them. It is not parallel, since it sets variables.
func TestTable_Terminal(t *testing.T) {
	db := database(t)
	doc := fmt.Sprintf(`{"execution_id":"%s","agent_id":"日本\u001b[31m","timestamp":"2026-01-01T00:00:00Z","pipeline":{"μ₁_normalize":{"status":"success","duration_ms":1}}}`, strings.Repeat("μ", 40))
	require.Equal(t, exitOK, run(t, doc, "import", "receipts", "--db", db, "-").code)
	t.Setenv("TERM", "xterm")
	t.Setenv("NO_COLOR", "")
	wide := onTerminal(t, 200, "recent", "--db", db)
	assert.True(t, strings.HasPrefix(wide, "\x1b[1mTIMESTAMP"), "%q", wide)
	assert.Contains(t, wide, "  "+"\x1b[32mpassed\x1b[m"+"  ")
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

	// If only stderr is a terminal, nothing is cut or coloured.
	t.Setenv("NO_COLOR", "")
	tty, _ := terminal(t)
	var stdout bytes.Buffer
	require.Equal(t, exitOK, Run(t.Context(), []string{"recent", "--db", db}, nil, &stdout, tty))
	assert.NotContains(t, stdout.String(), "\x1b")
	assert.Contains(t, stdout.String(), strings.Repeat("μ", 40))
}

// TestTable_LeftOut checks that empty columns are hidden first, then numbers, before errors.
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

// TestTable_NoColumnFits checks that at least one column is shown.
func TestTable_NoColumnFits(t *testing.T) {
	t.Parallel()
	tty, keyboard := terminal(t)
	require.NoError(t, unix.IoctlSetWinsize(int(tty.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 1, Col: 1}))
	value := func(v string) any { return v }
	columns := slices.Concat(term.Col("text", "TEXT", value), term.Col("more", "MORE", value))
	require.NoError(t, term.List(term.New(nil, tty, io.Discard), term.NoLimit, term.Each([]string{"μ₁ 0"}), columns...))
	b := make([]byte, 100)
	n, err := keyboard.Read(b)
	require.NoError(t, err)
	assert.Contains(t, string(b[:n]), "TEXT")
}
