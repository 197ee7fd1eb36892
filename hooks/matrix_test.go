package hooks_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/hooks"
)

// config is a way to run an operation.
type config struct {
	name                         string
	skipDefault, prepare, inside bool
}

func configs() []config {
	return []config{
		{name: "default"},
		{name: "skip default transaction", skipDefault: true},
		{name: "prepared", prepare: true},
		{name: "prepared, skip default transaction", skipDefault: true, prepare: true},
		{name: "in a transaction", inside: true},
		{name: "in a transaction, skip default", inside: true, skipDefault: true},
		{name: "in a transaction, prepared", inside: true, prepare: true},
	}
}

func (c config) run(db *gorm.DB, op func(*gorm.DB) error) error {
	db = db.Session(&gorm.Session{SkipDefaultTransaction: c.skipDefault, PrepareStmt: c.prepare})
	if c.inside {
		return db.Transaction(op)
	}
	return op(db)
}

// TestMatrix holds, for every way that GORM can write, that the entries name exactly
// the rows that a comparison of the tables before and after finds changed.
func TestMatrix(t *testing.T) { eachEngine(t, testMatrix) }

func testMatrix(t *testing.T, e *engineUnderTest) {
	rows := 0
	for _, op := range operations() {
		if op.only != "" && op.only != e.name {
			continue
		}
		for _, cfg := range configs() {
			rows++
			t.Run(op.name+"/"+cfg.name, func(t *testing.T) {
				t.Parallel()
				db := e.openSeeded(t)
				before, lastEntry, saves := snapshot(t, db), maxID(t, db), e.totalSaves(t, db)

				err := cfg.run(db, op.do)
				if op.fails {
					require.Error(t, err)
				} else {
					require.NoError(t, err)
				}

				want := diff(before, snapshot(t, db), op.memory)
				if op.changes != anyNumber {
					assert.Len(t, want, op.changes, "the operation itself")
				}
				assert.ElementsMatch(t, want, completed(t, db, lastEntry))
				if !op.memory {
					assert.Equal(t, saves+int64(len(want)), e.totalSaves(t, db), "saves counted in agent_memory")
				}
				assert.Equal(t, op.refused, failed(t, db, lastEntry), "failed entries")
			})
		}
	}
	t.Logf("%d rows", rows)
}

// TestMatrixAtomic runs the same with an audit_log or an agent_memory that refuses:
// nothing of the operation may remain.
func TestMatrixAtomic(t *testing.T) { eachEngine(t, testMatrixAtomic) }

func testMatrixAtomic(t *testing.T, e *engineUnderTest) {
	refusals := map[string]string{"audit_log": "NEW.status = 'completed'", "agent_memory": "NEW.id IS NOT NULL OR NEW.id IS NULL"}
	for _, op := range operations() {
		if op.only != "" && op.only != e.name {
			continue
		}
		if op.changes <= 0 {
			continue
		}
		for name, when := range refusals {
			if name == "agent_memory" && op.memory {
				continue
			}
			for _, cfg := range configs() {
				t.Run(op.name+"/"+name+"/"+cfg.name, func(t *testing.T) {
					t.Parallel()
					db := e.openSeeded(t)
					e.refuse(t, db, name, when)
					before, lastEntry := snapshot(t, db), maxID(t, db)

					require.ErrorContains(t, cfg.run(db, op.do), "boom")

					assert.Equal(t, before, snapshot(t, db))
					assert.Empty(t, completed(t, db, lastEntry))
					assert.NotZero(t, failed(t, db, lastEntry))
				})
			}
		}
	}
}

// TestIgnoredErrorCommits: the caller ignores the error of a write and commits; the
// refused write leaves nothing, the others stay.
func TestIgnoredErrorCommits(t *testing.T) { eachEngine(t, testIgnoredErrorCommits) }

func testIgnoredErrorCommits(t *testing.T, e *engineUnderTest) {
	db := e.openSeeded(t)
	last := maxID(t, db)
	require.NoError(t, db.Transaction(func(tx *gorm.DB) error {
		require.NoError(t, tx.Create(receipt("kept")).Error)
		require.Error(t, tx.Create(receipt("r1")).Error)
		return nil
	}))
	assert.Equal(t, 1, failed(t, db, last))
	assert.Len(t, completed(t, db, last), 1)
	assert.EqualValues(t, 1, count(t, db, "receipts", "execution_id = 'kept'"))
}

