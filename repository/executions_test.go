package repository_test

import (
	"context"
	"errors"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// testClock is a clock that moves only when told.
type testClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *testClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *testClock) Pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// executionStore is a new store in memory whose clock stands at 2026-01-01 12:00 UTC.
func executionStore(t *testing.T) (*tier2.Store, *testClock) {
	t.Helper()
	clock := &testClock{now: time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)}
	store, err := tier2.Open(t.Context(), ":memory:", tier2.WithClock(clock.Now))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, store.Close()) })
	return store, clock
}

// rowCounts is how many rows each table has: equal before and after a refusal.
func rowCounts(t *testing.T, store *tier2.Store) map[string]int64 {
	t.Helper()
	counts := map[string]int64{}
	for _, m := range models.All() {
		var n int64
		require.NoError(t, store.DB().Table(m.TableName()).Count(&n).Error)
		counts[m.TableName()] = n
	}
	return counts
}

// ownEntries are the audit entries that the execution made itself, oldest first.
func ownEntries(t *testing.T, store *tier2.Store, op models.Operation) []models.AuditEntry {
	t.Helper()
	var entries []models.AuditEntry
	require.NoError(t, store.DB().Where("operation = ?", string(op)).Order("id").Find(&entries).Error)
	return entries
}

const anyHash = "60f717681aef7aba3f89256927ccbbb8178b2e6628345b52600cbc7330f39b66"

func TestExecutions_Finish(t *testing.T) {
	t.Parallel()
	store, clock := executionStore(t)
	ctx := t.Context()
	session := &models.WorkflowSession{AgentCount: 1}
	require.NoError(t, store.Sessions.Start(ctx, session))

	e, err := store.Executions.Begin(ctx, "builder", models.OperationGeneration, repository.ExecutionOptions{
		SessionID: session.SessionID, Environment: "dev", ManifestHash: anyHash,
	})
	require.NoError(t, err)
	entries := ownEntries(t, store, models.OperationGeneration)
	require.Len(t, entries, 1)
	assert.Equal(t, models.AuditStarted, entries[0].Status)
	assert.JSONEq(t, `{"v":1,"execution_id":"`+e.ID()+`","session_id":"`+session.SessionID+`"}`, entries[0].ContextJSON.String())

	for i, stage := range models.Stages() {
		require.NoError(t, e.Stage(ctx, stage, func(_ context.Context, r *repository.StageResult) error {
			clock.Pass(time.Duration(i+1) * 1500 * time.Millisecond)
			r.InputSizeBytes, r.OutputSizeBytes = int64(i), int64(10*i)
			return nil
		}))
	}
	require.NoError(t, e.Measure(repository.MetricTriples, 1000))
	require.NoError(t, e.Measure(repository.MetricGenerationMemory, 250))
	receipt, err := e.Finish(ctx, repository.Outcome{FilesGenerated: 3, FilesModified: 1, OntologyHash: anyHash})
	require.NoError(t, err)

	stored, err := store.Receipts.Get(ctx, e.ID())
	require.NoError(t, err)
	assert.Equal(t, "builder", stored.AgentID)
	assert.Equal(t, models.ReceiptPassed, stored.Status)
	assert.Equal(t, "2026-01-01T12:00:00.000000Z", stored.Timestamp.String())
	assert.EqualValues(t, 22500, stored.DurationMS)
	assert.EqualValues(t, 3, stored.FilesGenerated)
	assert.EqualValues(t, 1, stored.FilesModified)
	assert.Equal(t, []string{anyHash, anyHash, "dev", ""}, []string{stored.ManifestHash, stored.OntologyHash, stored.Environment, stored.ErrorMessage})
	assert.Equal(t, receipt.ID, stored.ID)

	metrics, err := store.Metrics.ByExecution(ctx, e.ID())
	require.NoError(t, err)
	require.Len(t, metrics, 5)
	for i, m := range metrics {
		assert.Equal(t, models.Stages()[i], m.Stage)
		assert.EqualValues(t, 1500*(i+1), m.DurationMS)
		assert.Equal(t, []int64{int64(i), int64(10 * i)}, []int64{m.InputSizeBytes, m.OutputSizeBytes})
		assert.Equal(t, models.StagePassed, m.Status)
	}
	missed, err := store.Violations.ByExecution(ctx, e.ID())
	require.NoError(t, err)
	got := map[string]models.Severity{}
	for _, v := range missed {
		got[v.Metric] = v.Severity
	}
	assert.Equal(t, map[string]models.Severity{
		repository.MetricFirstBuild: models.SeverityWarning, repository.MetricGenerationMemory: models.SeverityCritical,
	}, got, "4.5 s for normalize and extract are within 5 s")
	assert.Len(t, receipt.Metrics, 5)
	assert.Len(t, receipt.Violations, 2)

	entries = ownEntries(t, store, models.OperationGeneration)
	require.Len(t, entries, 2)
	assert.Equal(t, models.AuditCompleted, entries[1].Status)
	assert.EqualValues(t, 22500, entries[1].DurationMS)
	session, err = store.Sessions.Get(ctx, session.SessionID)
	require.NoError(t, err)
	assert.Equal(t, []int64{1, 0}, []int64{session.SuccessfulOperations, session.FailedOperations})

	before := rowCounts(t, store)
	_, err = e.Finish(ctx, repository.Outcome{})
	require.ErrorIs(t, err, models.ErrNotRunning)
	require.ErrorIs(t, e.Measure("x", 1), models.ErrNotRunning)
	require.ErrorIs(t, e.Stage(ctx, models.StageEmit, nil), models.ErrNotRunning)
	assert.Equal(t, before, rowCounts(t, store))

	// What Finish wrote is what Import reads.
	other, _ := executionStore(t)
	again, err := other.Executions.Import(ctx, stored.ReceiptJSON, repository.ImportOptions{})
	require.NoError(t, err)
	assert.Equal(t, stored.DurationMS, again.Receipt.DurationMS)
	assert.Equal(t, stored.ManifestHash, again.Receipt.ManifestHash)
	assert.Len(t, again.Receipt.Metrics, 5)
	assert.Len(t, again.Receipt.Violations, 2)
}

