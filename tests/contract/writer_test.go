package contract

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/internal/audit"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

var writerCases = cases{
	"Groups":        writerGroups,
	"InTransaction": writerInTransaction,
	"LikeGORM":      writerLikeGORM,
	"Refused":       writerRefused,
}

func newWriter(t *T, db *gorm.DB, leaders int) *audit.Log {
	t.Helper()
	w, err := audit.New(db, audit.Config{Writers: leaders, BusyTimeout: time.Second})
	require.NoError(t, err)
	return w
}

// run returns a receipt with its metrics and violation, parents first.
func run(id, agent string) []models.Model {
	return []models.Model{
		&models.Receipt{ExecutionID: id, AgentID: agent, Operation: models.OperationGeneration, Status: models.ReceiptPassed, DurationMS: 7},
		&models.PipelineMetric{ExecutionID: id, Stage: models.StageEmit, Status: models.StagePassed, DurationMS: 3},
		&models.PipelineMetric{ExecutionID: id, Stage: models.StageReceipt, Status: models.StagePassed, DurationMS: 4, InputSizeBytes: 1},
		&models.SLOViolation{ExecutionID: id, Metric: "first_build", TargetValue: 15, ActualValue: 20.5, Severity: models.SeverityWarning},
	}
}

// writerLikeGORM: the Writer stores the same rows in every table as GORM and the hooks, byte
// for byte.
func writerLikeGORM(t *T) {
	ended := noon
	took := int64(5)
	rows := func() []models.Model {
		return append(run("x1", "ann"),
			&models.WorkflowSession{SessionID: "s1", AgentCount: 2, Status: models.SessionCompleted, StartTime: noon, EndTime: &ended, TotalDurationMS: &took, ContextJSON: models.JSON(`{"a": 1}`)},
			&models.WorkflowSession{SessionID: "s2", AgentCount: 2},
			&models.Collision{SessionID: "s1", AgentID1: "ann", AgentID2: "bob", CollisionType: models.FileConflict, Description: "μ₁ \"x\"", Severity: models.SeverityInfo},
			&models.AgentMemory{AgentID: "cid", MemoryJSON: models.JSON(`{"k":[1.0,1e2]}`), CollisionHistory: models.JSON(`[]`), RetryCount: 2, LastError: "no"},
			&models.AuditEntry{AgentID: "dan", Operation: "own", Status: models.AuditSkipped, ContextJSON: models.JSON(`{"b":  2}`), DurationMS: 9},
			&models.Receipt{ExecutionID: "x2", AgentID: "bob", Operation: models.OperationWatch, Status: models.ReceiptFailed, ErrorMessage: "broken", ReceiptJSON: models.JSON(`{"raw" : true}`), FilesGenerated: 1, FilesModified: 2, Environment: "ci"},
		)
	}
	byGORM, byWriter := openDB(t), openDB(t)
	w := newWriter(t, byWriter, 1)
	var ids []int64
	for _, m := range rows() {
		require.NoError(t, byGORM.WithContext(t.Context()).Create(m).Error)
		ids = append(ids, idOf(t, byGORM, m))
	}
	for i, m := range rows() {
		require.NoError(t, w.Create(t.Context(), byWriter, m))
		assert.Equal(t, ids[i], idOf(t, byWriter, m), "%T", m)
	}
	assert.Equal(t, strings.Split(contents(t, byGORM), "\n"), strings.Split(contents(t, byWriter), "\n"))
	digestsHold(t, byGORM)
	digestsHold(t, byWriter)
}

func idOf(t *T, db *gorm.DB, m models.Model) int64 {
	t.Helper()
	s := &gorm.Statement{DB: db}
	require.NoError(t, s.Parse(m))
	id, zero := s.Schema.PrioritizedPrimaryField.ValueOf(t.Context(), reflect.ValueOf(m))
	require.False(t, zero)
	return id.(int64)
}

// contents returns every row of every table, as the driver reads it.
func contents(t *T, db *gorm.DB) string {
	t.Helper()
	text := ""
	for _, m := range models.All() {
		var rows []map[string]any
		require.NoError(t, db.Table(m.TableName()).Order("id").Find(&rows).Error)
		for _, r := range rows {
			if m.TableName() == "audit_log" {
				delete(r, "duration_ms") // it varies from run to run
			}
			text += fmt.Sprintf("%s %v\n", m.TableName(), r)
		}
	}
	return text
}

