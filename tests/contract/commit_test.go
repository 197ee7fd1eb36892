package contract

import (
	"context"
	"errors"
	"sync"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/hooks"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

var commitCases = cases{
	"Actor":            commitActor,
	"ConcurrentSaves":  commitConcurrentSaves,
	"EveryKindOfWrite": commitEveryKindOfWrite,
	"OneCommit":        commitOneCommit,
	"RawSQL":           commitRawSQL,
	"Rollback":         commitRollback,
	"Savepoint":        commitSavepoint,
}

// commitOneCommit: row, audit entry and memory are stored together.
func commitOneCommit(t *T) {
	store := open(t)
	r := receipt("")
	require.NoError(t, store.Receipts.Create(t.Context(), r))
	require.NotEmpty(t, r.ExecutionID)
	assert.NotZero(t, r.ID)

	got, err := store.Receipts.Get(t.Context(), r.ExecutionID)
	require.NoError(t, err)
	assert.Equal(t, r, got, "what is read back is what the caller's struct holds")
	assert.Equal(t, models.At(start), got.Timestamp)

	assert.Equal(t, []string{"receipts.create completed coder " + r.ExecutionID}, entries(t, store))
	did := activity(t, store, "coder")
	assert.EqualValues(t, 1, did.Saves)
	assert.EqualValues(t, 1, did.Executions["passed"])
}

// commitEveryKindOfWrite: the log names the changed rows of every kind of GORM call.
func commitEveryKindOfWrite(t *T) {
	upsert := clause.OnConflict{Columns: []clause.Column{{Name: "execution_id"}}, DoUpdates: clause.AssignmentColumns([]string{"status"})}
	failed := receipt("a")
	failed.Status = models.ReceiptFailed
	tests := []struct {
		name  string
		write func(db *gorm.DB) error
		want  []string
	}{
		{"Bulk", func(db *gorm.DB) error { return db.Create([]*models.Receipt{receipt("x"), receipt("y")}).Error },
			[]string{"receipts.create completed coder x", "receipts.create completed coder y"}},
		{"Conditional", func(db *gorm.DB) error {
			return db.Model(&models.Receipt{}).Where("execution_id <> ?", "c").Update("environment", "ci").Error
		}, []string{"receipts.update completed coder a", "receipts.update completed coder b"}},
		{"Upsert", func(db *gorm.DB) error { return db.Clauses(upsert).Create(failed).Error }, []string{"receipts.update completed coder a"}},
		{"DoNothing", func(db *gorm.DB) error {
			return db.Clauses(clause.OnConflict{DoNothing: true}).Create(receipt("a")).Error
		}, nil},
		{"NoRow", func(db *gorm.DB) error {
			return db.Model(&models.Receipt{}).Where("1 = 0").Update("environment", "ci").Error
		}, nil},
		{"Delete", func(db *gorm.DB) error {
			return db.Where("execution_id IN ?", []string{"a", "c"}).Delete(&models.Receipt{}).Error
		}, []string{"receipts.delete completed coder a", "receipts.delete completed coder c"}},
		{"Association", func(db *gorm.DB) error {
			r := receipt("p")
			r.Metrics = []models.PipelineMetric{{Stage: models.StageEmit, Status: models.StagePassed}}
			return db.Create(r).Error
		}, []string{"receipts.create completed coder p", "pipeline_metrics.create completed coder"}},
		{"Generics", func(db *gorm.DB) error {
			_, err := gorm.G[models.Receipt](db).Where("execution_id = ?", "b").Delete(db.Statement.Context)
			return err
		}, []string{"receipts.delete completed coder b"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *T) {
			t.Parallel()
			store := open(t)
			require.NoError(t, store.Receipts.CreateBatch(t.Context(), []*models.Receipt{receipt("a"), receipt("b"), receipt("c")}))
			before := len(entries(t, store))
			require.NoError(t, tt.write(store.DB().WithContext(t.Context())))
			assert.ElementsMatch(t, tt.want, entries(t, store)[before:])
		})
	}
}

// commitActor: the actor is that of the context, else the row's agent, else system.
func commitActor(t *T) {
	store := open(t)
	require.NoError(t, store.Receipts.Create(hooks.WithActor(t.Context(), "lead"), receipt("a")))
	require.NoError(t, store.Receipts.Create(t.Context(), receipt("b")))
	require.NoError(t, store.Sessions.Start(t.Context(), &models.WorkflowSession{SessionID: "s", AgentCount: 1}))
	assert.Equal(t, []string{
		"receipts.create completed lead a", "receipts.create completed coder b", "workflow_sessions.create completed system s",
	}, entries(t, store))
}

// commitRollback: an error, a panic and the end of the context each undo everything.
func commitRollback(t *T) {
	stop := errors.New("stop")
	tests := []struct {
		name string
		end  func(cancel context.CancelFunc) error
		want error
	}{
		{"Error", func(context.CancelFunc) error { return stop }, stop},
		{"Panic", func(context.CancelFunc) error { panic(stop) }, stop},
		{"Cancelled", func(cancel context.CancelFunc) error { cancel(); return nil }, context.Canceled},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *T) {
			t.Parallel()
			store := open(t)
			before := counts(t, store)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			err := func() (err error) {
				defer func() {
					if p := recover(); p != nil {
						err = p.(error)
					}
				}()
				return store.Transaction(ctx, func(tx *tier2.Store) error {
					require.NoError(t, tx.Receipts.Create(ctx, receipt("a")))
					require.NoError(t, tx.Memory.Put(ctx, "coder", models.JSON(`{"k":1}`)))
					rows, _, err := tx.Receipts.List(ctx, repository.ReceiptFilter{})
					require.NoError(t, err)
					require.Len(t, rows, 1, "inside, it is there")
					return tt.end(cancel)
				})
			}()
			require.ErrorIs(t, err, tt.want)
			assert.Equal(t, before, counts(t, store))
			require.NoError(t, store.Receipts.Create(t.Context(), receipt("a")), "the store goes on")
		})
	}
}