func TestExecutions_FinishFailed(t *testing.T) {
	t.Parallel()
	boom := errors.New("template \xff broke")
	for name, tt := range map[string]struct {
		outcome repository.Outcome
		stage   error
		want    models.ReceiptStatus
		message string
	}{
		"Stage":     {stage: boom, want: models.ReceiptFailed, message: "μ₃_emit: template \uFFFD broke"},
		"Err":       {outcome: repository.Outcome{Err: errors.New("a\x00b")}, want: models.ReceiptFailed, message: "a\uFFFDb"},
		"Cancelled": {outcome: repository.Outcome{Err: context.Canceled}, want: models.ReceiptCancelled, message: "context canceled"},
		"Partial":   {outcome: repository.Outcome{Status: models.ReceiptPartial}, stage: boom, want: models.ReceiptPartial, message: "μ₃_emit: template \uFFFD broke"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, _ := executionStore(t)
			ctx := t.Context()
			session := &models.WorkflowSession{AgentCount: 1}
			require.NoError(t, store.Sessions.Start(ctx, session))
			e, err := store.Executions.Begin(ctx, "builder", models.OperationWatch, repository.ExecutionOptions{SessionID: session.SessionID})
			require.NoError(t, err)
			err = e.Stage(ctx, models.StageEmit, func(context.Context, *repository.StageResult) error { return tt.stage })
			require.ErrorIs(t, err, tt.stage)
			receipt, err := e.Finish(ctx, tt.outcome)
			require.NoError(t, err)
			assert.Equal(t, tt.want, receipt.Status)
			assert.Equal(t, tt.message, receipt.ErrorMessage)
			entries := ownEntries(t, store, models.OperationWatch)
			require.Len(t, entries, 2)
			assert.Equal(t, models.AuditFailed, entries[1].Status)
			assert.Equal(t, tt.message, entries[1].ErrorMessage)
			session, err = store.Sessions.Get(ctx, session.SessionID)
			require.NoError(t, err)
			assert.Equal(t, []int64{0, 1}, []int64{session.SuccessfulOperations, session.FailedOperations})
			memory, err := store.Memory.Get(ctx, "builder")
			require.NoError(t, err)
			assert.Equal(t, tt.want == models.ReceiptFailed, memory.RetryCount == 1)
		})
	}
}

