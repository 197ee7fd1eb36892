package contract

import (
	"context"
	"errors"
	"math"
	"sync"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

var executionCases = cases{
	"AtWork":           executionsAtWork,
	"Atomic":           executionsAtomic,
	"BeginRefused":     executionsBeginRefused,
	"ConcurrentStages": executionsConcurrentStages,
	"Finish":           executionsFinish,
	"FinishFailed":     executionsFinishFailed,
	"FinishRefused":    executionsFinishRefused,
	"InTransaction":    executionsInTransaction,
	"IncrementalBuild": executionsIncrementalBuild,
	"Interrupted":      executionsInterrupted,
	"SessionGone":      executionsSessionGone,
	"Stage":            executionsStage,
}

func executionsFinish(t *T) {
	store, clock := openClock(t)
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

	before := counts(t, store)
	_, err = e.Finish(ctx, repository.Outcome{})
	require.ErrorIs(t, err, models.ErrNotRunning)
	require.ErrorIs(t, e.Measure("x", 1), models.ErrNotRunning)
	require.ErrorIs(t, e.Stage(ctx, models.StageEmit, nil), models.ErrNotRunning)
	assert.Equal(t, before, counts(t, store))

	// Import reads the document that Finish wrote.
	other, _ := openClock(t)
	again, err := other.Executions.Import(ctx, stored.ReceiptJSON, repository.ImportOptions{})
	require.NoError(t, err)
	assert.Equal(t, stored.DurationMS, again.Receipt.DurationMS)
	assert.Equal(t, stored.ManifestHash, again.Receipt.ManifestHash)
	assert.Len(t, again.Receipt.Metrics, 5)
	assert.Len(t, again.Receipt.Violations, 2)
}

func executionsFinishFailed(t *T) {
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
		t.Run(name, func(t *T) {
			t.Parallel()
			store, _ := openClock(t)
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

func executionsStage(t *T) {
	store, clock := openClock(t)
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

func executionsConcurrentStages(t *T) {
	store, _ := openClock(t)
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
	assert.EqualValues(t, 1, counts(t, store)["receipts"])
	assert.EqualValues(t, 5, counts(t, store)["pipeline_metrics"])
}

func executionsFinishRefused(t *T) {
	store, _ := openClock(t)
	ctx := t.Context()
	e, err := store.Executions.Begin(ctx, "a", models.OperationWatch, repository.ExecutionOptions{ExecutionID: "x"})
	require.NoError(t, err)
	require.NoError(t, e.Stage(ctx, models.StageEmit, func(context.Context, *repository.StageResult) error { return nil }))
	before := counts(t, store)
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
		t.Run(name, func(t *T) {
			_, err := e.Finish(tt.ctx, tt.outcome)
			require.ErrorIs(t, err, tt.want)
			assert.Equal(t, before, counts(t, store))
		})
	}

	twin, err := store.Executions.Begin(ctx, "b", models.OperationWatch, repository.ExecutionOptions{ExecutionID: "x"})
	require.NoError(t, err, "an execution without a receipt may begin again")
	_, err = e.Finish(ctx, repository.Outcome{ReceiptJSON: models.JSON(`{"mine": 1}`)})
	require.NoError(t, err, "after refusals Finish may be called again")
	stored, err := store.Receipts.Get(ctx, "x")
	require.NoError(t, err)
	assert.Equal(t, `{"mine": 1}`, stored.ReceiptJSON.String())
	before = counts(t, store)
	_, err = twin.Finish(ctx, repository.Outcome{})
	require.ErrorIs(t, err, models.ErrDuplicate)
	assert.Equal(t, before, counts(t, store))
}

func executionsSessionGone(t *T) {
	store, _ := openClock(t)
	ctx := t.Context()
	session := &models.WorkflowSession{AgentCount: 1}
	require.NoError(t, store.Sessions.Start(ctx, session))
	e, err := store.Executions.Begin(ctx, "a", models.OperationWatch, repository.ExecutionOptions{SessionID: session.SessionID})
	require.NoError(t, err)
	require.NoError(t, store.DB().Delete(session).Error)
	before := counts(t, store)
	_, err = e.Finish(ctx, repository.Outcome{})
	require.ErrorIs(t, err, models.ErrNotFound)
	assert.Equal(t, before, counts(t, store), "the receipt is rolled back as well")
}
