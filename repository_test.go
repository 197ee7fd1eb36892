package tier2_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/hooks"
	"github.com/seanchatmangpt/ggen/tier2/ledger"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
	"github.com/seanchatmangpt/ggen/tier2/tier2test"
)

// Start reading here. This file has one test per repository of a Store, and each test runs
// on both engines: on SQLite always, on PostgreSQL if TIER2_TEST_POSTGRES names a server.
//
//	go test . -v -run 'TestReceipts|TestMemory'
//
// The other tests are in tests/. The suite in tests/contract covers every method of every
// repository, with bad input, concurrency and faults.

// TestMain fails if a store leaves a goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// onBothEngines runs a test on an empty store per engine. The clock of the store shows
// 2026-01-01 12:00:00 UTC and moves only when the test moves it, so times are predictable.
func onBothEngines(t *testing.T, test func(t *testing.T, store *tier2.Store, clock *tier2test.Clock)) {
	t.Helper()
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		clock := new(tier2test.Clock)
		test(t, tier2test.Open(t, tier2.WithClock(clock.Now)), clock) // a file in t.TempDir()
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		clock := new(tier2test.Clock)
		// OpenPostgres creates a schema for this test and drops it when the test ends.
		// It skips the test if TIER2_TEST_POSTGRES is unset.
		test(t, tier2test.OpenPostgres(t, tier2.WithClock(clock.Now)), clock)
	})
}

// build returns a valid receipt of the agent "coder". A receipt needs these four fields;
// the store fills id, timestamp and, if it is empty, the execution's id.
func build(executionID string) *models.Receipt {
	return &models.Receipt{
		ExecutionID: executionID, AgentID: "coder",
		Operation: models.OperationGeneration, Status: models.ReceiptPassed,
	}
}

// A receipt records one execution of the pipeline: who ran what, and how it ended.
func TestReceipts(t *testing.T) {
	onBothEngines(t, func(t *testing.T, store *tier2.Store, clock *tier2test.Clock) {
		ctx := t.Context()

		// Create stores a receipt together with its metrics and violations.
		first := build("build-1")
		first.Metrics = []models.PipelineMetric{{Stage: models.StageEmit, DurationMS: 80, Status: models.StagePassed}}
		require.NoError(t, store.Receipts.Create(ctx, first))
		assert.Equal(t, "2026-01-01T12:00:00.000000Z", first.Timestamp.String(), "the store's clock fills the time")

		// Invalid rows are rejected before they reach the database. Errors are values:
		// errors.Is tells the kind, errors.As gives table, column, value and allowed values.
		assert.ErrorIs(t, store.Receipts.Create(ctx, build("build-1")), models.ErrDuplicate)
		wrong := build("build-2")
		wrong.Status = "great"
		err := store.Receipts.Create(ctx, wrong)
		require.ErrorIs(t, err, models.ErrInvalid)
		var detail *models.Error
		require.ErrorAs(t, err, &detail)
		assert.Equal(t, "status", detail.Column)
		assert.Equal(t, []string{"passed", "failed", "partial", "cancelled"}, detail.Allowed)

		// List returns a page, newest first, and a cursor for the next page.
		clock.Advance(time.Minute)
		failed := build("build-3")
		failed.Status, failed.ErrorMessage = models.ReceiptFailed, "no template"
		require.NoError(t, store.Receipts.Create(ctx, failed))
		filter := repository.ReceiptFilter{AgentID: "coder", Page: repository.Page{Limit: 1}}
		page, next, err := store.Receipts.List(ctx, filter)
		require.NoError(t, err)
		require.Len(t, page, 1)
		assert.Equal(t, "build-3", page[0].ExecutionID)
		filter.Cursor = next
		page, _, err = store.Receipts.List(ctx, filter)
		require.NoError(t, err)
		require.Len(t, page, 1)
		assert.Equal(t, "build-1", page[0].ExecutionID)

		_, err = store.Receipts.Get(ctx, "build-2")
		assert.ErrorIs(t, err, models.ErrNotFound, "the rejected receipt was not stored")
	})
}