func TestExecutions_Stage(t *testing.T) {
	t.Parallel()
	store, clock := executionStore(t)
	ctx := t.Context()
	e, err := store.Executions.Begin(ctx, "builder", models.OperationValidation, repository.ExecutionOptions{})
	require.NoError(t, err)
	pass := func(context.Context, *repository.StageResult) error { return nil }

	require.ErrorIs(t, e.Stage(ctx, "μ₆_dance", pass), models.ErrInvalid)
	require.ErrorIs(t, e.Stage(ctx, "", pass), models.ErrInvalid)
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	require.ErrorIs(t, e.Stage(cancelled, models.StageEmit, pass), context.Canceled)

	require.ErrorIs(t, e.Stage(ctx, models.StageNormalize, func(ctx context.Context, r *repository.StageResult) error {
		r.InputSizeBytes = -1
		require.ErrorIs(t, e.Stage(ctx, models.StageNormalize, pass), models.ErrDuplicate, "it is running")
		_, err := e.Finish(ctx, repository.Outcome{})
		require.ErrorIs(t, err, models.ErrNotRunning, "a stage is still at work")
		return nil
	}), models.ErrInvalid)
	require.NoError(t, e.Stage(ctx, models.StageNormalize, pass), "what failed may run again")
	require.ErrorIs(t, e.Stage(ctx, models.StageNormalize, pass), models.ErrDuplicate, "what passed may not")
	assert.PanicsWithValue(t, "oops", func() {
		_ = e.Stage(ctx, models.StageExtract, func(context.Context, *repository.StageResult) error { panic("oops") })
	})
	require.NoError(t, e.Stage(ctx, models.StageEmit, func(context.Context, *repository.StageResult) error {
		clock.Pass(-time.Hour) // someone sets the clock back
		return nil
	}))
	for _, metric := range []string{"", " "} {
		require.ErrorIs(t, e.Measure(metric, 1), models.ErrInvalid)
	}
	for _, value := range []float64{math.NaN(), math.Inf(1)} {
		require.ErrorIs(t, e.Measure("x", value), models.ErrInvalid)
	}

	receipt, err := e.Finish(ctx, repository.Outcome{})
	require.NoError(t, err)
	assert.Equal(t, models.ReceiptFailed, receipt.Status)
	assert.Equal(t, "μ₂_extract: the stage panicked", receipt.ErrorMessage)
	assert.Zero(t, receipt.DurationMS)
	assert.Len(t, receipt.Metrics, 4)
}

func TestExecutions_ConcurrentStages(t *testing.T) {
	t.Parallel()
	store, _ := executionStore(t)
	e, err := store.Executions.Begin(t.Context(), "builder", models.OperationValidation, repository.ExecutionOptions{})
	require.NoError(t, err)
	var wg sync.WaitGroup
	for _, stage := range models.Stages() {
		wg.Go(func() {
			assert.NoError(t, e.Stage(t.Context(), stage, func(context.Context, *repository.StageResult) error { return e.Measure(string(stage), 1) }))
		})
	}
	wg.Wait()
	results := make(chan error, 8)
	for range cap(results) {
		go func() {
			_, err := e.Finish(t.Context(), repository.Outcome{})
			results <- err
		}()
	}
	finished := 0
	for range cap(results) {
		if err := <-results; err == nil {
			finished++
		} else {
			assert.ErrorIs(t, err, models.ErrNotRunning)
		}
	}
	assert.Equal(t, 1, finished)
	assert.EqualValues(t, 1, rowCounts(t, store)["receipts"])
	assert.EqualValues(t, 5, rowCounts(t, store)["pipeline_metrics"])
}

