// Package tier2test is for the tests of programs that use tier2: a store of their own
// for each test, whose clock stands still, and rows to put in.
//
//	store := tier2test.Open(t)
//	tier2test.Save(t, store, tier2test.Receipt("build-1"), tier2test.PipelineMetric("build-1"))
//	report, err := yours.Summary(t.Context(), store)
//
// What a test writes is the same each time it runs, to the byte: the ids are the
// caller's, the times are the clock's. Only durations of statements in the audit log, and
// ids that nobody chose, are not.
package tier2test

import (
	"context"
	"path/filepath"
	"slices"
	"testing"

	"github.com/seanchatmangpt/ggen/tier2"
)

// Open opens a new database in a file in tb.TempDir, closed when the test ends: what
// production has, so that reading does not wait for a transaction, as it would in memory.
// Each call has its own, so tests may run in parallel.
//
// The clock is a Clock that stands still, unless opts bring another one
// (tier2.WithClock). What goes wrong fails tb.
func Open(tb testing.TB, opts ...tier2.Option) *tier2.Store {
	tb.Helper()
	return open(tb, filepath.Join(tb.TempDir(), "tier2.db"), opts)
}

// open fails tb instead of returning an error.
func open(tb testing.TB, dsn string, opts []tier2.Option) *tier2.Store {
	tb.Helper()
	clock := tier2.WithClock(new(Clock).Now)
	store, err := tier2.Open(context.Background(), dsn, slices.Insert(slices.Clone(opts), 0, clock)...)
	if err != nil {
		tb.Fatalf("tier2test: %v", err)
	}
	tb.Cleanup(func() {
		if err := store.Close(); err != nil {
			tb.Errorf("tier2test: close the store: %v", err)
		}
	})
	return store
}