// writerGroups: of many concurrent saves, the rejected ones and those with an ended context
// do not affect the others.
func writerGroups(t *T) {
	const writers, each = 16, 12
	for _, leaders := range []int{1, 3} {
		t.Run(fmt.Sprint(leaders), func(t *T) {
			db := openDB(t)
			w := newWriter(t, db, leaders)
			require.NoError(t, w.Create(t.Context(), db, run("taken", "z")...))
			var wg sync.WaitGroup
			var mu sync.Mutex
			saved, gaveUp := map[string]bool{}, 0
			for g := range writers {
				wg.Go(func() {
					for i := range each {
						id, agent := fmt.Sprintf("%d-%d", g, i), fmt.Sprintf("agent-%d", g%3)
						rows := run(id, agent)
						ctx, cancel := context.WithCancel(t.Context())
						switch g % 4 {
						case 1: // rejected by the database
							rows = run("taken", agent)
						case 2: // rejected in a child row
							rows[1].(*models.PipelineMetric).ExecutionID = "nobody"
						case 3:
							go cancel()
						}
						err := w.Create(ctx, db, rows...)
						cancel()
						mu.Lock()
						switch {
						case err == nil:
							saved[id] = true
						case g%4 == 1:
							assert.ErrorIs(t, err, models.ErrDuplicate)
							assert.ErrorIs(t, err, gorm.ErrDuplicatedKey)
						case g%4 == 2:
							assert.ErrorIs(t, err, models.ErrForeignKey)
						default:
							assert.ErrorIs(t, err, context.Canceled)
							gaveUp++
						}
						if err != nil {
							assert.Zero(t, rows[0].(*models.Receipt).ID, "a refused row has no id")
						}
						mu.Unlock()
					}
				})
			}
			wg.Wait()
			for g := range writers {
				for i := range each {
					if id := fmt.Sprintf("%d-%d", g, i); g%4 == 0 {
						assert.True(t, saved[id], id)
					} else if g%4 < 3 {
						assert.False(t, saved[id], id)
					}
				}
			}
			assert.EqualValues(t, len(saved)+1, number(t, db, "SELECT count(*) FROM receipts"))
			assert.EqualValues(t, 2*(len(saved)+1), number(t, db, "SELECT count(*) FROM pipeline_metrics"))
			assert.EqualValues(t, 4*(len(saved)+1), number(t, db, "SELECT count(*) FROM audit_log WHERE status = 'completed'"))
			// One per rejected save, and per save whose context ended while it was written.
			entries, refused := number(t, db, "SELECT count(*) FROM audit_log WHERE status = 'failed'"), 2*writers/4*each
			assert.GreaterOrEqual(t, entries, int64(refused))
			assert.LessOrEqual(t, entries, int64(refused+gaveUp))
			assert.EqualValues(t, 4*(len(saved)+1), number(t, db, t.engine.SQL.Saves))
			digestsHold(t, db)
		})
	}
}

func number(t *T, db *gorm.DB, query string) (n int64) {
	t.Helper()
	require.NoError(t, db.WithContext(t.Context()).Raw(query).Scan(&n).Error)
	return n
}

// writerInTransaction: inside a transaction a rejected create rolls back only its own rows,
// and a rollback of the transaction removes everything.
func writerInTransaction(t *T) {
	db := openDB(t)
	w := newWriter(t, db, 1)
	stop := errors.New("stop")
	for _, end := range []error{stop, nil} {
		err := db.WithContext(t.Context()).Transaction(func(tx *gorm.DB) error {
			require.NoError(t, w.Create(t.Context(), tx, run("a", "ann")...))
			bad := run("b", "ann")
			bad[1].(*models.PipelineMetric).ExecutionID = "nobody"
			require.ErrorIs(t, w.Create(t.Context(), tx, bad...), models.ErrForeignKey)
			bad[0].(*models.Receipt).Status = "done"
			require.ErrorIs(t, w.Create(t.Context(), tx, bad...), models.ErrInvalid)
			return end
		})
		require.ErrorIs(t, err, end)
		receipts, failed := int64(0), int64(2)
		if end == nil {
			receipts, failed = 1, 4
		}
		assert.Equal(t, receipts, number(t, db, "SELECT count(*) FROM receipts"))
		assert.Equal(t, 4*receipts, number(t, db, "SELECT count(*) FROM audit_log WHERE status = 'completed'"))
		assert.Equal(t, failed, number(t, db, "SELECT count(*) FROM audit_log WHERE status = 'failed'"))
		assert.Equal(t, 4*receipts, number(t, db, t.engine.SQL.Saves))
	}
}

// writerRefused: the failed entry equals that of GORM's create, and no row is stored if
// audit_log or agent_memory rejects its rows.
func writerRefused(t *T) {
	db := openDB(t)
	w := newWriter(t, db, 1)
	for _, m := range []models.Model{
		&models.Receipt{ExecutionID: "r", AgentID: "ann", Operation: "dance", Status: models.ReceiptPassed},
		&models.PipelineMetric{ExecutionID: "none", Stage: models.StageEmit, Status: models.StagePassed},
		&models.AuditEntry{AgentID: " ", Operation: "o", Status: models.AuditStarted},
		&models.WorkflowSession{SessionID: "s", AgentCount: -1},
	} {
		first, second := db.WithContext(t.Context()).Create(m).Error, w.Create(t.Context(), db, m)
		require.Error(t, first)
		require.Error(t, second)
		assert.Equal(t, first.Error(), second.Error())
		var entries []models.AuditEntry
		require.NoError(t, db.Order("id DESC").Limit(2).Find(&entries).Error)
		require.Len(t, entries, 2)
		entries[0].ID, entries[0].DurationMS = entries[1].ID, entries[1].DurationMS
		assert.Equal(t, entries[1], entries[0])
	}
	require.NoError(t, w.Create(t.Context(), db), "no rows is no error")

	t.refuse(db, "agent_memory", "NEW.agent_id = 'eve'")
	before := contents(t, db)
	require.ErrorContains(t, w.Create(t.Context(), db, run("eve-1", "eve")...), "boom")
	assert.Equal(t, int64(0), number(t, db, "SELECT count(*) FROM receipts"))
	assert.Equal(t, int64(0), number(t, db, "SELECT count(*) FROM agent_memory"))
	assert.Contains(t, contents(t, db), before, "only a failed entry is new")
}