func TestExecutions_BeginRefused(t *testing.T) {
	t.Parallel()
	store, _ := executionStore(t)
	ctx := t.Context()
	ended := &models.WorkflowSession{AgentCount: 1}
	require.NoError(t, store.Sessions.Start(ctx, ended))
	_, err := store.Sessions.Cancel(ctx, ended.SessionID)
	require.NoError(t, err)
	require.NoError(t, store.Receipts.Create(ctx, &models.Receipt{ExecutionID: "done", AgentID: "a", Operation: models.OperationWatch, Status: models.ReceiptPassed}))
	before := rowCounts(t, store)
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	for name, tt := range map[string]struct {
		ctx   context.Context
		agent string
		op    models.Operation
		opts  repository.ExecutionOptions
		want  error
	}{
		"BlankAgent":     {agent: " ", want: models.ErrInvalid},
		"NoAgent":        {agent: "", want: models.ErrInvalid},
		"Operation":      {agent: "a", op: "cooking", want: models.ErrInvalid},
		"BlankID":        {agent: "a", opts: repository.ExecutionOptions{ExecutionID: " "}, want: models.ErrInvalid},
		"NUL":            {agent: "a", opts: repository.ExecutionOptions{ExecutionID: "a\x00"}, want: models.ErrInvalid},
		"Hash":           {agent: "a", opts: repository.ExecutionOptions{ManifestHash: "abc"}, want: models.ErrInvalid},
		"Target":         {agent: "a", opts: repository.ExecutionOptions{Targets: []repository.Target{{}}}, want: models.ErrInvalid},
		"UnknownSession": {agent: "a", opts: repository.ExecutionOptions{SessionID: "none"}, want: models.ErrNotFound},
		"EndedSession":   {agent: "a", opts: repository.ExecutionOptions{SessionID: ended.SessionID}, want: models.ErrNotRunning},
		"Finished":       {agent: "a", opts: repository.ExecutionOptions{ExecutionID: "done"}, want: models.ErrDuplicate},
		"Cancelled":      {ctx: cancelled, agent: "a", want: context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.ctx == nil {
				tt.ctx = ctx
			}
			if tt.op == "" {
				tt.op = models.OperationWatch
			}
			e, err := store.Executions.Begin(tt.ctx, tt.agent, tt.op, tt.opts)
			require.ErrorIs(t, err, tt.want)
			assert.Nil(t, e)
			assert.Equal(t, before, rowCounts(t, store))
		})
	}
}

func TestExecutions_FinishRefused(t *testing.T) {
	t.Parallel()
	store, _ := executionStore(t)
	ctx := t.Context()
	e, err := store.Executions.Begin(ctx, "a", models.OperationWatch, repository.ExecutionOptions{ExecutionID: "x"})
	require.NoError(t, err)
	require.NoError(t, e.Stage(ctx, models.StageEmit, func(context.Context, *repository.StageResult) error { return nil }))
	before := rowCounts(t, store)
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	for name, tt := range map[string]struct {
		ctx     context.Context
		outcome repository.Outcome
		want    error
	}{
		"Status":    {ctx, repository.Outcome{Status: "fine"}, models.ErrInvalid},
		"Files":     {ctx, repository.Outcome{FilesGenerated: -1}, models.ErrInvalid},
		"JSON":      {ctx, repository.Outcome{ReceiptJSON: models.JSON("{")}, models.ErrInvalid},
		"Hash":      {ctx, repository.Outcome{OntologyHash: "x"}, models.ErrInvalid},
		"Cancelled": {cancelled, repository.Outcome{}, context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := e.Finish(tt.ctx, tt.outcome)
			require.ErrorIs(t, err, tt.want)
			assert.Equal(t, before, rowCounts(t, store))
		})
	}

	twin, err := store.Executions.Begin(ctx, "b", models.OperationWatch, repository.ExecutionOptions{ExecutionID: "x"})
	require.NoError(t, err, "an execution without a receipt may begin again")
	_, err = e.Finish(ctx, repository.Outcome{ReceiptJSON: models.JSON(`{"mine": 1}`)})
	require.NoError(t, err, "after refusals Finish may be called again")
	stored, err := store.Receipts.Get(ctx, "x")
	require.NoError(t, err)
	assert.Equal(t, `{"mine": 1}`, stored.ReceiptJSON.String())
	before = rowCounts(t, store)
	_, err = twin.Finish(ctx, repository.Outcome{})
	require.ErrorIs(t, err, models.ErrDuplicate)
	assert.Equal(t, before, rowCounts(t, store))
}