// Memory holds one JSON object per agent.
func TestMemory(t *testing.T) {
	onBothEngines(t, func(t *testing.T, store *tier2.Store, clock *tier2test.Clock) {
		ctx := hooks.WithActor(t.Context(), "supervisor") // the agent that makes these changes

		require.NoError(t, store.Memory.Put(ctx, "coder", models.JSON(`{"task":"parser","step":1}`)))
		clock.Advance(time.Hour)
		// Merge applies a merge patch (RFC 7396); null removes a key.
		require.NoError(t, store.Memory.Merge(ctx, "coder", models.JSON(`{"task":null,"step":2}`)))
		memory, err := store.Memory.Get(ctx, "coder")
		require.NoError(t, err)
		assert.JSONEq(t, `{"step":2}`, memory.MemoryJSON.String())

		// CompareAndSwap writes only if the document is still the one that the caller read.
		tag := store.Memory.ETag(memory)
		require.NoError(t, store.Memory.CompareAndSwap(ctx, "coder", tag, models.JSON(`{"step":3}`)))
		err = store.Memory.CompareAndSwap(ctx, "coder", tag, models.JSON(`{"step":4}`))
		assert.ErrorIs(t, err, models.ErrConflict)

		// The audit log keeps every version: what the agent knew at any time, and who wrote it.
		noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
		version, err := store.Memory.At(ctx, "coder", noon.Add(time.Minute))
		require.NoError(t, err)
		assert.JSONEq(t, `{"task":"parser","step":1}`, version.Document.String())
		assert.Equal(t, "supervisor", version.ChangedBy)
	})
}

// Every write leaves an audit entry in the same transaction. Entries are append-only, and a
// Merkle tree over them makes later changes detectable.
func TestAudit(t *testing.T) {
	onBothEngines(t, func(t *testing.T, store *tier2.Store, _ *tier2test.Clock) {
		ctx := t.Context()

		require.NoError(t, store.Receipts.Create(ctx, build("build-1"))) // acting: the receipt's own agent
		require.NoError(t, store.Receipts.Delete(hooks.WithActor(ctx, "supervisor"), "build-1"))
		// Record adds an entry of your own. Values under secret keys are redacted.
		require.NoError(t, store.Audit.Record(ctx, &models.AuditEntry{
			AgentID: "coder", Operation: "login", Status: models.AuditCompleted,
			ContextJSON: models.JSON(`{"execution_id":"build-1","api_key":"abc"}`),
		}))

		trail, err := store.Audit.Trail(ctx, "build-1") // oldest first
		require.NoError(t, err)
		require.Len(t, trail, 3)
		assert.Equal(t, []string{"receipts.create", "receipts.delete", "login"},
			[]string{trail[0].Operation, trail[1].Operation, trail[2].Operation})
		assert.Equal(t, []string{"coder", "supervisor", "coder"},
			[]string{trail[0].AgentID, trail[1].AgentID, trail[2].AgentID})
		assert.JSONEq(t, `{"execution_id":"build-1","api_key":"[redacted]"}`, trail[2].ContextJSON.String())

		// GORM calls are audited as well, and entries reject updates.
		err = store.DB().WithContext(ctx).Model(&trail[0]).Update("agent_id", "eve").Error
		assert.ErrorIs(t, err, models.ErrAppendOnly)

		// Seal adds the entries to the tree. A proof can be checked without a database.
		checkpoint, err := store.Audit.Seal(ctx)
		require.NoError(t, err)
		proof, err := store.Audit.Prove(ctx, trail[0].ID)
		require.NoError(t, err)
		require.NoError(t, proof.Check())
		assert.Positive(t, checkpoint.Size)
		report, err := store.Audit.Verify(ctx, ledger.VerifyOptions{})
		require.NoError(t, err)
		assert.Empty(t, report.Findings)
	})
}

