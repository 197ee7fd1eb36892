package contract

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/ledger"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// filled is a store with rows for each of calls.
type filled struct {
	*tier2.Store
	run       *repository.Execution // begun, with a stage that passed
	collision int64
}

// fill stores receipts a, b and c of coder, of which c has no children; the memory of coder;
// a running session s with a collision. It seals all of that, and then begins the execution
// run in that session.
func fill(t *T, store *tier2.Store) *filled {
	t.Helper()
	f, ctx := &filled{Store: store}, t.Context()
	require.NoError(t, store.Transaction(ctx, func(tx *tier2.Store) error {
		a, b := receipt("a"), receipt("b")
		a.Status, a.ErrorMessage = models.ReceiptFailed, "broke"
		a.Metrics = []models.PipelineMetric{*metric("a", models.StageEmit)}
		b.Violations = []models.SLOViolation{*violation("b")}
		require.NoError(t, tx.Receipts.CreateBatch(ctx, []*models.Receipt{a, b, receipt("c")}))
		require.NoError(t, tx.Memory.Put(ctx, "coder", models.JSON(`{"k":1}`)))
		session(t, tx, "s")
		c := collision("s")
		require.NoError(t, tx.Collisions.Report(ctx, c))
		f.collision = c.ID
		return nil
	}))
	_, err := store.Audit.Seal(ctx) // the entries below are not sealed yet
	require.NoError(t, err)
	f.run, err = store.Executions.Begin(ctx, "coder", models.OperationGeneration, repository.ExecutionOptions{ExecutionID: "run", SessionID: "s"})
	require.NoError(t, err)
	require.NoError(t, f.run.Stage(ctx, models.StageExtract, func(context.Context, *repository.StageResult) error { return nil }))
	return f
}

// call is one call of a method.
type call func(ctx context.Context, f *filled) error

// calls returns one call per exported method with a context of Store, its repositories and
// Execution, and calls of GORM. Each succeeds on a filled store. refusalsEveryMethod finds
// missing methods.
func calls() map[string]call {
	all := map[string]call{}
	for _, part := range []map[string]call{receiptCalls, memoryCalls, auditCalls, sessionCalls, executionCalls, otherCalls, gormCalls} {
		for name, call := range part {
			all[name] = call
		}
	}
	return all
}

// discard and discard2 return the error of a call.
func discard(_ any, err error) error            { return err }
func discard2(_ any, _ string, err error) error { return err }

// drain returns the errors of an iterator.
func drain[T any](all func(yield func(T, error) bool)) (err error) {
	for _, e := range all {
		err = errors.Join(err, e)
	}
	return err
}

// exported exports everything to a folder, passes the folder to then, and removes it.
func exported(ctx context.Context, f *filled, then func(dir string) error) (err error) {
	root, err := os.MkdirTemp("", "tier2")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(root)) }()
	dir := filepath.Join(root, "export")
	if _, err := f.Export(ctx, dir, tier2.ExportOptions{}); err != nil {
		return err
	}
	return then(dir)
}

var receiptCalls = map[string]call{
	"Receipts.Create": func(ctx context.Context, f *filled) error {
		r := receipt("x")
		r.Metrics = []models.PipelineMetric{*metric("x", models.StageEmit)}
		return f.Receipts.Create(ctx, r)
	},
	"Receipts.CreateBatch": func(ctx context.Context, f *filled) error {
		return f.Receipts.CreateBatch(ctx, []*models.Receipt{receipt("x"), receipt("y")})
	},
	"Receipts.Upsert": func(ctx context.Context, f *filled) error {
		r := receipt("b")
		r.DurationMS = 8
		return f.Receipts.Upsert(ctx, r)
	},
	"Receipts.Get":    func(ctx context.Context, f *filled) error { return discard(f.Receipts.Get(ctx, "a")) },
	"Receipts.Delete": func(ctx context.Context, f *filled) error { return f.Receipts.Delete(ctx, "c") },
	"Receipts.List": func(ctx context.Context, f *filled) error {
		return discard2(f.Receipts.List(ctx, repository.ReceiptFilter{Page: repository.Page{Limit: 2}}))
	},
	"Receipts.All": func(ctx context.Context, f *filled) error {
		return drain(f.Receipts.All(ctx, repository.ReceiptFilter{Page: repository.Page{Limit: 1}}))
	},
	"Receipts.Failures": func(ctx context.Context, f *filled) error {
		return discard2(f.Receipts.Failures(ctx, repository.ReceiptFilter{}))
	},
	"Receipts.LatestByAgent": func(ctx context.Context, f *filled) error { return discard(f.Receipts.LatestByAgent(ctx, "coder")) },
}

