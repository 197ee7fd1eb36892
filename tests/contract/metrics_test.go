package contract

import (
	"context"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

var metricCases = cases{
	"Refused":    metricsRefused,
	"StageOrder": metricsStageOrder,
}

func metricsStageOrder(t *T) {
	store, ctx := open(t), t.Context()
	saved(t, store, "x")
	var batch []*models.PipelineMetric
	for _, stage := range []models.Stage{models.StageReceipt, models.StageEmit, models.StageNormalize, models.StageCanonicalize, models.StageExtract} {
		batch = append(batch, metric("x", stage))
	}
	require.NoError(t, store.Metrics.RecordBatch(ctx, batch))
	require.NoError(t, store.Metrics.RecordBatch(ctx, nil))
	got, err := store.Metrics.ByExecution(ctx, "x")
	require.NoError(t, err)
	require.Len(t, got, 5)
	for i, stage := range models.Stages() {
		assert.Equal(t, stage, got[i].Stage)
		assert.Equal(t, start, got[i].Timestamp.Time)
	}
	none, err := store.Metrics.ByExecution(ctx, "unknown")
	require.NoError(t, err)
	assert.Equal(t, []models.PipelineMetric{}, none)
}

func metricsRefused(t *T) {
	store := open(t)
	saved(t, store, "x")
	record := func(change func(*models.PipelineMetric)) func(context.Context) error {
		return func(ctx context.Context) error {
			m := metric("x", models.StageEmit)
			change(m)
			return store.Metrics.RecordBatch(ctx, []*models.PipelineMetric{metric("x", models.StageEmit), m})
		}
	}
	dangling := record(func(m *models.PipelineMetric) { m.ExecutionID = "gone" })
	refused(t, store, []refusal{
		{"Nil", models.ErrInvalid, func(ctx context.Context) error { return store.Metrics.Record(ctx, nil) }},
		{"Blank", models.ErrInvalid, record(func(m *models.PipelineMetric) { m.ExecutionID = "" })},
		{"UnknownStage", models.ErrInvalid, record(func(m *models.PipelineMetric) { m.Stage = "emit" })},
		{"Negative", models.ErrInvalid, record(func(m *models.PipelineMetric) { m.OutputSizeBytes = -1 })},
		{"Dangling", models.ErrForeignKey, dangling},
		{"DanglingGORM", gorm.ErrForeignKeyViolated, dangling},
		{"DanglingWithReceipt", models.ErrForeignKey, record(func(m *models.PipelineMetric) { m.ExecutionID, m.Receipt = "gone", receipt("gone") })},
		{"ByBlank", models.ErrInvalid, func(ctx context.Context) error { _, err := store.Metrics.ByExecution(ctx, ""); return err }},
	})
	var e *models.Error
	require.ErrorAs(t, dangling(t.Context()), &e)
	assert.Equal(t, []any{"pipeline_metrics", "execution_id", "gone"}, []any{e.Table, e.Column, e.Value})
}
