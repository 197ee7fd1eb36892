package contract

import (
	"context"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/hooks"
	"github.com/seanchatmangpt/ggen/tier2/ledger"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

var refusalCases = cases{
	"ClosedStore":   refusalsClosedStore,
	"CorruptMemory": refusalsCorruptMemory,
	"EndedContext":  refusalsEndedContext,
	"ErrorText":     refusalsErrorText,
	"EveryMethod":   refusalsEveryMethod,
	"OneEntryEach":  refusalsOneEntryEach,
	"Retention":     refusalsRetention,
	"Table":         refusalsTable,
}

// refusalsTable is the README's table of errors for bad input: the sentinel, GORM's sentinel
// if there is one, a *models.Error that names table and column, and a database that is
// unchanged except for the failed entry.
func refusalsTable(t *T) {
	tests := []struct {
		name   string
		do     func(ctx context.Context, store *tier2.Store) error
		want   error
		gorm   error
		column string
		audit  int64 // failed entries
	}{
		{"Enum", func(ctx context.Context, s *tier2.Store) error {
			bad := receipt("new")
			bad.Status = "done"
			return s.Receipts.Create(ctx, bad)
		}, models.ErrInvalid, nil, "receipts.status", 1},
		{"EnumByGORM", func(ctx context.Context, s *tier2.Store) error {
			return s.DB().WithContext(ctx).Model(&models.Receipt{}).Where("execution_id = ?", "kept").Update("status", "done").Error
		}, models.ErrInvalid, gorm.ErrCheckConstraintViolated, "receipts.status", 1},
		{"JSON", func(ctx context.Context, s *tier2.Store) error { return s.Memory.Put(ctx, "coder", models.JSON("{")) },
			models.ErrInvalid, nil, "agent_memory.memory_json", 0},
		{"Limit", func(ctx context.Context, s *tier2.Store) error {
			_, _, err := s.Receipts.List(ctx, repository.ReceiptFilter{Page: repository.Page{Limit: 1001}})
			return err
		}, models.ErrInvalid, nil, "receipts.limit", 0},
		{"Cursor", func(ctx context.Context, s *tier2.Store) error {
			_, _, err := s.Receipts.List(ctx, repository.ReceiptFilter{Page: repository.Page{Cursor: "nonsense"}})
			return err
		}, models.ErrInvalid, nil, "receipts.cursor", 0},
		{"NotFound", func(ctx context.Context, s *tier2.Store) error { _, err := s.Receipts.Get(ctx, "none"); return err },
			models.ErrNotFound, gorm.ErrRecordNotFound, "receipts.execution_id", 0},
		{"Duplicate", func(ctx context.Context, s *tier2.Store) error { return s.Receipts.Create(ctx, receipt("kept")) },
			models.ErrDuplicate, gorm.ErrDuplicatedKey, "receipts.execution_id", 1},
		{"NoParent", func(ctx context.Context, s *tier2.Store) error {
			return s.Metrics.Record(ctx, &models.PipelineMetric{ExecutionID: "none", Stage: models.StageEmit, Status: models.StagePassed})
		}, models.ErrForeignKey, gorm.ErrForeignKeyViolated, "pipeline_metrics.execution_id", 1},
		{"HasChildren", func(ctx context.Context, s *tier2.Store) error { return s.Receipts.Delete(ctx, "kept") },
			models.ErrForeignKey, gorm.ErrForeignKeyViolated, "receipts.execution_id", 1},
		{"Conflict", func(ctx context.Context, s *tier2.Store) error {
			return s.Memory.CompareAndSwap(ctx, "coder", "stale", models.JSON(`{"k":2}`))
		}, models.ErrConflict, nil, "agent_memory.memory_json", 0},
		{"EndedTwice", func(ctx context.Context, s *tier2.Store) error { _, err := s.Sessions.Finish(ctx, "ended"); return err },
			models.ErrNotRunning, nil, "workflow_sessions.session_id", 0},
		{"AppendOnly", func(ctx context.Context, s *tier2.Store) error {
			return s.DB().WithContext(ctx).Where("1 = 1").Delete(&models.AuditEntry{}).Error
		}, models.ErrAppendOnly, nil, "audit_log.", 1},
		{"NoWhere", func(ctx context.Context, s *tier2.Store) error {
			return s.DB().WithContext(ctx).Delete(&models.Receipt{}).Error
		}, gorm.ErrMissingWhereClause, nil, "", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *T) {
			t.Parallel()
			store := open(t)
			ctx := t.Context()
			kept := receipt("kept")
			kept.Metrics = []models.PipelineMetric{{Stage: models.StageEmit, Status: models.StagePassed}}
			require.NoError(t, store.Receipts.Create(ctx, kept))
			require.NoError(t, store.Memory.Put(ctx, "coder", models.JSON(`{"k":1}`)))
			require.NoError(t, store.Sessions.Start(ctx, &models.WorkflowSession{SessionID: "ended", AgentCount: 1}))
			_, err := store.Sessions.Finish(ctx, "ended")
			require.NoError(t, err)
			before := counts(t, store)

			err = tt.do(ctx, store)
			require.ErrorIs(t, err, tt.want)
			if tt.gorm != nil {
				assert.ErrorIs(t, err, tt.gorm)
			}
			if tt.column != "" {
				var refusal *models.Error
				require.ErrorAs(t, err, &refusal)
				assert.Equal(t, tt.column, refusal.Table+"."+refusal.Column)
			}
			before["audit_log"] += tt.audit
			assert.Equal(t, before, counts(t, store), "%v", err)
			failed, _, err := store.Audit.List(ctx, repository.AuditFilter{Status: models.AuditFailed})
			require.NoError(t, err)
			assert.EqualValues(t, tt.audit, len(failed))
		})
	}
}

