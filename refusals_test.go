package tier2_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/hooks"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// TestRefusals is the README's table of what bad input gets: the sentinel, GORM's own
// where it has one, a *repository.Error that names table and column, and a database
// that is as it was but for the entry that says a write was refused.
func TestRefusals(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		do     func(ctx context.Context, store *tier2.Store) error
		want   error
		gorm   error
		column string
		audit  int // failed entries
	}{
		{"Enum", func(ctx context.Context, s *tier2.Store) error {
			bad := newReceipt("new")
			bad.Status = "done"
			return s.Receipts.Create(ctx, bad)
		}, repository.ErrInvalid, nil, "receipts.status", 1},
		{"EnumByGORM", func(ctx context.Context, s *tier2.Store) error {
			return s.DB().WithContext(ctx).Model(&models.Receipt{}).Where("execution_id = ?", "kept").Update("status", "done").Error
		}, repository.ErrInvalid, gorm.ErrCheckConstraintViolated, "receipts.status", 1},
		{"JSON", func(ctx context.Context, s *tier2.Store) error { return s.Memory.Put(ctx, "coder", models.JSON("{")) },
			repository.ErrInvalid, nil, "agent_memory.memory_json", 0},
		{"Limit", func(ctx context.Context, s *tier2.Store) error {
			_, _, err := s.Receipts.List(ctx, repository.ReceiptFilter{Page: repository.Page{Limit: 1001}})
			return err
		}, repository.ErrInvalid, nil, "receipts.limit", 0},
		{"Cursor", func(ctx context.Context, s *tier2.Store) error {
			_, _, err := s.Receipts.List(ctx, repository.ReceiptFilter{Page: repository.Page{Cursor: "nonsense"}})
			return err
		}, repository.ErrInvalid, nil, "receipts.cursor", 0},
		{"NotFound", func(ctx context.Context, s *tier2.Store) error { _, err := s.Receipts.Get(ctx, "none"); return err },
			repository.ErrNotFound, gorm.ErrRecordNotFound, "receipts.execution_id", 0},
		{"Duplicate", func(ctx context.Context, s *tier2.Store) error { return s.Receipts.Create(ctx, newReceipt("kept")) },
			repository.ErrDuplicate, gorm.ErrDuplicatedKey, "receipts.execution_id", 1},
		{"NoParent", func(ctx context.Context, s *tier2.Store) error {
			return s.Metrics.Record(ctx, &models.PipelineMetric{ExecutionID: "none", Stage: models.StageEmit, Status: models.StagePassed})
		}, repository.ErrForeignKey, gorm.ErrForeignKeyViolated, "pipeline_metrics.execution_id", 1},
		{"HasChildren", func(ctx context.Context, s *tier2.Store) error { return s.Receipts.Delete(ctx, "kept") },
			repository.ErrForeignKey, gorm.ErrForeignKeyViolated, "receipts.execution_id", 1},
		{"Conflict", func(ctx context.Context, s *tier2.Store) error {
			return s.Memory.CompareAndSwap(ctx, "coder", "stale", models.JSON(`{"k":2}`))
		}, repository.ErrConflict, nil, "agent_memory.memory_json", 0},
		{"EndedTwice", func(ctx context.Context, s *tier2.Store) error { _, err := s.Sessions.Finish(ctx, "ended"); return err },
			repository.ErrNotRunning, nil, "workflow_sessions.session_id", 0},
		{"AppendOnly", func(ctx context.Context, s *tier2.Store) error {
			return s.DB().WithContext(ctx).Where("1 = 1").Delete(&models.AuditEntry{}).Error
		}, repository.ErrAppendOnly, nil, "audit_log.", 1},
		{"NoWhere", func(ctx context.Context, s *tier2.Store) error {
			return s.DB().WithContext(ctx).Delete(&models.Receipt{}).Error
		}, gorm.ErrMissingWhereClause, nil, "", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			eachEngine(t, func(t *testing.T, store *tier2.Store) {
				ctx := t.Context()
				kept := newReceipt("kept")
				kept.Metrics = []models.PipelineMetric{{Stage: models.StageEmit, Status: models.StagePassed}}
				require.NoError(t, store.Receipts.Create(ctx, kept))
				require.NoError(t, store.Memory.Put(ctx, "coder", models.JSON(`{"k":1}`)))
				require.NoError(t, store.Sessions.Start(ctx, &models.WorkflowSession{SessionID: "ended", AgentCount: 1}))
				_, err := store.Sessions.Finish(ctx, "ended")
				require.NoError(t, err)
				before, logged := counts(t, store), len(entries(t, store))

				err = tt.do(ctx, store)
				require.ErrorIs(t, err, tt.want)
				if tt.gorm != nil {
					assert.ErrorIs(t, err, tt.gorm)
				}
				if tt.column != "" {
					var refusal *repository.Error
					require.ErrorAs(t, err, &refusal)
					assert.Equal(t, tt.column, refusal.Table+"."+refusal.Column)
				}
				assert.Equal(t, before, counts(t, store))
				assert.Len(t, entries(t, store)[logged:], tt.audit, "failed entries of %v", err)
			})
		})
	}
}

// TestErrorText: the message is the sentence that the README quotes.
func TestErrorText(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, store *tier2.Store) {
		r := newReceipt("a")
		r.Status = "done"
		assert.EqualError(t, store.Receipts.Create(t.Context(), r),
			`receipts.status "done": is not an allowed value (allowed: passed, failed, partial, cancelled)`)
	})
}

