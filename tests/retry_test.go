package tests

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/hooks"
	"github.com/seanchatmangpt/ggen/tier2/internal/pgtest"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

func openPostgres(t *testing.T, opts ...tier2.Option) *tier2.Store {
	t.Helper()
	store, err := tier2.Open(t.Context(), pgtest.DSN(t), opts...)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, store.Close()) })
	return store
}

// loseFirst makes the server fail the first n writes of a table, at the last statement of a
// save. A sequence counts them, since a rollback does not reset it.
func loseFirst(t *testing.T, store *tier2.Store, n int, sqlstate, table, when string) {
	t.Helper()
	for _, statement := range []string{
		"DROP SEQUENCE IF EXISTS lost CASCADE", "CREATE SEQUENCE lost",
		fmt.Sprintf(`CREATE OR REPLACE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			IF nextval('lost') <= %d THEN RAISE EXCEPTION 'lost on purpose' USING ERRCODE = '%s'; END IF; RETURN NULL; END $$`, n, sqlstate),
		"CREATE OR REPLACE TRIGGER lose AFTER INSERT OR UPDATE ON " + table + " FOR EACH ROW WHEN (" + when + ") EXECUTE FUNCTION lose()",
	} {
		require.NoError(t, store.DB().WithContext(t.Context()).Exec(statement).Error)
	}
}

// attempts returns how often the trigger of loseFirst ran.
func attempts(t *testing.T, store *tier2.Store) (n int64) {
	t.Helper()
	require.NoError(t, store.DB().WithContext(t.Context()).Raw("SELECT last_value FROM lost").Scan(&n).Error)
	return n
}

