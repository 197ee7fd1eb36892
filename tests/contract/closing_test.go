package contract

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

var closingCases = cases{
	"InUse":     closingInUse,
	"Iterators": closingIterators,
}

// closingInUse: several goroutines close the store while others use every method. Every
// call ends with nil or ErrClosed, and every acknowledged save is stored.
func closingInUse(t *T) {
	dsn := t.engine.DSN(t)
	store, target := t.engine.open(t, dsn).store, t.engine.open(t, t.engine.DSN(t)).store
	fill(t, store)
	var acknowledged sync.Map // ids
	var ids, calls atomic.Int64
	ctx := context.Background()
	saved := func(err error, ids ...string) error {
		for _, id := range ids {
			if err == nil {
				acknowledged.Store(id, true)
			}
		}
		return err
	}
	work := map[string]func(id string) error{
		"Create": func(id string) error { return saved(store.Receipts.Create(ctx, receipt(id)), id) },
		"CreateBatch": func(id string) error {
			return saved(store.Receipts.CreateBatch(ctx, []*models.Receipt{receipt(id), receipt(id + "+")}), id, id+"+")
		},
		"Transaction": func(id string) error {
			return saved(store.Transaction(ctx, func(tx *tier2.Store) error {
				return errors.Join(tx.Receipts.Create(ctx, receipt(id)), discard2(tx.Receipts.List(ctx, repository.ReceiptFilter{})),
					tx.Metrics.Record(ctx, metric(id, models.StageEmit)))
			}), id)
		},
		"Execution": func(id string) error {
			e, err := store.Executions.Begin(ctx, "coder", models.OperationWatch, repository.ExecutionOptions{ExecutionID: id})
			if err != nil {
				return err
			}
			return saved(discard(e.Finish(ctx, repository.Outcome{})), id)
		},
		"GORM": func(id string) error { return saved(store.DB().Create(receipt(id)).Error, id) },
		"Update": func(string) error {
			return store.Memory.Update(ctx, "coder", func(doc map[string]any) error { return nil })
		},
		"List": func(string) error { return discard2(store.Receipts.List(ctx, repository.ReceiptFilter{})) },
		"All": func(string) error {
			return drain(store.Receipts.All(ctx, repository.ReceiptFilter{Page: repository.Page{Limit: 5}}))
		},
		"Audit":    func(string) error { return drain(store.Audit.All(ctx, repository.AuditFilter{})) },
		"Reports":  func(string) error { return discard(store.Reports.AgentPerformance(ctx)) },
		"Maintain": func(string) error { return store.Maintain(ctx) },
		"Copy":     func(string) error { return discard(tier2.Copy(ctx, store, target, tier2.CopyOptions{})) },
	}
	var workers sync.WaitGroup
	for name, do := range work {
		workers.Go(func() {
			for {
				err := do(fmt.Sprint("x", ids.Add(1)))
				calls.Add(1)
				if err != nil {
					assert.ErrorIs(t, err, models.ErrClosed, name)
					return
				}
			}
		})
	}
	for calls.Load() < 50 {
		require.NoError(t, store.Receipts.Create(ctx, receipt("")))
	}
	var closers sync.WaitGroup
	for range 3 {
		closers.Go(func() { assert.NoError(t, store.Close()) })
	}
	closers.Wait()
	workers.Wait()
	if dsn == ":memory:" {
		return
	}
	store = t.engine.open(t, dsn).store
	acknowledged.Range(func(id, _ any) bool {
		_, err := store.Receipts.Get(ctx, id.(string))
		return assert.NoError(t, err, id)
	})
	rows := count(t, store.DB(), "receipts", "1 = 1")
	assert.Equal(t, rows, count(t, store.DB(), "audit_log", "operation = 'receipts.create' AND status = 'completed'"), "rows and entries")
	found, err := tier2.Verify(ctx, dsn)
	require.NoError(t, err)
	assert.Empty(t, found.Findings)
}

// closingIterators: an iterator that is left early returns its connection; an iterator of a
// closed store returns ErrClosed.
func closingIterators(t *T) {
	f := fill(t, t.engine.open(t, t.engine.DSN(t)).store)
	page := repository.Page{Limit: 1}
	receipts, audit := f.Receipts.All(t.Context(), repository.ReceiptFilter{Page: page}), f.Audit.All(t.Context(), repository.AuditFilter{Page: page})
	for range 20 { // more than the number of connections
		for _, err := range receipts {
			require.NoError(t, err)
			break
		}
		for _, err := range audit {
			require.NoError(t, err)
			break
		}
	}
	t.goesOn(f.Store, "abandoned")
	seen := 0
	var last error
	for _, err := range receipts {
		if last = err; err != nil {
			break
		}
		seen++
		require.NoError(t, f.Close(), "half way, by the one who iterates")
	}
	assert.Equal(t, 1, seen)
	assert.ErrorIs(t, last, models.ErrClosed)
	assert.ErrorIs(t, drain(receipts), models.ErrClosed)
	assert.ErrorIs(t, drain(audit), models.ErrClosed)
}
