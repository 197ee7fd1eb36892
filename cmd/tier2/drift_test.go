package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2/internal/pgtest"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// drifting returns receipts with equal inputs, and the given hashes of a.rs; "" is no hash.
func drifting(hashes ...string) string {
	var b strings.Builder
	for i, hash := range hashes {
		files := "2"
		if hash != "" {
			files = fmt.Sprintf(`[{"path":"a.rs","hash":%q},{"path":"b\u001b[2J.rs","hash":"same"}]`, hash)
		}
		fmt.Fprintf(&b, `{"execution_id":"run-%d","agent_id":"a","operation":"generation","timestamp":"2026-01-01T00:00:%02dZ","manifest_hash":%q,"ontology_hash":%q,"files_generated":%s,"pipeline":{"μ₃_emit":{"status":"success","duration_ms":1}}}`+"\n",
			i, i, strings.Repeat("01", 32), strings.Repeat("0a", 32), files)
	}
	return b.String()
}

func TestDrift(t *testing.T) {
	t.Parallel()
	for name, dsn := range map[string]func(testing.TB) string{
		"SQLite":   func(t testing.TB) string { return filepath.Join(t.TempDir(), "tier2.db") },
		"Postgres": pgtest.DSN,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := dsn(t)
			missing := run(t, "", "drift", "--db", db)
			assert.Equal(t, exitFailure, missing.code)
			assert.Contains(t, missing.stderr, "'tier2 init' makes one")
			require.Equal(t, exitOK, run(t, "", "init", db).code)
			assert.Equal(t, result{exitOK, "0 inputs of more than one execution, no drift; 0 executions compared, 0 without known outputs\n", ""}, run(t, "", "drift", "--db", db))
			assert.Equal(t, exitOK, run(t, drifting("x", "x", "y", "", "y", "y", "y", "y"), "import", "receipts", "--db", db, "-").code)

			got := run(t, "", "drift", "--db", db, "--agent", "a", "--operation", "generation", "--since", "2026-01-01")
			assert.Equal(t, result{exitFound, "generation  manifest " + strings.Repeat("01", 32) + "  ontology " + strings.Repeat("0a", 32) + `
  FILE  HASH  COUNT  EXECUTIONS
  a.rs  y     5      run-7, run-6, run-5, run-4 and 1 more
        x     2      run-1, run-0

1 inputs of more than one execution, 1 with drift; 7 executions compared, 1 without known outputs
`, ""}, got)

			got = run(t, "", "drift", "--db", db, "--json")
			assert.Equal(t, exitFound, got.code)
			var report struct {
				Drifts []repository.Drift
				repository.DriftSummary
			}
			require.NoError(t, json.Unmarshal([]byte(got.stdout), &report))
			assert.Equal(t, repository.DriftSummary{Inputs: 1, Compared: 7, Unknown: 1}, report.DriftSummary)
			require.Len(t, report.Drifts, 1)
			assert.Equal(t, repository.FileHash{Hash: "x", Count: 2, Executions: []string{"run-1", "run-0"}}, report.Drifts[0].Files[0].Hashes[1])

			for _, none := range [][]string{{"--agent", "b"}, {"--operation", "watch"}, {"--since", "1h"}, {"--until", "2026-01-01T00:00:02Z"}} {
				got := run(t, "", append([]string{"drift", "--db", db, "--json"}, none...)...)
				assert.Equal(t, exitOK, got.code, none)
				assert.Contains(t, got.stdout, `"drifts": [],`)
			}
			assert.Equal(t, exitOK, run(t, "", "verify", db).code)
		})
	}
}

// TestDrift_Shown covers a file that some executions did not write, and lists that are cut.
func TestDrift_Shown(t *testing.T) {
	t.Parallel()
	db := database(t)
	docs := drifting("x", "y")
	other := strings.NewReplacer("run-", "other-", strings.Repeat("01", 32), strings.Repeat("02", 32), `"a.rs"`, `"c.rs"`).Replace(drifting("x"))
	other += strings.Replace(strings.Replace(other, "other-0", "other-1", 1), `{"path":"c.rs","hash":"x"},`, "", 1)
	require.Equal(t, "4 imported, 0 unchanged, 0 refused\n", run(t, docs+other, "import", "receipts", "--db", db, "-").stdout)
	got := run(t, "", "drift", "--db", db)
	assert.Equal(t, exitFound, got.code)
	assert.Contains(t, got.stdout, "  c.rs  -     1      other-1\n        x     1      other-0\n")
	assert.Contains(t, got.stdout, "2 inputs of more than one execution, 2 with drift;")
	got = run(t, "", "drift", "--db", db, "--limit", "1")
	assert.Equal(t, exitFound, got.code)
	assert.NotContains(t, got.stdout, "other-")
	assert.Contains(t, got.stdout, "there is more: raise --limit")
}