// TestFailedEntrySurvivesRollback: the failed entry stays, nothing else does.
func TestFailedEntrySurvivesRollback(t *testing.T) { eachEngine(t, testFailedEntrySurvivesRollback) }

func testFailedEntrySurvivesRollback(t *testing.T, e *engineUnderTest) {
	db := e.openSeeded(t)
	before, last := snapshot(t, db), maxID(t, db)
	ctx := hooks.WithActor(context.Background(), "auditor")
	tx := db.WithContext(ctx).Begin()
	require.NoError(t, tx.Create(receipt("gone")).Error)
	tx.SavePoint("half")
	bad := receipt("bad")
	bad.DurationMS = -1
	require.Error(t, tx.Create(bad).Error)
	tx.RollbackTo("half")
	require.NoError(t, tx.Rollback().Error)

	assert.Equal(t, before, snapshot(t, db))
	assert.Empty(t, completed(t, db, last))
	var got struct{ AgentID, Operation, Status, ErrorMessage, ContextJSON string }
	require.NoError(t, db.Raw("SELECT agent_id, operation, status, error_message, context_json FROM audit_log WHERE id > ?", last).Scan(&got).Error)
	assert.Equal(t, "auditor", got.AgentID)
	assert.Equal(t, "receipts.create", got.Operation)
	assert.Contains(t, got.ErrorMessage, "duration_ms")
	assert.JSONEq(t, `{"v":1,"table":"receipts","action":"create","key":"bad","execution_id":"bad"}`, got.ContextJSON)
}

// TestPanicInCallback: a panic in a caller's own callback inside our statement.
func TestPanicBecomesError(t *testing.T) { eachEngine(t, testPanicBecomesError) }

func testPanicBecomesError(t *testing.T, e *engineUnderTest) {
	db := e.openSeeded(t)
	before := snapshot(t, db)
	err := db.Table("receipts").Create(&brokenReceipt{ExecutionID: "no value"}).Error
	require.ErrorContains(t, err, "no value")
	assert.Equal(t, before, snapshot(t, db))
	// The one writing connection is free again.
	require.NoError(t, db.Create(receipt("after")).Error)
}

func TestEndOfContextLeavesNothing(t *testing.T) { eachEngine(t, testEndOfContextLeavesNothing) }

func testEndOfContextLeavesNothing(t *testing.T, e *engineUnderTest) {
	db := e.openSeeded(t)
	before := snapshot(t, db)
	ctx, cancel := context.WithCancel(context.Background())
	err := db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := tx.Create(receipt("gone")).Error; err != nil {
			return err
		}
		cancel()
		return tx.Create(receipt("gone too")).Error
	})
	require.Error(t, err)
	assert.Equal(t, before, snapshot(t, db))
	require.NoError(t, db.Create(receipt("after")).Error)
}

func TestAppendOnly(t *testing.T) { eachEngine(t, testAppendOnly) }

func testAppendOnly(t *testing.T, e *engineUnderTest) {
	db := e.openSeeded(t)
	rows := count(t, db, "audit_log", "status <> 'failed'")
	for name, err := range map[string]error{
		"update": db.Table("audit_log").Where("1 = 1").Update("agent_id", "x").Error,
		"delete": db.Exec("SELECT 1").Session(&gorm.Session{NewDB: true}).Where("1 = 1").Delete(&auditEntry{}).Error,
	} {
		assert.ErrorContains(t, err, "append-only", name)
	}
	assert.Equal(t, rows, count(t, db, "audit_log", "status <> 'failed' AND agent_id <> 'x'"))
	ctx := hooks.WithRetention(context.Background())
	require.NoError(t, db.WithContext(ctx).Where("id <= 2").Delete(&auditEntry{}).Error)
	assert.Equal(t, rows-2, count(t, db, "audit_log", "status <> 'failed'"))
}

func describe(table, action string, id any, detail string) string {
	return strings.TrimSpace(fmt.Sprintf("%s.%s %v %s", table, action, id, detail))
}
