package tier2_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/hooks"
	"github.com/seanchatmangpt/ggen/tier2/internal/pgtest"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// start is what the clock of the stores under test shows.
var start = time.Date(2026, 1, 29, 12, 34, 56, 789000, time.UTC)

// eachEngine runs a case of the contract on every kind of database, each time with a
// fresh store.
func eachEngine(t *testing.T, test func(t *testing.T, store *tier2.Store)) {
	t.Helper()
	for name, newDSN := range map[string]func(testing.TB) string{
		"File":     func(t testing.TB) string { return filepath.Join(t.TempDir(), "tier2.db") },
		"Memory":   func(testing.TB) string { return ":memory:" },
		"Postgres": pgtest.DSN,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, err := tier2.Open(t.Context(), newDSN(t), tier2.WithClock(func() time.Time { return start }))
			require.NoError(t, err)
			t.Cleanup(func() { assert.NoError(t, store.Close()) })
			test(t, store)
		})
	}
}

func newReceipt(id string) *models.Receipt {
	return &models.Receipt{ExecutionID: id, AgentID: "coder", Operation: models.OperationGeneration, Status: models.ReceiptPassed, DurationMS: 20}
}

// entries lists the audit log, oldest first, as "operation status agent key".
func entries(t *testing.T, store *tier2.Store) (list []string) {
	t.Helper()
	var rows []models.AuditEntry
	require.NoError(t, store.DB().WithContext(t.Context()).Order("id").Find(&rows).Error)
	for _, e := range rows {
		var doc struct{ Key string }
		require.NoError(t, e.ContextJSON.Decode(&doc))
		list = append(list, strings.TrimSpace(fmt.Sprintf("%s %s %s %s", e.Operation, e.Status, e.AgentID, doc.Key)))
	}
	return list
}

// counts is how many rows each table holds, and how many failed audit entries.
func counts(t *testing.T, store *tier2.Store) map[string]int64 {
	t.Helper()
	n := map[string]int64{}
	for _, m := range models.All() {
		var rows int64
		require.NoError(t, store.DB().WithContext(t.Context()).Model(m).Count(&rows).Error)
		n[m.TableName()] = rows
	}
	var failed int64
	require.NoError(t, store.DB().WithContext(t.Context()).Model(&models.AuditEntry{}).Where("status = ?", models.AuditFailed).Count(&failed).Error)
	n["audit_log"] -= failed
	return n
}

// activity is what the store counted for an agent.
func activity(t *testing.T, store *tier2.Store, agent string) (doc struct {
	Saves      int64
	Executions map[string]int64
}) {
	t.Helper()
	memory, err := store.Memory.Get(t.Context(), agent)
	require.NoError(t, err)
	var whole map[string]json.RawMessage
	require.NoError(t, memory.MemoryJSON.Decode(&whole))
	require.NoError(t, json.Unmarshal(whole[models.ActivityKey], &doc))
	return doc
}

// TestOneCommit: row, audit entry and memory are there together.
func TestOneCommit(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, store *tier2.Store) {
		r := newReceipt("")
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
	})
}

// TestEveryKindOfWrite: whatever GORM call changes rows, the log names those rows.
func TestEveryKindOfWrite(t *testing.T) {
	t.Parallel()
	upsert := clause.OnConflict{Columns: []clause.Column{{Name: "execution_id"}}, DoUpdates: clause.AssignmentColumns([]string{"status"})}
	failed := newReceipt("a")
	failed.Status = models.ReceiptFailed
	tests := []struct {
		name  string
		write func(db *gorm.DB) error
		want  []string
	}{
		{"Bulk", func(db *gorm.DB) error { return db.Create([]*models.Receipt{newReceipt("x"), newReceipt("y")}).Error },
			[]string{"receipts.create completed coder x", "receipts.create completed coder y"}},
		{"Conditional", func(db *gorm.DB) error {
			return db.Model(&models.Receipt{}).Where("execution_id <> ?", "c").Update("environment", "ci").Error
		}, []string{"receipts.update completed coder a", "receipts.update completed coder b"}},
		{"Upsert", func(db *gorm.DB) error { return db.Clauses(upsert).Create(failed).Error }, []string{"receipts.update completed coder a"}},
		{"DoNothing", func(db *gorm.DB) error {
			return db.Clauses(clause.OnConflict{DoNothing: true}).Create(newReceipt("a")).Error
		}, nil},
		{"NoRow", func(db *gorm.DB) error {
			return db.Model(&models.Receipt{}).Where("1 = 0").Update("environment", "ci").Error
		}, nil},
		{"Delete", func(db *gorm.DB) error {
			return db.Where("execution_id IN ?", []string{"a", "c"}).Delete(&models.Receipt{}).Error
		}, []string{"receipts.delete completed coder a", "receipts.delete completed coder c"}},
		{"Association", func(db *gorm.DB) error {
			r := newReceipt("p")
			r.Metrics = []models.PipelineMetric{{Stage: models.StageEmit, Status: models.StagePassed}}
			return db.Create(r).Error
		}, []string{"receipts.create completed coder p", "pipeline_metrics.create completed coder"}},
		{"Generics", func(db *gorm.DB) error {
			_, err := gorm.G[models.Receipt](db).Where("execution_id = ?", "b").Delete(db.Statement.Context)
			return err
		}, []string{"receipts.delete completed coder b"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			eachEngine(t, func(t *testing.T, store *tier2.Store) {
				require.NoError(t, store.Receipts.CreateBatch(t.Context(), []*models.Receipt{newReceipt("a"), newReceipt("b"), newReceipt("c")}))
				before := len(entries(t, store))
				require.NoError(t, tt.write(store.DB().WithContext(t.Context())))
				assert.ElementsMatch(t, tt.want, entries(t, store)[before:])
			})
		})
	}
}

