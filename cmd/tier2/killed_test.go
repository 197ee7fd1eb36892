package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/internal/pgtest"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// With the variable asCommand the test binary runs as the command, so that a test can kill
// it. With asMeasured it also prints /proc/self/status on stderr.
const (
	asCommand  = "TIER2_TEST_AS_COMMAND"
	asMeasured = "TIER2_TEST_AS_MEASURED"
)

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
	}
	if os.Getenv(asMeasured) != "" {
		code := Run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
		status, _ := os.ReadFile("/proc/self/status")
		os.Stderr.Write(status)
		os.Exit(code)
	}
	goleak.VerifyTestMain(m)
}

// TestCopy_Killed interrupts and kills a copy in the middle of a table, and checks that the
// same command completes it.
func TestCopy_Killed(t *testing.T) {
	t.Parallel()
	source := database(t)
	store, err := tier2.Open(t.Context(), source)
	require.NoError(t, err)
	require.NoError(t, store.DB().Exec(`INSERT INTO audit_log (timestamp, agent_id, operation, status, context_json)
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)
		SELECT '2026-01-29T12:34:56.000000Z', 'agent', 'operation', 'completed', '{"n":' || i || '}' FROM n`).Error)
	require.NoError(t, store.Close())
	for name, target := range map[string]func(testing.TB) string{
		"SQLite":   func(t testing.TB) string { return filepath.Join(t.TempDir(), "copy.db") },
		"Postgres": pgtest.DSN,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := target(t)
			to, err := tier2.Open(t.Context(), dsn)
			require.NoError(t, err)
			defer to.Close()
			copied := func() (n int64) {
				require.NoError(t, to.DB().Model(&models.AuditEntry{}).Count(&n).Error)
				return n
			}
			args := []string{"copy", "--from", source, "--to", dsn}
			for _, signal := range []os.Signal{os.Kill, syscall.SIGTERM} {
				before := copied()
				cmd := exec.Command(os.Args[0], args...)
				cmd.Env = append(os.Environ(), asCommand+"=1")
				var stderr bytes.Buffer
				cmd.Stderr = &stderr
				require.NoError(t, cmd.Start())
				for deadline := time.Now().Add(time.Minute); copied() == before && time.Now().Before(deadline); {
					time.Sleep(time.Millisecond)
				}
				require.NoError(t, cmd.Process.Signal(signal))
				var exit *exec.ExitError
				require.ErrorAs(t, cmd.Wait(), &exit, "it was not done yet")
				if signal != os.Kill {
					assert.Equal(t, exitInterrupt, exit.ExitCode(), stderr.String())
					assert.Contains(t, stderr.String(), context.Canceled.Error())
				}
				assert.Greater(t, copied(), before)
				assert.Less(t, copied(), int64(60000))
			}
			got := run(t, "", args...)
			require.Equal(t, exitOK, got.code, got.stderr)
			assert.EqualValues(t, 60000, copied())
			assert.Equal(t, exitOK, run(t, "", "verify", dsn).code)
		})
	}
}

// TestImport_Killed interrupts and kills an import. It checks that every stored execution is
// complete, that an interrupted import counts them, and that the same command completes it.
func TestImport_Killed(t *testing.T) {
	t.Parallel()
	const receipts = 1500
	var lines strings.Builder
	for i := range receipts {
		fmt.Fprintf(&lines, `{"execution_id":"e-%d","agent_id":"a","timestamp":"2026-01-29T12:34:56Z","operation":"watch","pipeline":{"μ₃_emit":{"status":"success","duration_ms":1}}}`+"\n", i)
	}
	file := filepath.Join(folder(t, map[string]string{"receipts.jsonl": lines.String()}), "receipts.jsonl")
	for name, dsn := range map[string]func(testing.TB) string{"SQLite": func(t testing.TB) string { return filepath.Join(t.TempDir(), "x.db") }, "Postgres": pgtest.DSN} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := dsn(t)
			store, err := tier2.Open(t.Context(), db)
			require.NoError(t, err)
			defer store.Close()
			rows := func(query string) (n int) {
				require.NoError(t, store.DB().Raw(query).Scan(&n).Error)
				return n
			}
			stored := 0
			for _, signal := range []os.Signal{syscall.SIGTERM, os.Kill} {
				cmd := exec.Command(os.Args[0], "import", "receipts", "--db", db, file)
				cmd.Env = append(os.Environ(), asCommand+"=1")
				var stdout bytes.Buffer
				cmd.Stdout = &stdout
				require.NoError(t, cmd.Start())
				require.Eventually(t, func() bool { return rows("SELECT COUNT(*) FROM receipts") > stored }, time.Minute, time.Millisecond)
				require.NoError(t, cmd.Process.Signal(signal))
				var exit *exec.ExitError
				require.ErrorAs(t, cmd.Wait(), &exit, "it was not done yet")
				imported := rows("SELECT COUNT(*) FROM receipts")
				if signal != os.Kill {
					assert.Equal(t, exitInterrupt, exit.ExitCode())
					assert.Equal(t, fmt.Sprintf("%d imported, 0 unchanged, 0 refused\n", imported), stdout.String())
				}
				assert.Greater(t, imported, stored)
				assert.Less(t, imported, receipts)
				assert.Equal(t, imported, rows("SELECT COUNT(*) FROM pipeline_metrics"))
				assert.Equal(t, 2*imported, rows("SELECT COUNT(*) FROM audit_log"))
				stored = imported
			}
			got := run(t, "", "import", "receipts", "--db", db, file)
			assert.Equal(t, result{exitOK, fmt.Sprintf("%d imported, %d unchanged, 0 refused\n", receipts-stored, stored), ""}, got)
			assert.Equal(t, exitOK, run(t, "", "verify", "--audit", db).code)
		})
	}
}
