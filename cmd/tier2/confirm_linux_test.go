package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// terminal is a new terminal, and what is typed on it.
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

// TestConfirm: on a terminal both verbs ask, and only a yes moves anything.
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

// TestConfirm_Interrupted: while it waits for an answer.
func TestConfirm_Interrupted(t *testing.T) {
	t.Parallel()
	db, archive := archivable(t, file(t)), file(t)
	tty, keyboard := terminal(t)
	ctx, cancel := context.WithCancel(t.Context())
	var stdout bytes.Buffer
	stderr := written(func() { cancel() })
	assert.Equal(t, exitInterrupt, Run(ctx, []string{"archive", "--db", db, "--before", "0d", "--to", archive}, tty, &stdout, stderr))
	_, err := keyboard.WriteString("y\n") // too late; it ends who waits for it
	require.NoError(t, err)
	assert.Empty(t, stdout.String())
	assert.NoFileExists(t, archive)
	assert.Equal(t, 2, count(t, db, receipts))
}

// written is a writer that tells when something is written.
type written func()

func (w written) Write(p []byte) (int, error) {
	w()
	return len(p), nil
}