var memoryCalls = map[string]call{
	"Memory.Get": func(ctx context.Context, f *filled) error { return discard(f.Memory.Get(ctx, "coder")) },
	"Memory.Put": func(ctx context.Context, f *filled) error { return f.Memory.Put(ctx, "new", models.JSON(`{"k":2}`)) },
	"Memory.Update": func(ctx context.Context, f *filled) error {
		return f.Memory.Update(ctx, "coder", func(doc map[string]any) error { doc["k"] = 2; return nil })
	},
	"Memory.Merge": func(ctx context.Context, f *filled) error {
		return f.Memory.Merge(ctx, "coder", models.JSON(`{"l":2}`))
	},
	"Memory.CompareAndSwap": func(ctx context.Context, f *filled) error {
		return f.Memory.CompareAndSwap(ctx, "coder", f.Memory.ETag(&models.AgentMemory{MemoryJSON: models.JSON(`{"k":1}`)}), models.JSON(`{"k":2}`))
	},
	"Memory.RecordError":  func(ctx context.Context, f *filled) error { return f.Memory.RecordError(ctx, "coder", "no") },
	"Memory.ResetRetries": func(ctx context.Context, f *filled) error { return f.Memory.ResetRetries(ctx, "coder") },
	"Memory.Forget":       func(ctx context.Context, f *filled) error { return f.Memory.Forget(ctx, "coder") },
	"Memory.History": func(ctx context.Context, f *filled) error {
		return discard2(f.Memory.History(ctx, "coder", repository.HistoryFilter{}))
	},
	"Memory.HistoryAll": func(ctx context.Context, f *filled) error {
		return drain(f.Memory.HistoryAll(ctx, "coder", repository.HistoryFilter{}))
	},
	"Memory.At": func(ctx context.Context, f *filled) error { return discard(f.Memory.At(ctx, "coder", start)) },
	"Memory.List": func(ctx context.Context, f *filled) error {
		return discard2(f.Memory.List(ctx, repository.MemoryFilter{}))
	},
}

var auditCalls = map[string]call{
	"Audit.Record": func(ctx context.Context, f *filled) error {
		return f.Audit.Record(ctx, &models.AuditEntry{AgentID: "a", Operation: "o", Status: models.AuditStarted})
	},
	"Audit.List": func(ctx context.Context, f *filled) error {
		return discard2(f.Audit.List(ctx, repository.AuditFilter{}))
	},
	"Audit.All": func(ctx context.Context, f *filled) error {
		return drain(f.Audit.All(ctx, repository.AuditFilter{Page: repository.Page{Limit: 3}}))
	},
	"Audit.Follow": func(ctx context.Context, f *filled) error {
		for _, err := range f.Audit.Follow(ctx, repository.AuditFilter{Since: start}, 0) {
			return err
		}
		return nil
	},
	"Audit.Trail": func(ctx context.Context, f *filled) error { return discard(f.Audit.Trail(ctx, "a")) },
	"Audit.Seal":  func(ctx context.Context, f *filled) error { return discard(f.Audit.Seal(ctx)) },
	"Audit.Prove": func(ctx context.Context, f *filled) error { return discard(f.Audit.Prove(ctx, 1)) },
	"Audit.Verify": func(ctx context.Context, f *filled) error {
		return discard(f.Audit.Verify(ctx, ledger.VerifyOptions{}))
	},
}