// commitSavepoint: an inner transaction that fails rolls back only its own writes.
func commitSavepoint(t *T) {
	store := open(t)
	require.NoError(t, store.Transaction(t.Context(), func(tx *tier2.Store) error {
		require.NoError(t, tx.Receipts.Create(t.Context(), receipt("outer")))
		inner := tx.Transaction(t.Context(), func(tx *tier2.Store) error {
			require.NoError(t, tx.Receipts.Create(t.Context(), receipt("inner")))
			return errors.New("only the inner part")
		})
		require.Error(t, inner)
		require.ErrorIs(t, tx.Close(), models.ErrInvalid)
		require.EqualValues(t, 1, counts(t, tx)["receipts"])
		return nil
	}))
	assert.Equal(t, []string{"receipts.create completed coder outer"}, entries(t, store))
	assert.EqualValues(t, 1, activity(t, store, "coder").Saves)
}

// commitConcurrentSaves: no save and no count is lost, and no save fails with a lock.
func commitConcurrentSaves(t *T) {
	const writers, saves = 8, 25
	store := open(t)
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range saves {
				assert.NoError(t, store.Receipts.Create(t.Context(), receipt("")))
				_, _, err := store.Receipts.List(t.Context(), repository.ReceiptFilter{})
				assert.NoError(t, err)
			}
		})
	}
	wg.Wait()
	assert.Equal(t, map[string]int64{
		"receipts": writers * saves, "audit_log": writers * saves, "agent_memory": 1,
		"workflow_sessions": 0, "collision_detection": 0, "pipeline_metrics": 0, "slo_violations": 0,
	}, counts(t, store))
	assert.EqualValues(t, writers*saves, activity(t, store, "coder").Saves)
}

// commitRawSQL: writes that bypass the hooks are neither audited nor counted. A caller can
// add its own entry in the same transaction.
func commitRawSQL(t *T) {
	const rename = "UPDATE receipts SET environment = 'staging' WHERE environment IS NULL OR environment = ''"
	store := open(t)
	require.NoError(t, store.Receipts.Create(t.Context(), receipt("a")))
	before := entries(t, store)
	require.NoError(t, store.DB().WithContext(t.Context()).Exec(rename).Error)
	assert.Equal(t, before, entries(t, store))

	require.NoError(t, store.Transaction(t.Context(), func(tx *tier2.Store) error {
		if err := tx.DB().Exec(rename).Error; err != nil {
			return err
		}
		return tx.Audit.Record(t.Context(), &models.AuditEntry{AgentID: "lead", Operation: "rename environment", Status: models.AuditCompleted})
	}))
	assert.Equal(t, append(before, "rename environment completed lead"), entries(t, store))
}
