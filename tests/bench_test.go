package tests

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/internal/pgtest"
	"github.com/seanchatmangpt/ggen/tier2/ledger"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// grow fills a SQLite store with receipts, two metrics per receipt, and the audit entries
// that the hooks would write for them: six rows per receipt.
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

// BenchmarkCopy copies 10,000 and 100,000 receipts with their metrics and entries: 60,000
// and 600,000 rows; with -short only 60,000. The peak of the heap must not grow with the size.
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

// benchmarkCopy returns the last target, or nil if -bench does not select this benchmark.
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
			report, err := tier2.Copy(b.Context(), from, to, tier2.CopyOptions{Progress: func(p tier2.CopyProgress) {
				var memory runtime.MemStats
				runtime.ReadMemStats(&memory)
				peak = max(peak, memory.HeapAlloc)
				rows = p.Total
			}})
			require.NoError(b, err)
			require.True(b, report.Equal)
		}
		b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		b.ReportMetric(float64(peak)/(1<<20), "peak-heap-MB")
		require.Less(b, peak, uint64(32<<20), "memory is constant: a batch holds 1,000 rows or 4 MiB")
	})
	return to
}

// BenchmarkBackup copies 200,000 audit entries while four goroutines save. It reports the
// saves per second before and during the backup, and the duration of the slowest save.
func BenchmarkBackup(b *testing.B) {
	store, err := tier2.Open(b.Context(), filepath.Join(b.TempDir(), "tier2.db"))
	require.NoError(b, err)
	defer func() { require.NoError(b, store.Close()) }()
	require.NoError(b, store.DB().Exec(`INSERT INTO audit_log (timestamp, agent_id, operation, status, context_json)
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000)
		SELECT '2026-01-29T12:34:56.000000Z', 'agent', 'operation', 'completed', '{"n":' || i || '}' FROM n`).Error)
	var saves, longest atomic.Int64
	ctx, stop := context.WithCancel(b.Context())
	var writers sync.WaitGroup
	for range 4 {
		writers.Go(func() {
			for ctx.Err() == nil {
				began := time.Now()
				if err := store.Receipts.Create(b.Context(), receipt("agent")); err != nil {
					b.Error(err)
					return
				}
				saves.Add(1)
				took := int64(time.Since(began))
				for old := longest.Load(); took > old && !longest.CompareAndSwap(old, took); old = longest.Load() {
				}
			}
		})
	}
	rate := func(work func()) (perSecond, worst float64) {
		longest.Store(0)
		before, began := saves.Load(), time.Now()
		work()
		return float64(saves.Load()-before) / time.Since(began).Seconds(), float64(longest.Load()) / 1e6
	}
	var alone, beside, worstAlone, worst float64
	for b.Loop() {
		a, w := rate(func() { time.Sleep(time.Second) })
		alone, worstAlone = alone+a, max(worstAlone, w)
		d, w := rate(func() { require.NoError(b, store.Backup(b.Context(), filepath.Join(b.TempDir(), "backup.db"))) })
		beside, worst = beside+d, max(worst, w)
	}
	stop()
	writers.Wait()
	b.ReportMetric(alone/float64(b.N), "saves/s-alone")
	b.ReportMetric(beside/float64(b.N), "saves/s-beside")
	b.ReportMetric(beside/alone, "ratio")
	b.ReportMetric(worstAlone, "longest-ms-alone")
	b.ReportMetric(worst, "longest-ms-beside")
}

// BenchmarkAudit seals, verifies and proves an audit log of 10,000 and of 100,000 entries,
// one per receipt, whose digests Verify compares. With -short the log has 30,000 entries,
// which also exceed the allowed heap. The peak of the heap must not grow with the size.
func BenchmarkAudit(b *testing.B) {
	sizes := []int{10_000, 100_000}
	if testing.Short() {
		sizes = []int{30_000}
	}
	for _, entries := range sizes {
		store := opened(b, filepath.Join(b.TempDir(), "tier2.db"))
		for range entries / 1000 {
			batch := make([]*models.Receipt, 1000)
			for i := range batch {
				batch[i] = receipt("coder")
			}
			require.NoError(b, store.Receipts.CreateBatch(b.Context(), batch))
		}
		benchmarkAudit(b, fmt.Sprintf("Seal/entries=%d", entries), entries, func(b *testing.B, _ int) {
			b.StopTimer()
			unseal(b, store)
			b.StartTimer()
			checkpoint, err := store.Audit.Seal(b.Context())
			require.NoError(b, err)
			require.EqualValues(b, entries, checkpoint.Size)
		})
		benchmarkAudit(b, fmt.Sprintf("Verify/entries=%d", entries), entries, func(b *testing.B, _ int) {
			report, err := store.Audit.Verify(b.Context(), ledger.VerifyOptions{})
			require.NoError(b, err)
			require.Empty(b, report.Findings)
			require.EqualValues(b, entries, report.Sealed)
			require.EqualValues(b, entries, report.Rows)
		})
		benchmarkAudit(b, fmt.Sprintf("Prove/entries=%d", entries), 1, func(b *testing.B, i int) {
			proof, err := store.Audit.Prove(b.Context(), int64(i*7919%entries)+1)
			require.NoError(b, err)
			require.NoError(b, proof.Check())
		})
	}
}

