package tier2_test

import (
	"context"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
)

// BenchmarkBackup copies 200,000 audit entries while four goroutines save, and says how
// many saves a second they made before and during it, and the longest that one took.
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