// TestLostTransactionsRunAgain: each operation that owns its transaction succeeds although
// the first attempts fail, and stores what a single attempt stores.
func TestLostTransactionsRunAgain(t *testing.T) {
	metric := func() models.PipelineMetric {
		return models.PipelineMetric{Stage: models.StageEmit, Status: models.StagePassed, DurationMS: 1}
	}
	type given struct {
		receipt   *models.Receipt
		session   *models.WorkflowSession
		collision *models.Collision
		execution *repository.Execution
	}
	prepare := func(t *testing.T, ctx context.Context, store *tier2.Store) (g given) {
		g.receipt = newReceipt("before")
		require.NoError(t, store.Receipts.Create(ctx, g.receipt))
		g.session = &models.WorkflowSession{}
		require.NoError(t, store.Sessions.Start(ctx, g.session))
		g.collision = &models.Collision{SessionID: g.session.SessionID, AgentID1: "coder", AgentID2: "tester", Description: "both write a.go", CollisionType: models.CollisionTypes()[0], Severity: models.Severities()[0]}
		require.NoError(t, store.Collisions.Report(ctx, g.collision))
		var err error
		g.execution, err = store.Executions.Begin(ctx, "coder", models.OperationGeneration, repository.ExecutionOptions{})
		require.NoError(t, err)
		require.NoError(t, store.Memory.Put(ctx, "coder", models.JSON(`{"a":1}`)))
		return g
	}
	for name, tt := range map[string]struct {
		entries int // audit entries per attempt
		saves   int64
		do      func(t *testing.T, ctx context.Context, store *tier2.Store, g given) error
	}{
		"Create": {3, 3, func(t *testing.T, ctx context.Context, store *tier2.Store, _ given) error {
			r := newReceipt("new")
			r.Metrics = []models.PipelineMetric{metric(), metric()}
			err := store.Receipts.Create(ctx, r)
			stored, metrics := mustGet(t, store, "new"), mustMetrics(t, store, "new")
			assert.Equal(t, stored.ID, r.ID)
			for i, m := range r.Metrics {
				assert.Equal(t, metrics[i].ID, m.ID)
			}
			return err
		}},
		"CreateBatch": {150, 150, func(t *testing.T, ctx context.Context, store *tier2.Store, _ given) error {
			var batch []*models.Receipt
			for i := range 150 {
				batch = append(batch, newReceipt(fmt.Sprint("new", i)))
			}
			err := store.Receipts.CreateBatch(ctx, batch)
			assert.Equal(t, mustGet(t, store, "new149").ID, batch[149].ID)
			return err
		}},
		"Upsert": {1, 1, func(t *testing.T, ctx context.Context, store *tier2.Store, g given) error {
			r := newReceipt("before")
			r.Environment = "dev"
			err := store.Receipts.Upsert(ctx, r)
			assert.Equal(t, g.receipt.ID, r.ID)
			return err
		}},
		"Delete": {1, 1, func(_ *testing.T, ctx context.Context, store *tier2.Store, _ given) error {
			return store.Receipts.Delete(ctx, "before")
		}},
		"Metrics": {2, 2, func(_ *testing.T, ctx context.Context, store *tier2.Store, g given) error {
			a, b := metric(), metric()
			a.ExecutionID, b.ExecutionID = "before", "before"
			return store.Metrics.RecordBatch(ctx, []*models.PipelineMetric{&a, &b})
		}},
		"Violation": {1, 1, func(_ *testing.T, ctx context.Context, store *tier2.Store, g given) error {
			return store.Violations.Record(ctx, &models.SLOViolation{ExecutionID: "before", Metric: "m", TargetValue: 1, ActualValue: 2, Severity: models.SeverityWarning})
		}},
		"Check": {1, 1, func(_ *testing.T, ctx context.Context, store *tier2.Store, g given) error {
			missed, err := store.Violations.Check(ctx, "before", []repository.Target{{Metric: "m", Target: 1, Warning: 1, Critical: 2}}, map[string]float64{"m": 3})
			assert.Len(t, missed, 1)
			return err
		}},
		"Session": {1, 1, func(_ *testing.T, ctx context.Context, store *tier2.Store, _ given) error {
			return store.Sessions.Start(ctx, &models.WorkflowSession{})
		}},
		"EndSession": {1, 1, func(_ *testing.T, ctx context.Context, store *tier2.Store, g given) error {
			_, err := store.Sessions.Finish(ctx, g.session.SessionID)
			return err
		}},
		"AddOutcome": {1, 1, func(_ *testing.T, ctx context.Context, store *tier2.Store, g given) error {
			return store.Sessions.AddOutcome(ctx, g.session.SessionID, 1, 0)
		}},
		"Resolve": {1, 1, func(_ *testing.T, ctx context.Context, store *tier2.Store, g given) error {
			return store.Collisions.Resolve(ctx, g.collision.ID, "talked")
		}},
		"Put": {1, 0, func(_ *testing.T, ctx context.Context, store *tier2.Store, _ given) error {
			return store.Memory.Put(ctx, "coder", models.JSON(`{"a":2}`))
		}},
		"ResetRetries": {1, 0, func(_ *testing.T, ctx context.Context, store *tier2.Store, _ given) error {
			return store.Memory.ResetRetries(ctx, "coder")
		}},
		"Record": {1, 0, func(_ *testing.T, ctx context.Context, store *tier2.Store, _ given) error {
			return store.Audit.Record(ctx, &models.AuditEntry{AgentID: "coder", Operation: "mine", Status: models.AuditCompleted})
		}},
		"Begin": {1, 0, func(_ *testing.T, ctx context.Context, store *tier2.Store, _ given) error {
			_, err := store.Executions.Begin(ctx, "coder", models.OperationWatch, repository.ExecutionOptions{})
			return err
		}},
		"Finish": {3, 2, func(t *testing.T, ctx context.Context, store *tier2.Store, g given) error {
			require.NoError(t, g.execution.Stage(ctx, models.StageEmit, func(context.Context, *repository.StageResult) error { return nil }))
			receipt, err := g.execution.Finish(ctx, repository.Outcome{})
			assert.Equal(t, mustGet(t, store, g.execution.ID()).ID, receipt.ID)
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := hooks.WithActor(t.Context(), "coder")
			store := openPostgres(t)
			g := prepare(t, ctx, store)
			entriesBefore, savesBefore := len(entries(t, store)), activity(t, store, "coder").Saves
			loseFirst(t, store, 2, "40001", "audit_log", "NEW.status <> 'failed'")

			require.NoError(t, tt.do(t, ctx, store, g))
			after := entries(t, store)
			assert.Len(t, after, entriesBefore+tt.entries, "%q", after)
			assert.NotContains(t, fmt.Sprint(after), "failed")
			assert.Equal(t, savesBefore+tt.saves, activity(t, store, "coder").Saves)
			assert.EqualValues(t, 2+tt.entries, attempts(t, store))
		})
	}
}

func mustGet(t *testing.T, store *tier2.Store, id string) *models.Receipt {
	t.Helper()
	r, err := store.Receipts.Get(t.Context(), id)
	require.NoError(t, err)
	return r
}

func mustMetrics(t *testing.T, store *tier2.Store, id string) []models.PipelineMetric {
	t.Helper()
	m, err := store.Metrics.ByExecution(t.Context(), id)
	require.NoError(t, err)
	return m
}

