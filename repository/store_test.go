package repository_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// noon is the clock of the test stores, which stands still.
var noon = time.Date(2026, 1, 29, 12, 34, 56, 123456000, time.UTC)

func open(t *testing.T) *tier2.Store {
	t.Helper()
	store, err := tier2.Open(t.Context(), filepath.Join(t.TempDir(), "t.db"), tier2.WithClock(func() time.Time { return noon }))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, store.Close()) })
	return store
}

// receipt is a valid receipt that the caller may change.
func receipt(id string) *models.Receipt {
	return &models.Receipt{
		ExecutionID: id, AgentID: "coder", Operation: models.OperationGeneration, Status: models.ReceiptPassed, DurationMS: 7,
	}
}

func saved(t *testing.T, store *tier2.Store, id string) *models.Receipt {
	t.Helper()
	r := receipt(id)
	require.NoError(t, store.Receipts.Create(t.Context(), r))
	return r
}

func session(t *testing.T, store *tier2.Store, id string) *models.WorkflowSession {
	t.Helper()
	s := &models.WorkflowSession{SessionID: id, AgentCount: 2}
	require.NoError(t, store.Sessions.Start(t.Context(), s))
	return s
}

// dump is every row of every table, but for the entries of refused writes.
func dump(t *testing.T, store *tier2.Store) string {
	t.Helper()
	var b strings.Builder
	for _, m := range models.All() {
		var rows []map[string]any
		q := store.DB().Table(m.TableName()).Order("id")
		if m.TableName() == "audit_log" {
			q = q.Where("status <> 'failed'")
		}
		require.NoError(t, q.Find(&rows).Error)
		fmt.Fprintf(&b, "%s %v\n", m.TableName(), rows)
	}
	return b.String()
}

// refusal is a call that must fail with an error and change nothing.
type refusal struct {
	name string
	want error
	call func(ctx context.Context) error
}

// refused runs each call on the store, and checks the error and every table.
func refused(t *testing.T, store *tier2.Store, cases []refusal) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			before := dump(t, store)
			err := c.call(t.Context())
			require.ErrorIs(t, err, c.want)
			if c.want == repository.ErrInvalid || c.want == repository.ErrNotFound || c.want == repository.ErrDuplicate {
				var e *repository.Error
				require.ErrorAs(t, err, &e)
				assert.NotEmpty(t, e.Table, err.Error())
			}
			assert.Equal(t, before, dump(t, store))
		})
	}
}

// calls is one call of each method that reaches the database.
func calls(s *tier2.Store) map[string]func(context.Context) error {
	discard := func(_ any, err error) error { return err }
	return map[string]func(context.Context) error{
		"Receipts.Create":      func(ctx context.Context) error { return s.Receipts.Create(ctx, receipt("x")) },
		"Receipts.CreateBatch": func(ctx context.Context) error { return s.Receipts.CreateBatch(ctx, []*models.Receipt{receipt("x")}) },
		"Receipts.Upsert":      func(ctx context.Context) error { return s.Receipts.Upsert(ctx, receipt("x")) },
		"Receipts.Get":         func(ctx context.Context) error { return discard(s.Receipts.Get(ctx, "x")) },
		"Receipts.Delete":      func(ctx context.Context) error { return s.Receipts.Delete(ctx, "x") },
		"Receipts.LatestByAgent": func(ctx context.Context) error {
			return discard(s.Receipts.LatestByAgent(ctx, "coder"))
		},
		"Receipts.List": func(ctx context.Context) error {
			_, _, err := s.Receipts.List(ctx, repository.ReceiptFilter{})
			return err
		},
		"Receipts.All": func(ctx context.Context) error {
			for _, err := range s.Receipts.All(ctx, repository.ReceiptFilter{}) {
				return err
			}
			return nil
		},
		"Memory.Get":         func(ctx context.Context) error { return discard(s.Memory.Get(ctx, "coder")) },
		"Memory.Put":         func(ctx context.Context) error { return s.Memory.Put(ctx, "coder", models.JSON("{}")) },
		"Memory.RecordError": func(ctx context.Context) error { return s.Memory.RecordError(ctx, "coder", "no") },
		"Memory.ResetRetries": func(ctx context.Context) error {
			return s.Memory.ResetRetries(ctx, "coder")
		},
		"Memory.Forget": func(ctx context.Context) error { return s.Memory.Forget(ctx, "coder") },
		"Audit.Record": func(ctx context.Context) error {
			return s.Audit.Record(ctx, &models.AuditEntry{AgentID: "a", Operation: "o", Status: models.AuditStarted})
		},
		"Audit.Trail":            func(ctx context.Context) error { return discard(s.Audit.Trail(ctx, "x")) },
		"Sessions.Start":         func(ctx context.Context) error { return s.Sessions.Start(ctx, &models.WorkflowSession{}) },
		"Sessions.Finish":        func(ctx context.Context) error { return discard(s.Sessions.Finish(ctx, "x")) },
		"Sessions.AddOutcome":    func(ctx context.Context) error { return s.Sessions.AddOutcome(ctx, "x", 1, 0) },
		"Sessions.Active":        func(ctx context.Context) error { return discard(s.Sessions.Active(ctx)) },
		"Collisions.Report":      func(ctx context.Context) error { return s.Collisions.Report(ctx, collision("x")) },
		"Collisions.Resolve":     func(ctx context.Context) error { return s.Collisions.Resolve(ctx, 1, "done") },
		"Metrics.Record":         func(ctx context.Context) error { return s.Metrics.Record(ctx, metric("x", models.StageEmit)) },
		"Metrics.ByExecution":    func(ctx context.Context) error { return discard(s.Metrics.ByExecution(ctx, "x")) },
		"Violations.Record":      func(ctx context.Context) error { return s.Violations.Record(ctx, violation("x")) },
		"Violations.Check":       func(ctx context.Context) error { return discard(s.Violations.Check(ctx, "x", nil, nil)) },
		"Reports.Recent":         func(ctx context.Context) error { return discard(s.Reports.RecentExecutions(ctx)) },
		"Reports.LastWeek":       func(ctx context.Context) error { return discard(s.Reports.ViolationsLastWeek(ctx)) },
		"Reports.CollisionsLast": func(ctx context.Context) error { return discard(s.Reports.CollisionsLastDay(ctx)) },
	}
}

func TestCancelledContext(t *testing.T) {
	t.Parallel()
	store := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	before := dump(t, store)
	for name, call := range calls(store) {
		assert.ErrorIs(t, call(ctx), context.Canceled, name)
	}
	assert.Equal(t, before, dump(t, store))
}

func TestClosedStore(t *testing.T) {
	t.Parallel()
	store := open(t)
	require.NoError(t, store.Close())
	for name, call := range calls(store) {
		assert.ErrorIs(t, call(t.Context()), repository.ErrClosed, name)
	}
}

func TestRollback(t *testing.T) {
	t.Parallel()
	store := open(t)
	before := dump(t, store)
	stop := errors.New("stop")
	err := store.Transaction(t.Context(), func(tx *tier2.Store) error {
		require.NoError(t, tx.Receipts.Create(t.Context(), receipt("x")))
		require.NoError(t, tx.Memory.Put(t.Context(), "coder", models.JSON(`{"a":1}`)))
		rows, _, err := tx.Receipts.List(t.Context(), repository.ReceiptFilter{})
		require.NoError(t, err)
		require.Len(t, rows, 1)
		return stop
	})
	require.ErrorIs(t, err, stop)
	assert.Equal(t, before, dump(t, store))
}