func TestExecutions_SessionGone(t *testing.T) {
	t.Parallel()
	store, _ := executionStore(t)
	ctx := t.Context()
	session := &models.WorkflowSession{AgentCount: 1}
	require.NoError(t, store.Sessions.Start(ctx, session))
	e, err := store.Executions.Begin(ctx, "a", models.OperationWatch, repository.ExecutionOptions{SessionID: session.SessionID})
	require.NoError(t, err)
	require.NoError(t, store.DB().Delete(session).Error)
	before := rowCounts(t, store)
	_, err = e.Finish(ctx, repository.Outcome{})
	require.ErrorIs(t, err, models.ErrNotFound)
	assert.Equal(t, before, rowCounts(t, store), "the receipt is rolled back as well")
}

func TestExecutions_InTransaction(t *testing.T) {
	t.Parallel()
	store, _ := executionStore(t)
	before := rowCounts(t, store)
	boom := errors.New("boom")
	err := store.Transaction(t.Context(), func(tx *tier2.Store) error {
		e, err := tx.Executions.Begin(t.Context(), "a", models.OperationGeneration, repository.ExecutionOptions{ManifestHash: anyHash})
		require.NoError(t, err)
		_, err = e.Finish(t.Context(), repository.Outcome{})
		require.NoError(t, err)
		return boom
	})
	require.ErrorIs(t, err, boom)
	assert.Equal(t, before, rowCounts(t, store))
}

func TestExecutions_Interrupted(t *testing.T) {
	t.Parallel()
	store, clock := executionStore(t)
	ctx := t.Context()
	none, err := store.Executions.Interrupted(ctx)
	require.NoError(t, err)
	assert.Empty(t, none)
	for _, id := range []string{"died", "finished", "again", "again"} {
		clock.Pass(time.Second)
		e, err := store.Executions.Begin(ctx, "a", models.OperationWatch, repository.ExecutionOptions{ExecutionID: id})
		require.NoError(t, err)
		if id == "finished" {
			_, err = e.Finish(ctx, repository.Outcome{})
			require.NoError(t, err)
		}
	}
	require.NoError(t, store.Audit.Record(ctx, &models.AuditEntry{AgentID: "a", Operation: "tea", Status: models.AuditStarted}))
	entries, err := store.Executions.Interrupted(ctx)
	require.NoError(t, err)
	require.Len(t, entries, 2)
	assert.JSONEq(t, `{"v":1,"execution_id":"died"}`, entries[0].ContextJSON.String())
	assert.JSONEq(t, `{"v":1,"execution_id":"again"}`, entries[1].ContextJSON.String())
	assert.Equal(t, clock.Now(), entries[1].Timestamp.Time, "the newest attempt")
}

func TestExecutions_IncrementalBuild(t *testing.T) {
	t.Parallel()
	store, clock := executionStore(t)
	build := func(agent, hash string) []models.SLOViolation {
		clock.Pass(time.Second)
		e, err := store.Executions.Begin(t.Context(), agent, models.OperationGeneration, repository.ExecutionOptions{ManifestHash: hash})
		require.NoError(t, err)
		clock.Pass(3 * time.Second)
		receipt, err := e.Finish(t.Context(), repository.Outcome{})
		require.NoError(t, err)
		return receipt.Violations
	}
	assert.Empty(t, build("a", anyHash), "3 s are fine for a first build")
	again := build("a", anyHash)
	require.Len(t, again, 1)
	assert.Equal(t, repository.MetricIncrementalBuild, again[0].Metric)
	assert.Equal(t, 3.0, again[0].ActualValue)
	assert.Empty(t, build("b", anyHash), "another agent's first")
	assert.Empty(t, build("a", ""), "nothing is known of the manifest")
	assert.Empty(t, build("a", ""))
}