// calls is one call of each repository, reading or writing.
func calls(ctx context.Context, s *tier2.Store) map[string]error {
	_, executions := s.Executions.Begin(ctx, "coder", models.OperationGeneration, repository.ExecutionOptions{})
	_, interrupted := s.Executions.Interrupted(ctx)
	_, memory := s.Memory.Get(ctx, "coder")
	_, _, audit := s.Audit.List(ctx, repository.AuditFilter{})
	_, sessions := s.Sessions.Active(ctx)
	_, collisions := s.Collisions.Summary(ctx, time.Time{}, time.Time{})
	_, metrics := s.Metrics.ByExecution(ctx, "a")
	_, violations := s.Violations.ByExecution(ctx, "a")
	_, reports := s.Reports.RecentExecutions(ctx)
	all := map[string]error{
		"Begin": executions, "Interrupted": interrupted, "Memory.Get": memory, "Audit.List": audit, "Sessions.Active": sessions,
		"Collisions.Summary": collisions, "Metrics": metrics, "Violations": violations, "Reports": reports,
		"Receipts.Create": s.Receipts.Create(ctx, newReceipt("a")), "Memory.Put": s.Memory.Put(ctx, "coder", models.JSON(`{}`)),
		"GORM":        s.DB().WithContext(ctx).Create(newReceipt("b")).Error,
		"Transaction": s.Transaction(ctx, func(*tier2.Store) error { return nil }),
	}
	for _, err := range s.Receipts.All(ctx, repository.ReceiptFilter{}) {
		all["Receipts.All"] = err
	}
	return all
}

// TestClosed: a closed store says so, whatever is asked; closing again is no error.
func TestClosed(t *testing.T) {
	t.Parallel()
	for _, dsn := range []string{":memory:", t.TempDir() + "/tier2.db"} {
		store, err := tier2.Open(t.Context(), dsn)
		require.NoError(t, err)
		require.NoError(t, store.Close())
		require.NoError(t, store.Close())
		for call, err := range calls(t.Context(), store) {
			assert.ErrorIs(t, err, repository.ErrClosed, call)
		}
	}
}

// TestEndedContext: nothing is read or written once the context has ended.
func TestEndedContext(t *testing.T) {
	t.Parallel()
	ends := map[error]func() (context.Context, context.CancelFunc){
		context.Canceled: func() (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			return ctx, cancel
		},
		context.DeadlineExceeded: func() (context.Context, context.CancelFunc) {
			return context.WithDeadline(context.Background(), time.Now().Add(-time.Second))
		},
	}
	for want, end := range ends {
		t.Run(want.Error(), func(t *testing.T) {
			t.Parallel()
			eachEngine(t, func(t *testing.T, store *tier2.Store) {
				before := counts(t, store)
				ctx, cancel := end()
				defer cancel()
				for call, err := range calls(ctx, store) {
					assert.True(t, errors.Is(err, want), "%s: %v", call, err)
				}
				assert.Equal(t, before, counts(t, store))
			})
		})
	}
}

// TestCorruptMemory: a memory that another program spoiled is reported, not
// overwritten, and the row that would have counted in it is not there either.
func TestCorruptMemory(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, store *tier2.Store) {
		require.NoError(t, store.Receipts.Create(t.Context(), newReceipt("a")))
		require.NoError(t, store.DB().WithContext(t.Context()).Exec("UPDATE agent_memory SET memory_json = '[1]'").Error)
		before := counts(t, store)
		require.ErrorIs(t, store.Receipts.Create(t.Context(), newReceipt("b")), repository.ErrCorrupt)
		require.ErrorIs(t, store.Memory.Put(t.Context(), "coder", models.JSON(`{}`)), repository.ErrCorrupt)
		assert.Equal(t, before, counts(t, store))
		memory, err := store.Memory.Get(t.Context(), "coder")
		require.NoError(t, err)
		assert.Equal(t, "[1]", memory.MemoryJSON.String())
	})
}

// TestBusy: another program holds the file for longer than the busy timeout.
func TestBusy(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tier2.db")
	holder, err := tier2.Open(t.Context(), path)
	require.NoError(t, err)
	defer holder.Close()
	store, err := tier2.Open(t.Context(), path, tier2.WithBusyTimeout(5*time.Millisecond))
	require.NoError(t, err)
	defer store.Close()
	require.NoError(t, holder.Transaction(t.Context(), func(tx *tier2.Store) error {
		require.NoError(t, tx.Receipts.Create(t.Context(), newReceipt("a")))
		require.ErrorIs(t, store.Receipts.Create(t.Context(), newReceipt("b")), repository.ErrBusy)
		receipts, _, err := store.Receipts.List(t.Context(), repository.ReceiptFilter{})
		require.NoError(t, err, "reading does not wait")
		assert.Empty(t, receipts)
		return nil
	}))
	require.NoError(t, store.Receipts.Create(t.Context(), newReceipt("b")))
}

// TestRetention: only a context that says so may delete audit entries.
func TestRetention(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, store *tier2.Store) {
		require.NoError(t, store.Receipts.Create(t.Context(), newReceipt("a")))
		old := func(ctx context.Context) error {
			return store.DB().WithContext(ctx).Where("operation = ?", "receipts.create").Delete(&models.AuditEntry{}).Error
		}
		require.ErrorIs(t, old(t.Context()), repository.ErrAppendOnly)
		require.Contains(t, entries(t, store), "receipts.create completed coder a")
		require.NoError(t, old(hooks.WithRetention(t.Context())))
		assert.NotContains(t, entries(t, store), "receipts.create completed coder a")
	})
}