// A session is one run of several agents.
func TestSessions(t *testing.T) {
	onBothEngines(t, func(t *testing.T, store *tier2.Store, clock *tier2test.Clock) {
		ctx := t.Context()

		require.NoError(t, store.Sessions.Start(ctx, &models.WorkflowSession{SessionID: "swarm-1", AgentCount: 3}))
		active, err := store.Sessions.Active(ctx)
		require.NoError(t, err)
		assert.Len(t, active, 1)

		require.NoError(t, store.Sessions.AddOutcome(ctx, "swarm-1", 5, 1)) // succeeded, failed
		clock.Advance(90 * time.Second)
		session, err := store.Sessions.Finish(ctx, "swarm-1")
		require.NoError(t, err)
		assert.Equal(t, models.SessionCompleted, session.Status)
		assert.EqualValues(t, 90_000, *session.TotalDurationMS)
		assert.EqualValues(t, 5, session.SuccessfulOperations)

		_, err = store.Sessions.Finish(ctx, "swarm-1")
		assert.ErrorIs(t, err, models.ErrNotRunning, "a session ends once")
	})
}

// A collision is a conflict of two agents in a session.
func TestCollisions(t *testing.T) {
	onBothEngines(t, func(t *testing.T, store *tier2.Store, _ *tier2test.Clock) {
		ctx := t.Context()
		collision := &models.Collision{
			SessionID: "swarm-1", AgentID1: "coder", AgentID2: "reviewer",
			CollisionType: models.FileConflict, Severity: models.SeverityWarning, Description: "both wrote main.rs",
		}
		assert.ErrorIs(t, store.Collisions.Report(ctx, collision), models.ErrForeignKey, "there is no such session")

		require.NoError(t, store.Sessions.Start(ctx, &models.WorkflowSession{SessionID: "swarm-1", AgentCount: 2}))
		require.NoError(t, store.Collisions.Report(ctx, collision))
		memory, err := store.Memory.Get(ctx, "reviewer")
		require.NoError(t, err)
		assert.Contains(t, memory.CollisionHistory.String(), "file_conflict", "both agents remember the collision")

		require.NoError(t, store.Collisions.Resolve(ctx, collision.ID, "merged by hand"))
		assert.ErrorIs(t, store.Collisions.Resolve(ctx, collision.ID, "dropped"), models.ErrConflict)
		unresolved, _, err := store.Collisions.Unresolved(ctx, repository.CollisionFilter{})
		require.NoError(t, err)
		assert.Empty(t, unresolved)
	})
}

// A metric is the timing of one of the five stages of an execution.
func TestMetrics(t *testing.T) {
	onBothEngines(t, func(t *testing.T, store *tier2.Store, _ *tier2test.Clock) {
		ctx := t.Context()
		require.NoError(t, store.Receipts.Create(ctx, build("build-1")))

		var metrics []*models.PipelineMetric
		for _, stage := range models.Stages() {
			metrics = append(metrics, &models.PipelineMetric{
				ExecutionID: "build-1", Stage: stage, DurationMS: 20, Status: models.StagePassed,
			})
		}
		// A batch is stored completely or not at all.
		metrics[4].DurationMS = -1
		assert.ErrorIs(t, store.Metrics.RecordBatch(ctx, metrics), models.ErrInvalid)
		stored, err := store.Metrics.ByExecution(ctx, "build-1")
		require.NoError(t, err)
		assert.Empty(t, stored)

		metrics[4].DurationMS = 30
		require.NoError(t, store.Metrics.RecordBatch(ctx, metrics))
		stored, err = store.Metrics.ByExecution(ctx, "build-1")
		require.NoError(t, err)
		require.Len(t, stored, 5)
		assert.Equal(t, models.StageNormalize, stored[0].Stage)
	})
}

