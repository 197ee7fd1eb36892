package contract

import (
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// sameErrorFields: errors of the database have the same fields on every engine: sentinel,
// table, column, value, constraint and allowed values.
func sameErrorFields(t *T) {
	store := open(t)
	r := receipt("kept")
	r.Metrics = []models.PipelineMetric{*metric("", models.StageEmit)}
	require.NoError(t, store.Receipts.Create(t.Context(), r))
	s := session(t, store, "s")
	require.NoError(t, store.Collisions.Report(t.Context(), collision("s")))
	receipts := func(column string, value any) func(*gorm.DB) error {
		return func(db *gorm.DB) error {
			return db.Model(&models.Receipt{}).Where("execution_id = ?", "kept").Update(column, value).Error
		}
	}
	create := func(row any) func(*gorm.DB) error {
		return func(db *gorm.DB) error { return db.Create(row).Error }
	}
	bare := map[string]any{"agent_id": "a", "operation": "watch", "status": "passed", "timestamp": "2026-01-29T12:00:00Z", "duration_ms": 1}
	for name, tt := range map[string]struct {
		do   func(*gorm.DB) error
		want models.Error
		gorm error
	}{
		"ReceiptTwice": {create(receipt("kept")), models.Error{
			Kind: models.ErrDuplicate, Table: "receipts", Column: "execution_id", Value: "kept", Constraint: "idx_receipts_execution_id"}, gorm.ErrDuplicatedKey},
		"SessionTwice": {create(&models.WorkflowSession{SessionID: "s"}), models.Error{
			Kind: models.ErrDuplicate, Table: "workflow_sessions", Column: "session_id", Value: "s", Constraint: "idx_workflow_sessions_session_id"}, gorm.ErrDuplicatedKey},
		"MemoryTwice": {create(&models.AgentMemory{AgentID: "coder"}), models.Error{
			Kind: models.ErrDuplicate, Table: "agent_memory", Column: "agent_id", Value: "coder", Constraint: "idx_agent_memory_agent_id"}, gorm.ErrDuplicatedKey},
		"MetricAlone": {create(metric("none", models.StageEmit)), models.Error{
			Kind: models.ErrForeignKey, Table: "pipeline_metrics", Column: "execution_id", Value: "none", Constraint: "fk_receipts_metrics"}, gorm.ErrForeignKeyViolated},
		"ViolationAlone": {create(violation("none")), models.Error{
			Kind: models.ErrForeignKey, Table: "slo_violations", Column: "execution_id", Value: "none", Constraint: "fk_receipts_violations"}, gorm.ErrForeignKeyViolated},
		"CollisionAlone": {create(collision("none")), models.Error{
			Kind: models.ErrForeignKey, Table: "collision_detection", Column: "session_id", Value: "none", Constraint: "fk_workflow_sessions_collisions"}, gorm.ErrForeignKeyViolated},
		"ReceiptWithChild": {func(db *gorm.DB) error { return db.Delete(r).Error }, models.Error{
			Kind: models.ErrForeignKey, Table: "receipts", Column: "execution_id", Value: "kept"}, gorm.ErrForeignKeyViolated},
		"SessionWithChild": {func(db *gorm.DB) error { return db.Delete(s).Error }, models.Error{
			Kind: models.ErrForeignKey, Table: "workflow_sessions", Column: "session_id", Value: "s"}, gorm.ErrForeignKeyViolated},
		"Enum": {receipts("status", "done"), models.Error{
			Kind: models.ErrInvalid, Table: "receipts", Column: "status", Value: "done", Constraint: "chk_receipts_status", Allowed: []string{"passed", "failed", "partial", "cancelled"}}, gorm.ErrCheckConstraintViolated},
		"Negative": {receipts("duration_ms", -1), models.Error{
			Kind: models.ErrInvalid, Table: "receipts", Column: "duration_ms", Value: -1, Constraint: "chk_receipts_duration_ms"}, gorm.ErrCheckConstraintViolated},
		"JSON": {receipts("receipt_json", "{"), models.Error{
			Kind: models.ErrInvalid, Table: "receipts", Column: "receipt_json", Value: "{"}, nil},
		"MemoryJSON": {func(db *gorm.DB) error {
			return db.Model(&models.AgentMemory{}).Where("agent_id = ?", "coder").Update("memory_json", "{").Error
		}, models.Error{
			Kind: models.ErrInvalid, Table: "agent_memory", Column: "memory_json", Value: "{"}, nil},
		"Null": {receipts("agent_id", nil), models.Error{
			Kind: models.ErrInvalid, Table: "receipts", Column: "agent_id"}, nil},
		"Missing": {func(db *gorm.DB) error { return db.Table("receipts").Create(bare).Error }, models.Error{
			Kind: models.ErrInvalid, Table: "receipts", Column: "execution_id"}, nil},
		"NUL": {receipts("environment", "a\x00b"), models.Error{
			Kind: models.ErrInvalid, Table: "receipts", Column: "environment", Value: "a\x00b"}, nil},
		"NotUTF8": {receipts("environment", "a\xffb"), models.Error{
			Kind: models.ErrInvalid, Table: "receipts", Column: "environment", Value: "a\xffb"}, nil},
		"TextForNumber": {receipts("duration_ms", "many"), models.Error{
			Kind: models.ErrInvalid, Table: "receipts", Column: "duration_ms", Value: "many"}, nil},
		"TextForTime": {receipts("timestamp", "yesterday"), models.Error{
			Kind: models.ErrInvalid, Table: "receipts", Column: "timestamp", Value: "yesterday"}, nil},
	} {
		t.Run(name, func(t *T) {
			before := dump(t, store)
			err := tt.do(store.DB().WithContext(t.Context()))
			var e *models.Error
			require.ErrorAs(t, err, &e)
			if tt.gorm != nil {
				assert.ErrorIs(t, err, tt.gorm)
			}
			assert.NotEmpty(t, e.Error())
			got := *e
			got.Err, got.Reason = nil, ""
			if tt.want.Constraint == "" {
				got.Constraint = "" // only PostgreSQL names the child that protects a parent
			}
			assert.Equal(t, tt.want, got)
			assert.Equal(t, before, dump(t, store))
		})
	}
}
