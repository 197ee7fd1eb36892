package tier2_test

import (
	"fmt"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/ledger"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// BenchmarkAudit seals, verifies and proves an audit log of 10,000 and of 100,000 entries, each
// of a receipt, whose digest Verify compares; with -short of 30,000, which would not fit
// into the heap that is allowed either. The peak of the heap must not grow with them.
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

// unseal makes the log one that never was sealed.
func unseal(b *testing.B, store *tier2.Store) {
	b.Helper()
	for _, table := range []string{"tier2_audit_tree", "tier2_checkpoints"} {
		require.NoError(b, store.DB().Exec("DELETE FROM "+table).Error)
	}
}

// benchmarkAudit runs a call that handles so many entries.
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

// peakHeap looks at the heap each millisecond, until the function that it returns is called,
// which gives the largest.
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