// A violation is a service level objective that an execution missed.
func TestViolations(t *testing.T) {
	onBothEngines(t, func(t *testing.T, store *tier2.Store, _ *tier2test.Clock) {
		ctx := t.Context()
		require.NoError(t, store.Receipts.Create(ctx, build("build-1")))

		// Check compares measurements with targets and stores the missed ones.
		missed, err := store.Violations.Check(ctx, "build-1", repository.DefaultTargets(), map[string]float64{
			repository.MetricFirstBuild:       40, // s; the target is 15
			repository.MetricGenerationMemory: 80, // MB; the target is 100
		})
		require.NoError(t, err)
		require.Len(t, missed, 1)
		assert.Equal(t, models.SeverityCritical, missed[0].Severity, "more than twice the target")

		stored, err := store.Violations.ByExecution(ctx, "build-1")
		require.NoError(t, err)
		require.Len(t, stored, 1)
		assert.Equal(t, repository.MetricFirstBuild, stored[0].Metric)
	})
}

// An execution is a run of the pipeline as it happens: Begin, a Stage per step, Finish.
func TestExecutions(t *testing.T) {
	onBothEngines(t, func(t *testing.T, store *tier2.Store, clock *tier2test.Clock) {
		ctx := t.Context()

		execution, err := store.Executions.Begin(ctx, "coder", models.OperationGeneration,
			repository.ExecutionOptions{ExecutionID: "build-1"})
		require.NoError(t, err)
		interrupted, err := store.Executions.Interrupted(ctx)
		require.NoError(t, err)
		assert.Len(t, interrupted, 1, "an execution that has begun and not finished")

		for _, stage := range models.Stages() {
			require.NoError(t, execution.Stage(ctx, stage, func(context.Context, *repository.StageResult) error {
				clock.Advance(20 * time.Millisecond) // the work of the stage
				return nil
			}))
		}
		require.NoError(t, execution.Measure(repository.MetricFirstBuild, 20)) // s; the target is 15

		// Finish writes receipt, metrics, violations and audit entries in one transaction.
		receipt, err := execution.Finish(ctx, repository.Outcome{FilesGenerated: 7})
		require.NoError(t, err)
		assert.Equal(t, models.ReceiptPassed, receipt.Status)
		assert.EqualValues(t, 100, receipt.DurationMS)
		assert.Len(t, receipt.Metrics, 5)
		assert.Len(t, receipt.Violations, 1)
	})
}

// Reports answer the usual questions about many executions.
func TestReports(t *testing.T) {
	onBothEngines(t, func(t *testing.T, store *tier2.Store, _ *tier2test.Clock) {
		ctx := t.Context()
		fast, slow := build("build-1"), build("build-2")
		fast.DurationMS = 100
		slow.DurationMS, slow.Status = 300, models.ReceiptFailed
		require.NoError(t, store.Receipts.CreateBatch(ctx, []*models.Receipt{fast, slow}))

		agents, err := store.Reports.AgentPerformance(ctx)
		require.NoError(t, err)
		require.Len(t, agents, 1)
		assert.EqualValues(t, 2, agents[0].TotalExecutions)
		assert.EqualValues(t, 1, agents[0].FailedExecutions)
		assert.InDelta(t, 200, agents[0].AvgDurationMS, 0.001)

		failures, err := store.Reports.RecentFailures(ctx, 10)
		require.NoError(t, err)
		require.Len(t, failures, 1)
		assert.Equal(t, "build-2", failures[0].ExecutionID)
	})
}

// A transaction commits all of its writes, with their audit entries, or none of them.
func TestTransaction(t *testing.T) {
	onBothEngines(t, func(t *testing.T, store *tier2.Store, _ *tier2test.Clock) {
		ctx := t.Context()
		changedMyMind := errors.New("changed my mind")

		err := store.Transaction(ctx, func(tx *tier2.Store) error { // use tx, not store, inside
			require.NoError(t, tx.Receipts.Create(ctx, build("build-1")))
			require.NoError(t, tx.Memory.Put(ctx, "planner", models.JSON(`{"step":1}`)))
			return changedMyMind
		})
		assert.ErrorIs(t, err, changedMyMind)

		_, err = store.Receipts.Get(ctx, "build-1")
		assert.ErrorIs(t, err, models.ErrNotFound)
		entries, _, err := store.Audit.List(ctx, repository.AuditFilter{})
		require.NoError(t, err)
		assert.Empty(t, entries, "the audit entries were rolled back too")
	})
}
