package tier2_test

import (
	"fmt"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/internal/pgtest"
)

// grow fills a SQLite store with receipts, two metrics each, and the audit entries of
// both, as the hooks write them: six rows a receipt.
func grow(b *testing.B, store *tier2.Store, receipts int) {
	b.Helper()
	const count = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) "
	const at = "strftime('%%Y-%%m-%%dT%%H:%%M:%%S.000000Z', 1769690096 + i, 'unixepoch')"
	for _, statement := range []string{
		"INSERT INTO receipts (execution_id, agent_id, operation, status, timestamp, created_at, manifest_hash, files_generated, files_modified, duration_ms, receipt_json, environment) " + count +
			`SELECT 'exec-' || i, 'agent-' || i %% 20, 'generation', 'passed', ` + at + `, datetime(1769690096 + i, 'unixepoch'), printf('%%064x', i), 5, 1, i %% 900, '{"execution_id": "exec-' || i || '", "files": ["a.go", "b.go"], "score": 0.50}', 'dev' FROM n`,
		"INSERT INTO pipeline_metrics (execution_id, stage, duration_ms, status, timestamp) " + count +
			"SELECT 'exec-' || i, stage, i %% 90, 'passed', " + at + " FROM n, (SELECT 'μ₁_normalize' AS stage UNION ALL SELECT 'μ₃_emit')",
		"INSERT INTO audit_log (timestamp, agent_id, operation, status, duration_ms, context_json) " + count +
			"SELECT " + at + `, 'agent-' || i %% 20, t || '.create', 'completed', 0, '{"v":1,"table":"' || t || '","action":"create","id":' || i || ',"execution_id":"exec-' || i || '","changes":{"status":{"from":null,"to":"passed"}}}'
			FROM n, (SELECT 'receipts' AS t UNION ALL SELECT 'pipeline_metrics' UNION ALL SELECT 'pipeline_metrics')`,
		"INSERT INTO agent_memory (agent_id, memory_json) " + count + `SELECT 'agent-' || i, '{"_activity":{"saves":' || i || '}}' FROM n LIMIT 20`,
	} {
		require.NoError(b, store.DB().Exec(fmt.Sprintf(statement, receipts)).Error)
	}
}

// BenchmarkCopy copies 10,000 and 100,000 receipts with all that belongs to them: 60,000 and
// 600,000 rows; with -short only the former. The peak of the heap must not grow with them.
func BenchmarkCopy(b *testing.B) {
	sizes := []int{10_000, 100_000}
	if testing.Short() {
		sizes = sizes[:1]
	}
	for _, receipts := range sizes {
		file := filepath.Join(b.TempDir(), "source.db")
		source := opened(b, file)
		grow(b, source, receipts)
		if receipts == 10_000 {
			benchmarkCopy(b, fmt.Sprintf("SQLiteToSQLite/receipts=%d", receipts), source, engines["SQLite"])
		}
		if pgtest.Server() == "" {
			continue
		}
		server := benchmarkCopy(b, fmt.Sprintf("SQLiteToPostgres/receipts=%d", receipts), source, pgtest.DSN)
		if server != nil {
			benchmarkCopy(b, fmt.Sprintf("PostgresToSQLite/receipts=%d", receipts), server, engines["SQLite"])
		}
	}
}

func opened(b *testing.B, dsn string) *tier2.Store {
	b.Helper()
	store, err := tier2.Open(b.Context(), dsn)
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, store.Close()) })
	return store
}

// benchmarkCopy returns the last target, or nil if -bench does not ask for this one.
func benchmarkCopy(b *testing.B, name string, from *tier2.Store, target func(testing.TB) string) (to *tier2.Store) {
	b.Helper()
	outer := b
	b.Run(name, func(b *testing.B) {
		var rows int64
		var peak uint64
		for range b.N {
			b.StopTimer()
			to = opened(outer, target(outer))
			runtime.GC()
			b.StartTimer()
			report, err := tier2.Copy(b.Context(), from, to, func(p tier2.CopyProgress) {
				var memory runtime.MemStats
				runtime.ReadMemStats(&memory)
				peak = max(peak, memory.HeapAlloc)
				rows = p.Total
			})
			require.NoError(b, err)
			require.True(b, report.Equal)
		}
		b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		b.ReportMetric(float64(peak)/(1<<20), "peak-heap-MB")
		require.Less(b, peak, uint64(32<<20), "memory is constant: a batch holds 1,000 rows or 4 MiB")
	})
	return to
}