// unseal removes the tree and the checkpoints, as if the log had never been sealed.
func unseal(b *testing.B, store *tier2.Store) {
	b.Helper()
	for _, table := range []string{"tier2_audit_tree", "tier2_checkpoints"} {
		require.NoError(b, store.DB().Exec("DELETE FROM "+table).Error)
	}
}

// benchmarkAudit measures a call that handles the given number of entries.
func benchmarkAudit(b *testing.B, name string, entries int, call func(b *testing.B, i int)) {
	b.Helper()
	b.Run(name, func(b *testing.B) {
		b.ReportAllocs()
		end := peakHeap()
		for i := range b.N {
			call(b, i)
		}
		b.StopTimer()
		peak := end()
		b.ReportMetric(float64(entries)*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
		b.ReportMetric(float64(peak)/(1<<20), "peak-heap-MB")
		require.Less(b, peak, uint64(16<<20), "memory is constant: a step holds 1,024 entries")
	})
}

// peakHeap samples the size of the heap every millisecond. The function that it returns
// ends the sampling and returns the maximum.
func peakHeap() func() uint64 {
	runtime.GC()
	done, peak := make(chan struct{}), make(chan uint64)
	go func() {
		var most uint64
		for {
			var memory runtime.MemStats
			runtime.ReadMemStats(&memory)
			most = max(most, memory.HeapAlloc)
			select {
			case <-done:
				peak <- most
				return
			case <-time.After(time.Millisecond):
			}
		}
	}()
	return func() uint64 {
		close(done)
		return <-peak
	}
}

// BenchmarkReports computes each figure of a report over 5,000 receipts
// (TIER2_REPORT_RECEIPTS) with two metrics per receipt: over all of them, and over a window
// that holds nine of ten.
func BenchmarkReports(b *testing.B) {
	receipts := 5000
	if text := os.Getenv("TIER2_REPORT_RECEIPTS"); text != "" {
		var err error
		receipts, err = strconv.Atoi(text)
		require.NoError(b, err)
	}
	store := opened(b, filepath.Join(b.TempDir(), "tier2.db"))
	grow(b, store, receipts)
	for _, statement := range []string{
		"INSERT INTO slo_violations (execution_id, metric, target_value, actual_value, severity, timestamp) SELECT execution_id, 'first_build', 15, 15 + duration_ms, 'warning', timestamp FROM receipts WHERE id % 10 = 0",
		"INSERT INTO workflow_sessions (session_id, start_time, status, agent_count) VALUES ('s', '2026-01-29 12:34:56', 'running', 20)",
		"INSERT INTO collision_detection (session_id, agent_id_1, agent_id_2, collision_type, description, severity, timestamp) SELECT 's', agent_id, 'agent-' || id % 19, 'file_conflict', 'both', 'info', timestamp FROM receipts WHERE id % 10 = 1",
	} {
		require.NoError(b, store.DB().Exec(statement).Error)
	}
	require.NoError(b, store.Maintain(b.Context()))
	since := time.Unix(1769690096+int64(receipts/10), 0)
	for name, f := range map[string]repository.ReportFilter{"All": {}, "Window": {Since: since, Until: since.AddDate(1, 0, 0)}} {
		for figure, ask := range map[string]func(ctx context.Context) error{
			"Stages":     func(ctx context.Context) error { _, err := store.Reports.StagePercentiles(ctx, f); return err },
			"Agents":     func(ctx context.Context) error { _, err := store.Reports.AgentPercentiles(ctx, f, 0); return err },
			"Timeline":   func(ctx context.Context) error { _, err := store.Reports.Timeline(ctx, f, 0); return err },
			"SLOs":       func(ctx context.Context) error { _, err := store.Reports.SLOs(ctx, f); return err },
			"Collisions": func(ctx context.Context) error { _, err := store.Reports.CollisionMatrix(ctx, f, 0); return err },
			"Failures": func(ctx context.Context) error {
				_, _, err := store.Receipts.Failures(ctx, repository.ReceiptFilter{Since: f.Since, Until: f.Until})
				return err
			},
		} {
			b.Run(fmt.Sprintf("%s/%s/receipts=%d", figure, name, receipts), func(b *testing.B) {
				b.ReportAllocs()
				for range b.N {
					require.NoError(b, ask(b.Context()))
				}
			})
		}
	}
}