var sessionCalls = map[string]call{
	"Sessions.Start": func(ctx context.Context, f *filled) error {
		return f.Sessions.Start(ctx, &models.WorkflowSession{SessionID: "t", AgentCount: 1})
	},
	"Sessions.Finish":     func(ctx context.Context, f *filled) error { return discard(f.Sessions.Finish(ctx, "s")) },
	"Sessions.Fail":       func(ctx context.Context, f *filled) error { return discard(f.Sessions.Fail(ctx, "s")) },
	"Sessions.Cancel":     func(ctx context.Context, f *filled) error { return discard(f.Sessions.Cancel(ctx, "s")) },
	"Sessions.AddOutcome": func(ctx context.Context, f *filled) error { return f.Sessions.AddOutcome(ctx, "s", 1, 0) },
	"Sessions.Get":        func(ctx context.Context, f *filled) error { return discard(f.Sessions.Get(ctx, "s")) },
	"Sessions.Active":     func(ctx context.Context, f *filled) error { return discard(f.Sessions.Active(ctx)) },
	"Sessions.List": func(ctx context.Context, f *filled) error {
		return discard2(f.Sessions.List(ctx, repository.SessionFilter{}))
	},
	"Collisions.Report":  func(ctx context.Context, f *filled) error { return f.Collisions.Report(ctx, collision("s")) },
	"Collisions.Resolve": func(ctx context.Context, f *filled) error { return f.Collisions.Resolve(ctx, f.collision, "done") },
	"Collisions.BySession": func(ctx context.Context, f *filled) error {
		return discard(f.Collisions.BySession(ctx, "s"))
	},
	"Collisions.BetweenAgents": func(ctx context.Context, f *filled) error {
		return discard(f.Collisions.BetweenAgents(ctx, "a", "b"))
	},
	"Collisions.List": func(ctx context.Context, f *filled) error {
		return discard2(f.Collisions.List(ctx, repository.CollisionFilter{}))
	},
	"Collisions.Unresolved": func(ctx context.Context, f *filled) error {
		return discard2(f.Collisions.Unresolved(ctx, repository.CollisionFilter{}))
	},
	"Collisions.Summary": func(ctx context.Context, f *filled) error {
		return discard(f.Collisions.Summary(ctx, time.Time{}, time.Time{}))
	},
}

var executionCalls = map[string]call{
	"Executions.Begin": func(ctx context.Context, f *filled) error {
		return discard(f.Executions.Begin(ctx, "coder", models.OperationGeneration, repository.ExecutionOptions{ExecutionID: "x", SessionID: "s"}))
	},
	"Executions.Import": func(ctx context.Context, f *filled) error {
		return discard(f.Executions.Import(ctx, []byte(wrappedReceipt), repository.ImportOptions{}))
	},
	"Executions.ImportLog": func(ctx context.Context, f *filled) error {
		return drain(f.Executions.ImportLog(ctx, strings.NewReader(logLine(1)), repository.ImportOptions{AgentID: "coder"}))
	},
	"Executions.ImportBatch": func(ctx context.Context, f *filled) error {
		docs := [][]byte{[]byte(wrappedReceipt), []byte(strings.Replace(wrappedReceipt, "exec-1", "exec-9", 1))}
		return discard(f.Executions.ImportBatch(ctx, docs, repository.ImportOptions{}))
	},
	"Executions.Interrupted": func(ctx context.Context, f *filled) error { return discard(f.Executions.Interrupted(ctx)) },
	"Execution.Stage": func(ctx context.Context, f *filled) error {
		return f.run.Stage(ctx, models.StageEmit, func(ctx context.Context, _ *repository.StageResult) error { return ctx.Err() })
	},
	"Execution.Finish": func(ctx context.Context, f *filled) error { return discard(f.run.Finish(ctx, repository.Outcome{})) },
}