// TestAlwaysLost: the attempts end with ErrRetry and one failed entry, and the caller's
// struct stays unchanged.
func TestAlwaysLost(t *testing.T) {
	t.Parallel()
	store := openPostgres(t)
	loseFirst(t, store, 1e6, "40P01", "agent_memory", "true")
	r := newReceipt("a")
	r.Metrics = []models.PipelineMetric{{Stage: models.StageEmit, Status: models.StagePassed, DurationMS: 1}}
	err := store.Receipts.Create(t.Context(), r)
	require.ErrorIs(t, err, models.ErrRetry)
	assert.ErrorContains(t, err, "after 12 tries")
	assert.Zero(t, r.ID)
	assert.Zero(t, r.Metrics[0].ID)
	assert.EqualValues(t, 12, attempts(t, store))
	assert.Equal(t, []string{"receipts.create failed coder a"}, entries(t, store))
	assert.Zero(t, counts(t, store)["receipts"])

	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	err = store.Receipts.Create(ctx, newReceipt("b"))
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	assert.Less(t, attempts(t, store), int64(24), "the context ended the tries")
	assert.LessOrEqual(t, len(entries(t, store)), 2, "none if the context ended before the last try began")
}

// TestLostInsideTransaction: an operation inside a caller's transaction is not repeated, and
// the error says that the whole transaction must be.
func TestLostInsideTransaction(t *testing.T) {
	t.Parallel()
	store := openPostgres(t)
	ctx := t.Context()
	loseFirst(t, store, 1, "40001", "agent_memory", "true")
	calls := 0
	save := func() error {
		return store.Transaction(ctx, func(tx *tier2.Store) error {
			calls++
			return tx.Receipts.Create(ctx, newReceipt("a"))
		})
	}
	err := save()
	require.ErrorIs(t, err, models.ErrRetry)
	assert.ErrorContains(t, err, "run the whole transaction again")
	assert.Equal(t, 1, calls)
	assert.Zero(t, counts(t, store)["receipts"])
	require.NoError(t, save(), "the caller's second run")
	assert.Equal(t, int64(1), counts(t, store)["receipts"])
}

// TestDeadlock: of two transactions that lock in opposite order, one must run again.
func TestDeadlock(t *testing.T) {
	t.Parallel()
	store := openPostgres(t)
	ctx := t.Context()
	for _, agent := range []string{"a", "b"} {
		require.NoError(t, store.Memory.Put(ctx, agent, models.JSON(`{"n":0}`)))
	}
	put := func(tx *tier2.Store, agent string) error {
		return tx.Memory.Update(ctx, agent, func(doc map[string]any) error { doc["seen"] = true; return nil })
	}
	var both sync.WaitGroup // each has locked its first row
	both.Add(2)
	errs := make(chan error, 2)
	for _, order := range [][2]string{{"a", "b"}, {"b", "a"}} {
		go func() {
			errs <- store.Transaction(ctx, func(tx *tier2.Store) error {
				if err := put(tx, order[0]); err != nil {
					return err
				}
				both.Done()
				both.Wait()
				return put(tx, order[1])
			})
		}()
	}
	one, two := <-errs, <-errs
	if one == nil {
		one, two = two, one
	}
	require.ErrorIs(t, one, models.ErrRetry)
	assert.ErrorContains(t, one, "deadlock")
	assert.NoError(t, two)
}

// TestSerializable: of two serializable transactions that read each other's rows, one gets
// ErrRetry, also if only COMMIT reports the conflict.
func TestSerializable(t *testing.T) {
	t.Parallel()
	store := openPostgres(t)
	ctx := t.Context()
	begin := func() *gorm.DB {
		tx := store.DB().WithContext(ctx).Begin(&sql.TxOptions{Isolation: sql.LevelSerializable})
		require.NoError(t, tx.Error)
		var n int64
		require.NoError(t, tx.Model(&models.Receipt{}).Where("environment = 'prod'").Count(&n).Error)
		return tx
	}
	one, two := begin(), begin()
	save := func(tx *gorm.DB, id string) error {
		r := newReceipt(id)
		r.AgentID, r.Environment = id, "prod"
		return tx.Create(r).Error
	}
	require.NoError(t, save(one, "one"))
	err := save(two, "two")
	require.NoError(t, one.Commit().Error)
	if err == nil {
		err = two.Commit().Error
	}
	two.Rollback()
	require.ErrorIs(t, err, models.ErrRetry)
	assert.Equal(t, int64(1), counts(t, store)["receipts"])
}