// refusalsErrorText: the message is the sentence in the README.
func refusalsErrorText(t *T) {
	store := open(t)
	r := receipt("a")
	r.Status = "done"
	assert.EqualError(t, store.Receipts.Create(t.Context(), r),
		`receipts.status "done": is not an allowed value (allowed: passed, failed, partial, cancelled)`)
}

// refusalsCorruptMemory: a memory that another program corrupted is reported, not
// overwritten, and the row that would have been counted in it is not stored.
func refusalsCorruptMemory(t *T) {
	store := open(t)
	require.NoError(t, store.Receipts.Create(t.Context(), receipt("a")))
	require.NoError(t, store.DB().WithContext(t.Context()).Exec("UPDATE agent_memory SET memory_json = '[1]'").Error)
	before := counts(t, store)
	before["audit_log"]++
	require.ErrorIs(t, store.Receipts.Create(t.Context(), receipt("b")), models.ErrCorrupt)
	require.ErrorIs(t, store.Memory.Put(t.Context(), "coder", models.JSON(`{}`)), models.ErrCorrupt)
	assert.Equal(t, before, counts(t, store))
	memory, err := store.Memory.Get(t.Context(), "coder")
	require.NoError(t, err)
	assert.Equal(t, "[1]", memory.MemoryJSON.String())
}

// refusalsRetention: only hooks.WithRetention allows the deletion of audit entries, and only
// of sealed ones; the log records which, and still verifies.
func refusalsRetention(t *T) {
	store := open(t)
	require.NoError(t, store.Receipts.Create(t.Context(), receipt("a")))
	old := func(ctx context.Context) error {
		return store.DB().WithContext(ctx).Where("operation = ?", "receipts.create").Delete(&models.AuditEntry{}).Error
	}
	require.ErrorIs(t, old(t.Context()), models.ErrAppendOnly)
	retaining := hooks.WithRetention(hooks.WithActor(t.Context(), "keeper"))
	require.ErrorIs(t, old(retaining), models.ErrAppendOnly, "it is not sealed")
	require.Contains(t, entries(t, store), "receipts.create completed coder a")
	_, err := store.Audit.Seal(t.Context())
	require.NoError(t, err)
	require.NoError(t, old(retaining))
	assert.NotContains(t, entries(t, store), "receipts.create completed coder a")
	removals, _, err := store.Audit.List(t.Context(), repository.AuditFilter{AgentID: "keeper", Operation: ledger.OperationRemove})
	require.NoError(t, err)
	require.Len(t, removals, 1)
	assert.Equal(t, `{"v":1,"table":"audit_log","action":"remove","entries":1,"first_id":1,"last_id":1}`, removals[0].ContextJSON.String())
	report := verified(t, store)
	assert.EqualValues(t, 1, report.Archived)
}
