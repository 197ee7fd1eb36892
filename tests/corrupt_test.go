package tests

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/repository"
	"github.com/seanchatmangpt/ggen/tier2/tests/workload"
)

// TestFlippedBytes changes bytes of a database at random places. Every call then ends with
// an error or an answer, and where verdict finds nothing, the answers are those from before
// the change. TIER2_FLIPS sets the number of runs; TIER2_FLIP_SEED repeats a run.
func TestFlippedBytes(t *testing.T) {
	t.Parallel()
	flips, seed := times(t, "TIER2_FLIPS", 40), uint64(times(t, "TIER2_FLIP_SEED", int(rand.Uint32())))
	original := filepath.Join(t.TempDir(), "tier2.db")
	journals := t.TempDir()
	require.NoError(t, workload.Start(t.Context(), original))
	journal, err := workload.OpenJournal(journals, "flip")
	require.NoError(t, err)
	w := &workload.Worker{
		Open: func(ctx context.Context) (*tier2.Store, error) { return tier2.Open(ctx, original) },
		Life: "flip", Journal: journal, Rand: rand.New(rand.NewPCG(seed, 0)), Steps: 80,
	}
	require.NoError(t, w.Run(t.Context()))
	whole, err := os.ReadFile(original)
	require.NoError(t, err)
	require.Empty(t, verdict(t, original))
	want, _ := answers(t, original)

	r := rand.New(rand.NewPCG(seed, 1))
	path := filepath.Join(t.TempDir(), "flipped.db")
	outcomes, silent := map[string]int{}, []string{}
	for i := range flips {
		bytes, run := slices.Clone(whole), 1
		if r.IntN(4) == 0 {
			run += r.IntN(600)
		}
		at := r.IntN(len(bytes) - run)
		for b := at; b < at+run; b++ {
			bytes[b] ^= byte(1 + r.IntN(255))
		}
		for _, suffix := range []string{"-wal", "-shm"} {
			os.Remove(path + suffix)
		}
		require.NoError(t, os.WriteFile(path, bytes, 0o600))
		place := fmt.Sprintf("flip %d of seed %d: %d bytes at %d", i, seed, run, at)
		got, errs := bounded(t, place, func() ([]string, []error) { return answers(t, path) })
		require.NoError(t, os.WriteFile(path, bytes, 0o600)) // Open may have written
		findings, _ := bounded(t, place, func() ([]string, []error) { return verdict(t, path), nil })
		same := slices.Equal(want, got)
		switch {
		case len(findings) > 0 && len(errs) > 0:
			outcomes["found, and some call failed"]++
		case len(findings) > 0:
			outcomes["found, and every call answered"]++
		case len(errs) == 0 && same:
			outcomes["no answer changed"]++
		case len(errs) > 0:
			outcomes["not found, but some call failed"]++
			silent = append(silent, fmt.Sprintf("%s: %v", place, errs[0]))
		default:
			outcomes["an answer changed, and nothing was found"]++
			require.Len(t, got, len(want), "%s: rows came or went, and nothing was found", place)
			silent = append(silent, place+": "+difference(want, got))
		}
	}
	t.Logf("seed %d, %d bytes, %d flips: %v", seed, len(whole), flips, outcomes)
	for _, s := range silent {
		t.Error(s)
	}
}

// verdict returns everything that Verify and VerifyAudit find.
func verdict(t *testing.T, path string) []string {
	findings, err := workload.Whole(t.Context(), path)
	if err != nil {
		return []string{err.Error()}
	}
	return findings
}

// bounded fails if f does not end. Its limit is generous and does not measure speed.
func bounded(t *testing.T, what string, f func() ([]string, []error)) (list []string, errs []error) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if p := recover(); p != nil {
				t.Errorf("%s: panic: %v", what, p)
			}
		}()
		list, errs = f()
	}()
	select {
	case <-done:
	case <-time.After(2 * time.Minute):
		t.Fatalf("%s: it hangs", what)
	}
	return list, errs
}

// answers calls every repository and reads every row. It returns the results, in order, and
// the errors.
func answers(t *testing.T, path string) (list []string, errs []error) {
	ctx := t.Context()
	store, err := tier2.Open(ctx, path)
	if err != nil {
		return nil, []error{err}
	}
	defer func() {
		if err := store.Close(); err != nil {
			errs = append(errs, err)
		}
	}()
	add := func(what string, v any, err error) {
		text, refused := json.Marshal(v)
		if err = errors.Join(err, refused); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", what, err))
			return
		}
		list = append(list, what+" "+string(text))
	}
	rows, err := dumpRows(ctx, store)
	list = append(list, rows...)
	if err != nil {
		errs = append(errs, err)
	}
	receipts, _, err := store.Receipts.List(ctx, repository.ReceiptFilter{Page: repository.Page{Limit: 1000}})
	add("receipts", receipts, err)
	for _, r := range receipts {
		one, err := store.Receipts.Get(ctx, r.ExecutionID)
		add("receipt", one, err)
		metrics, err := store.Metrics.ByExecution(ctx, r.ExecutionID)
		add("metrics", metrics, err)
		violations, err := store.Violations.ByExecution(ctx, r.ExecutionID)
		add("violations", violations, err)
	}
	entries, _, err := store.Audit.List(ctx, repository.AuditFilter{Page: repository.Page{Limit: 1000}})
	add("audit", entries, err)
	sessions, _, err := store.Sessions.List(ctx, repository.SessionFilter{})
	add("sessions", sessions, err)
	for _, s := range sessions {
		collisions, err := store.Collisions.BySession(ctx, s.SessionID)
		add("collisions", collisions, err)
	}
	_, _, err = store.Memory.List(ctx, repository.MemoryFilter{})
	add("memory", nil, err) // no entry holds the store's own counts
	recent, err := store.Reports.RecentExecutions(ctx)
	add("recent", recent, err)
	agents, err := store.Reports.AgentPerformance(ctx)
	add("agents", agents, err)
	stages, err := store.Reports.StagePerformance(ctx)
	add("stages", stages, err)
	return list, errs
}

// difference describes the first answer that differs.
func difference(want, got []string) string {
	for i := range min(len(want), len(got)) {
		if a, b := want[i], got[i]; a != b {
			at := 0
			for at < min(len(a), len(b)) && a[at] == b[at] {
				at++
			}
			table, _, _ := strings.Cut(a, "\x00")
			cut := func(s string) string { return strconv.Quote(s[max(0, at-20):min(len(s), at+20)]) }
			return fmt.Sprintf("%.12q: %s became %s", table, cut(a), cut(b))
		}
	}
	return fmt.Sprintf("%d answers became %d", len(want), len(got))
}
