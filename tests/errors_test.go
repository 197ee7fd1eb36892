package tests

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

func TestErrorsName(t *testing.T) {
	t.Parallel()
	const insert = "INSERT INTO receipts (execution_id, agent_id, operation, status, timestamp, duration_ms, receipt_json) VALUES "
	for name, tt := range map[string]struct {
		sql  string
		want models.Error
		gorm error
	}{
		"Unique":   {insert + "('e','a','watch','passed','t',1,NULL)", models.Error{Table: "receipts", Column: "execution_id", Constraint: "idx_receipts_execution_id", Kind: models.ErrDuplicate}, gorm.ErrDuplicatedKey},
		"Primary":  {"INSERT INTO pipeline_metrics(id,execution_id,stage,duration_ms,status,timestamp) SELECT id,execution_id,stage,duration_ms,status,timestamp FROM pipeline_metrics", models.Error{Table: "pipeline_metrics", Column: "id", Kind: models.ErrDuplicate}, gorm.ErrDuplicatedKey},
		"NotNull":  {insert + "('x',NULL,'watch','passed','t',1,NULL)", models.Error{Table: "receipts", Column: "agent_id", Kind: models.ErrInvalid}, nil},
		"Enum":     {insert + "('x','a','watch','great','t',1,NULL)", models.Error{Table: "receipts", Column: "status", Constraint: "chk_receipts_status", Allowed: []string{"passed", "failed", "partial", "cancelled"}, Kind: models.ErrInvalid}, gorm.ErrCheckConstraintViolated},
		"Negative": {insert + "('x','a','watch','passed','t',-1,NULL)", models.Error{Table: "receipts", Column: "duration_ms", Constraint: "chk_receipts_duration_ms", Kind: models.ErrInvalid}, gorm.ErrCheckConstraintViolated},
		"JSON":     {insert + "('x','a','watch','passed','t',1,'{')", models.Error{Table: "receipts", Column: "receipt_json", Constraint: "chk_receipts_receipt_json", Kind: models.ErrInvalid}, gorm.ErrCheckConstraintViolated},
		"Child":    {"INSERT INTO slo_violations(execution_id,metric,target_value,actual_value,severity,timestamp) VALUES('none','m',1,2,'warning','t')", models.Error{Kind: models.ErrForeignKey}, gorm.ErrForeignKeyViolated},
		"Parent":   {"DELETE FROM receipts", models.Error{Kind: models.ErrForeignKey}, gorm.ErrForeignKeyViolated},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := open(t, ":memory:")
			r := receipt("a")
			r.ExecutionID = "e"
			require.NoError(t, store.Receipts.Create(context.Background(), r))
			require.NoError(t, store.Metrics.Record(context.Background(), &models.PipelineMetric{ExecutionID: "e", Stage: models.StageEmit, Status: models.StagePassed}))
			err := store.DB().Exec(tt.sql).Error
			var got *models.Error
			require.ErrorAs(t, err, &got)
			assert.ErrorIs(t, err, tt.want.Kind)
			if tt.gorm != nil {
				assert.ErrorIs(t, err, tt.gorm)
			}
			assert.Equal(t, tt.want.Table, got.Table)
			assert.Equal(t, tt.want.Column, got.Column)
			assert.Equal(t, tt.want.Constraint, got.Constraint)
			assert.Equal(t, tt.want.Allowed, got.Allowed)
			assert.NotEmpty(t, got.Reason)
			assert.ErrorContains(t, got.Err, "constraint failed", "the driver's error is kept")
			assert.EqualValues(t, 1, count(t, store, "receipts"))
		})
	}
}
