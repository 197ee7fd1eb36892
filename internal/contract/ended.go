package contract

import (
	"context"
	"sync"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

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
		"Reports.Drift": func(ctx context.Context) error {
			_, _, err := s.Reports.Drift(ctx, repository.DriftFilter{})
			return err
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
		"Audit.Trail":         func(ctx context.Context) error { return discard(s.Audit.Trail(ctx, "x")) },
		"Sessions.Start":      func(ctx context.Context) error { return s.Sessions.Start(ctx, &models.WorkflowSession{}) },
		"Sessions.Finish":     func(ctx context.Context) error { return discard(s.Sessions.Finish(ctx, "x")) },
		"Sessions.AddOutcome": func(ctx context.Context) error { return s.Sessions.AddOutcome(ctx, "x", 1, 0) },
		"Sessions.Active":     func(ctx context.Context) error { return discard(s.Sessions.Active(ctx)) },
		"Collisions.Report":   func(ctx context.Context) error { return s.Collisions.Report(ctx, collision("x")) },
		"Collisions.Resolve":  func(ctx context.Context) error { return s.Collisions.Resolve(ctx, 1, "done") },
		"Metrics.Record":      func(ctx context.Context) error { return s.Metrics.Record(ctx, metric("x", models.StageEmit)) },
		"Metrics.ByExecution": func(ctx context.Context) error { return discard(s.Metrics.ByExecution(ctx, "x")) },
		"Violations.Record":   func(ctx context.Context) error { return s.Violations.Record(ctx, violation("x")) },
		"Violations.Check":    func(ctx context.Context) error { return discard(s.Violations.Check(ctx, "x", nil, nil)) },
		"Executions.Begin": func(ctx context.Context) error {
			return discard(s.Executions.Begin(ctx, "coder", models.OperationGeneration, repository.ExecutionOptions{}))
		},
		"Executions.Import": func(ctx context.Context) error {
			return discard(s.Executions.Import(ctx, []byte(wrappedReceipt), repository.ImportOptions{}))
		},
		"Executions.Interrupted": func(ctx context.Context) error { return discard(s.Executions.Interrupted(ctx)) },
		"Audit.List": func(ctx context.Context) error {
			_, _, err := s.Audit.List(ctx, repository.AuditFilter{})
			return err
		},
		"Collisions.Summary": func(ctx context.Context) error {
			return discard(s.Collisions.Summary(ctx, time.Time{}, time.Time{}))
		},
		"Violations.ByExecution": func(ctx context.Context) error { return discard(s.Violations.ByExecution(ctx, "x")) },
		"GORM":                   func(ctx context.Context) error { return s.DB().WithContext(ctx).Create(receipt("x")).Error },
		"GORM.Exec":              func(ctx context.Context) error { return s.DB().WithContext(ctx).Exec("SELECT 1").Error },
		"Transaction": func(ctx context.Context) error {
			return s.Transaction(ctx, func(*tier2.Store) error { return nil })
		},
		"Reports.Recent":         func(ctx context.Context) error { return discard(s.Reports.RecentExecutions(ctx)) },
		"Reports.LastWeek":       func(ctx context.Context) error { return discard(s.Reports.ViolationsLastWeek(ctx)) },
		"Reports.CollisionsLast": func(ctx context.Context) error { return discard(s.Reports.CollisionsLastDay(ctx)) },
	}
}

// refusalsClosedStore: a closed store says so, whatever is asked; closing it again, also
// by several at once, is no error.
func refusalsClosedStore(t *T) {
	store := t.engine.open(t, t.engine.DSN(t)).store
	var closers sync.WaitGroup
	for range 4 {
		closers.Go(func() { assert.NoError(t, store.Close()) })
	}
	closers.Wait()
	require.NoError(t, store.Close())
	for name, call := range calls(store) {
		assert.ErrorIs(t, call(t.Context()), repository.ErrClosed, name)
	}
}

// refusalsEndedContext: nothing is read or written once the context has ended.
func refusalsEndedContext(t *T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	late, end := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer end()
	for _, ctx := range []context.Context{cancelled, late} {
		t.Run(ctx.Err().Error(), func(t *T) {
			store := open(t)
			before := dump(t, store)
			for name, call := range calls(store) {
				assert.ErrorIs(t, call(ctx), ctx.Err(), name)
			}
			assert.Equal(t, before, dump(t, store))
		})
	}
}
