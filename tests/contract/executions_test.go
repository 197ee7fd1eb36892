package contract

import (
	"context"
	"errors"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// ownEntries returns the audit entries that the execution itself wrote, oldest first.
func ownEntries(t *T, store *tier2.Store, op models.Operation) []models.AuditEntry {
	t.Helper()
	var entries []models.AuditEntry
	require.NoError(t, store.DB().Where("operation = ?", string(op)).Order("id").Find(&entries).Error)
	return entries
}

const anyHash = "60f717681aef7aba3f89256927ccbbb8178b2e6628345b52600cbc7330f39b66"

func executionsBeginRefused(t *T) {
	store, _ := openClock(t)
	ctx := t.Context()
	ended := &models.WorkflowSession{AgentCount: 1}
	require.NoError(t, store.Sessions.Start(ctx, ended))
	_, err := store.Sessions.Cancel(ctx, ended.SessionID)
	require.NoError(t, err)
	require.NoError(t, store.Receipts.Create(ctx, &models.Receipt{ExecutionID: "done", AgentID: "a", Operation: models.OperationWatch, Status: models.ReceiptPassed}))
	before := counts(t, store)
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
		t.Run(name, func(t *T) {
			if tt.ctx == nil {
				tt.ctx = ctx
			}
			if tt.op == "" {
				tt.op = models.OperationWatch
			}
			e, err := store.Executions.Begin(tt.ctx, tt.agent, tt.op, tt.opts)
			require.ErrorIs(t, err, tt.want)
			assert.Nil(t, e)
			assert.Equal(t, before, counts(t, store))
		})
	}
}

func executionsInTransaction(t *T) {
	store, _ := openClock(t)
	before := counts(t, store)
	boom := errors.New("boom")
	err := store.Transaction(t.Context(), func(tx *tier2.Store) error {
		e, err := tx.Executions.Begin(t.Context(), "a", models.OperationGeneration, repository.ExecutionOptions{ManifestHash: anyHash})
		require.NoError(t, err)
		_, err = e.Finish(t.Context(), repository.Outcome{})
		require.NoError(t, err)
		return boom
	})
	require.ErrorIs(t, err, boom)
	assert.Equal(t, before, counts(t, store))
}

func executionsInterrupted(t *T) {
	store, clock := openClock(t)
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

func executionsIncrementalBuild(t *T) {
	store, clock := openClock(t)
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

// executionsAtomic: the last write of each, that of the violations, fails, and the writes
// before it are rolled back.
func executionsAtomic(t *T) {
	store, _ := openClock(t)
	ctx := t.Context()
	t.refuse(store.DB(), "slo_violations", always)
	e, err := store.Executions.Begin(ctx, "a", models.OperationWatch, repository.ExecutionOptions{})
	require.NoError(t, err)
	require.NoError(t, e.Measure(repository.MetricGenerationMemory, 101))
	before := counts(t, store)
	before["audit_log"] += 2 // the failed entries of both

	_, err = e.Finish(ctx, repository.Outcome{})
	require.ErrorContains(t, err, "boom")
	_, err = store.Executions.Import(ctx, []byte(flatReceipt), repository.ImportOptions{AgentID: "a"})
	require.ErrorContains(t, err, "boom")
	assert.Equal(t, before, counts(t, store))

	t.allow(store.DB())
	_, err = e.Finish(ctx, repository.Outcome{})
	require.NoError(t, err)
	assert.EqualValues(t, 1, counts(t, store)["slo_violations"])
}