// TestActor: who acts comes from the context, else from the row, else it is system.
func TestActor(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, store *tier2.Store) {
		require.NoError(t, store.Receipts.Create(hooks.WithActor(t.Context(), "lead"), newReceipt("a")))
		require.NoError(t, store.Receipts.Create(t.Context(), newReceipt("b")))
		require.NoError(t, store.Sessions.Start(t.Context(), &models.WorkflowSession{SessionID: "s", AgentCount: 1}))
		assert.Equal(t, []string{
			"receipts.create completed lead a", "receipts.create completed coder b", "workflow_sessions.create completed system s",
		}, entries(t, store))
	})
}

// TestRollback: an error, a panic and the end of the context each undo everything.
func TestRollback(t *testing.T) {
	t.Parallel()
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
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			eachEngine(t, func(t *testing.T, store *tier2.Store) {
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
						require.NoError(t, tx.Receipts.Create(ctx, newReceipt("a")))
						require.NoError(t, tx.Memory.Put(ctx, "coder", models.JSON(`{"k":1}`)))
						return tt.end(cancel)
					})
				}()
				require.ErrorIs(t, err, tt.want)
				assert.Equal(t, before, counts(t, store))
				require.NoError(t, store.Receipts.Create(t.Context(), newReceipt("a")), "the store goes on")
			})
		})
	}
}

// TestSavepoint: an inner transaction that fails takes back only its own part.
func TestSavepoint(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, store *tier2.Store) {
		require.NoError(t, store.Transaction(t.Context(), func(tx *tier2.Store) error {
			require.NoError(t, tx.Receipts.Create(t.Context(), newReceipt("outer")))
			inner := tx.Transaction(t.Context(), func(tx *tier2.Store) error {
				require.NoError(t, tx.Receipts.Create(t.Context(), newReceipt("inner")))
				return errors.New("only the inner part")
			})
			require.Error(t, inner)
			require.ErrorIs(t, tx.Close(), repository.ErrInvalid)
			return nil
		}))
		assert.Equal(t, []string{"receipts.create completed coder outer"}, entries(t, store))
		assert.EqualValues(t, 1, activity(t, store, "coder").Saves)
	})
}

// TestConcurrentSaves: no save and no count is lost, and none is refused as locked.
func TestConcurrentSaves(t *testing.T) {
	t.Parallel()
	const writers, saves = 8, 25
	eachEngine(t, func(t *testing.T, store *tier2.Store) {
		var wg sync.WaitGroup
		for range writers {
			wg.Go(func() {
				for range saves {
					assert.NoError(t, store.Receipts.Create(t.Context(), newReceipt("")))
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
	})
}

// TestRawSQL: what hooks cannot see is stored, neither audited nor counted; beside an
// entry in one transaction it is done right.
func TestRawSQL(t *testing.T) {
	t.Parallel()
	const rename = "UPDATE receipts SET environment = 'staging' WHERE environment IS NULL OR environment = ''"
	eachEngine(t, func(t *testing.T, store *tier2.Store) {
		require.NoError(t, store.Receipts.Create(t.Context(), newReceipt("a")))
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
	})
}
