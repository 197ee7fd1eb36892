package contract

import (
	"context"
	"database/sql/driver"
	_ "embed"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/hooks"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

var hookCases = cases{
	"Activity":                    hooksActivity,
	"AgentsOwnKeys":               hooksAgentsOwnKeys,
	"AppendOnly":                  hooksAppendOnly,
	"Backfill":                    hooksBackfill,
	"CollisionHistory":            hooksCollisionHistory,
	"CorruptMemory":               hooksCorruptMemory,
	"DigestOfMovedRow":            hooksDigestOfMovedRow,
	"EndOfContextLeavesNothing":   hooksEndOfContextLeavesNothing,
	"ExecutionAtWork":             hooksExecutionAtWork,
	"FailedEntrySurvivesRollback": hooksFailedEntrySurvivesRollback,
	"GoldenContext":               hooksGoldenContext,
	"IgnoredErrorCommits":         hooksIgnoredErrorCommits,
	"Matrix":                      hooksMatrix,
	"NilElement":                  hooksNilElement,
	"OtherModel":                  hooksOtherModel,
	"PanicBecomesError":           hooksPanicBecomesError,
	"PanicInModelMethod":          hooksPanicInModelMethod,
	"Processes":                   hooksProcesses,
	"RetriesAndLastError":         hooksRetriesAndLastError,
	"UpdatesSelected":             hooksUpdatesSelected,
	"WithResult":                  hooksWithResult,
}

// panicking is a value that panics in Value, unless it is zero.
type panicking string

func (p panicking) Value() (driver.Value, error) {
	if p != "" {
		panic(string(p))
	}
	return nil, nil
}

type brokenReceipt struct {
	ID          int64
	ExecutionID panicking
}

// hooksIgnoredErrorCommits: if the caller ignores the error of a write and commits, the
// rejected write stores nothing and the other writes are stored.
func hooksIgnoredErrorCommits(t *T) {
	db := openSeeded(t)
	last := maxID(t, db)
	require.NoError(t, db.Transaction(func(tx *gorm.DB) error {
		require.NoError(t, tx.Create(alices("kept")).Error)
		require.Error(t, tx.Create(alices("r1")).Error)
		return nil
	}))
	assert.Equal(t, 1, failed(t, db, last))
	assert.Len(t, completed(t, db, last), 1)
	assert.EqualValues(t, 1, count(t, db, "receipts", "execution_id = 'kept'"))
}

// hooksFailedEntrySurvivesRollback: after a rollback only the failed entry is stored.
func hooksFailedEntrySurvivesRollback(t *T) {
	db := openSeeded(t)
	before, last := snapshot(t, db), maxID(t, db)
	ctx := hooks.WithActor(context.Background(), "auditor")
	tx := db.WithContext(ctx).Begin()
	require.NoError(t, tx.Create(alices("gone")).Error)
	tx.SavePoint("half")
	bad := alices("bad")
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

// hooksPanicBecomesError: a panic of a caller's value inside a statement is an error.
func hooksPanicBecomesError(t *T) {
	db := openSeeded(t)
	before := snapshot(t, db)
	err := db.Table("receipts").Create(&brokenReceipt{ExecutionID: "no value"}).Error
	require.ErrorContains(t, err, "no value")
	assert.Equal(t, before, snapshot(t, db))
	// The one writing connection is free again.
	require.NoError(t, db.Create(alices("after")).Error)
}

func hooksEndOfContextLeavesNothing(t *T) {
	db := openSeeded(t)
	before := snapshot(t, db)
	ctx, cancel := context.WithCancel(context.Background())
	err := db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := tx.Create(alices("gone")).Error; err != nil {
			return err
		}
		cancel()
		return tx.Create(alices("gone too")).Error
	})
	require.Error(t, err)
	assert.Equal(t, before, snapshot(t, db))
	require.NoError(t, db.Create(alices("after")).Error)
}

func hooksAppendOnly(t *T) {
	db := openSeeded(t)
	rows := count(t, db, "audit_log", "status <> 'failed'")
	for name, err := range map[string]error{
		"update": db.Table("audit_log").Where("1 = 1").Update("agent_id", "x").Error,
		"delete": db.Exec("SELECT 1").Session(&gorm.Session{NewDB: true}).Where("1 = 1").Delete(&models.AuditEntry{}).Error,
	} {
		assert.ErrorContains(t, err, "append-only", name)
	}
	assert.Equal(t, rows, count(t, db, "audit_log", "status <> 'failed' AND agent_id <> 'x'"))
	retaining := db.WithContext(hooks.WithRetention(context.Background()))
	for name, err := range map[string]error{
		"update":     retaining.Table("audit_log").Where("1 = 1").Update("agent_id", "x").Error,
		"not sealed": retaining.Where("id <= 2").Delete(&models.AuditEntry{}).Error,
		"raw update": db.Exec("UPDATE audit_log SET agent_id = 'x' WHERE id = 1").Error,
		"raw delete": db.Exec("DELETE FROM audit_log WHERE id = 1").Error,
	} {
		assert.ErrorIs(t, err, models.ErrAppendOnly, name)
	}
	again := models.AuditEntry{ID: 1, AgentID: "x", Operation: "again", Status: models.AuditCompleted}
	require.ErrorIs(t, db.Create(&again).Error, models.ErrDuplicate)
	assert.Equal(t, rows, count(t, db, "audit_log", "status <> 'failed' AND agent_id <> 'x'"))
}

// panickingReceipt is a caller's model with a method that panics.
type panickingReceipt struct {
	models.Receipt
}

func (*panickingReceipt) BeforeCreate(*gorm.DB) error { panic("in a model's method") }

// hooksPanicInModelMethod: the panic is an error, and the connection is free again.
func hooksPanicInModelMethod(t *T) {
	db := openSeeded(t)
	before := snapshot(t, db)
	require.ErrorContains(t, db.Create(&panickingReceipt{Receipt: *alices("n1")}).Error, "in a model's method")
	assert.Equal(t, before, snapshot(t, db))
	require.NoError(t, db.Create(alices("after")).Error)
}

// hooksUpdatesSelected: only the columns of Select are validated, including zero values.
func hooksUpdatesSelected(t *T) {
	db := openSeeded(t)
	r, err := loaded(db, "r1")
	require.NoError(t, err)
	bad := models.Receipt{DurationMS: 5, ManifestHash: "no hash"}
	require.NoError(t, db.Model(r).Select("duration_ms").Updates(bad).Error)
	require.ErrorIs(t, db.Model(r).Select("ManifestHash").Updates(bad).Error, models.ErrInvalid)
	require.ErrorIs(t, db.Model(r).Select("agent_id").Updates(bad).Error, models.ErrInvalid)
}

//go:embed testdata/context.golden
var goldenContext string

// hooksGoldenContext fixes the bytes of context_json.
func hooksGoldenContext(t *T) {
	db := openSeeded(t)
	last := maxID(t, db)
	r, err := loaded(db, "r1")
	require.NoError(t, err)
	require.NoError(t, db.Create(alices("golden")).Error)
	require.NoError(t, db.Model(r).Updates(map[string]any{"error_message": "<μ₁> \"quoted\"", "duration_ms": 11}).Error)
	require.NoError(t, db.Delete(&models.SLOViolation{}, 1).Error)
	require.NoError(t, db.Model(&models.WorkflowSession{}).Where("session_id = ?", "s1").Update("agent_count", 3).Error)
	require.NoError(t, db.Model(&models.AgentMemory{}).Where("agent_id = ?", "carol").Update("last_error", "x").Error)
	require.NoError(t, db.Create(&models.AgentMemory{AgentID: "dave", MemoryJSON: models.JSON(`{"plan":"<μ₁>","githubToken":"x"}`)}).Error)
	require.Error(t, db.Create(alices("golden")).Error)
	var contexts []string
	require.NoError(t, db.Raw("SELECT operation || ' ' || status || ' ' || agent_id || ' ' || context_json FROM audit_log WHERE id > ? ORDER BY id", last).Scan(&contexts).Error)
	got := ""
	for _, c := range contexts {
		got += c + "\n"
	}
	assert.Equal(t, goldenContext, got)
}

// hooksBackfill: the caller's structs get their ids, even if the upsert skipped some rows.
func hooksBackfill(t *T) {
	db := openSeeded(t)
	rows := []*models.Receipt{alices("n1"), alices("r1"), alices("n2")}
	require.NoError(t, db.Clauses(doNothing).Create(rows).Error)
	for _, r := range rows {
		var id int64
		require.NoError(t, db.Raw("SELECT id FROM receipts WHERE execution_id = ?", r.ExecutionID).Scan(&id).Error)
		if r.ExecutionID == "r1" {
			assert.Zero(t, r.ID)
		} else {
			assert.Equal(t, id, r.ID)
		}
	}
}
