package repository_test

import (
	"context"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

func metric(executionID string, stage models.Stage) *models.PipelineMetric {
	return &models.PipelineMetric{ExecutionID: executionID, Stage: stage, DurationMS: 5, InputSizeBytes: 10, Status: models.StagePassed}
}

func violation(executionID string) *models.SLOViolation {
	return &models.SLOViolation{ExecutionID: executionID, Metric: "first_build", TargetValue: 15, ActualValue: 20, Severity: models.SeverityWarning}
}

func TestMetricsStageOrder(t *testing.T) {
	t.Parallel()
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
		assert.Equal(t, noon, got[i].Timestamp.Time)
	}
	none, err := store.Metrics.ByExecution(ctx, "unknown")
	require.NoError(t, err)
	assert.Equal(t, []models.PipelineMetric{}, none)
}

func TestMetricsRefused(t *testing.T) {
	t.Parallel()
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
		{"Nil", repository.ErrInvalid, func(ctx context.Context) error { return store.Metrics.Record(ctx, nil) }},
		{"Blank", repository.ErrInvalid, record(func(m *models.PipelineMetric) { m.ExecutionID = "" })},
		{"UnknownStage", repository.ErrInvalid, record(func(m *models.PipelineMetric) { m.Stage = "emit" })},
		{"Negative", repository.ErrInvalid, record(func(m *models.PipelineMetric) { m.OutputSizeBytes = -1 })},
		{"Dangling", repository.ErrForeignKey, dangling},
		{"DanglingGORM", gorm.ErrForeignKeyViolated, dangling},
		{"DanglingWithReceipt", repository.ErrForeignKey, record(func(m *models.PipelineMetric) { m.ExecutionID, m.Receipt = "gone", receipt("gone") })},
		{"ByBlank", repository.ErrInvalid, func(ctx context.Context) error { _, err := store.Metrics.ByExecution(ctx, ""); return err }},
	})
	var e *repository.Error
	require.ErrorAs(t, dangling(t.Context()), &e)
	assert.Equal(t, []any{"pipeline_metrics", "execution_id", "gone"}, []any{e.Table, e.Column, e.Value})
}

func TestViolations(t *testing.T) {
	t.Parallel()
	store, ctx := open(t), t.Context()
	saved(t, store, "x")
	saved(t, store, "y")
	require.NoError(t, store.Violations.Record(ctx, violation("x")))
	found, err := store.Violations.Check(ctx, "y", repository.DefaultTargets(), map[string]float64{
		repository.MetricFirstBuild: 40, repository.MetricCLIScaffolding: 1, repository.MetricGenerationMemory: 150, "own": 1,
	})
	require.NoError(t, err)
	stored, err := store.Violations.ByExecution(ctx, "y")
	require.NoError(t, err)
	assert.Equal(t, found, stored)
	require.Len(t, stored, 2)
	assert.Equal(t, models.SeverityCritical, stored[0].Severity)
	none, err := store.Violations.Check(ctx, "y", nil, nil)
	require.NoError(t, err)
	assert.Empty(t, none)
	summary, err := store.Violations.SummaryByMetric(ctx, noon, noon.Add(time.Second))
	require.NoError(t, err)
	assert.Equal(t, []repository.ViolationSummary{{"first_build", 2, 30}, {"generation_memory", 1, 150}}, summary)
	summary, err = store.Violations.SummaryByMetric(ctx, noon.Add(time.Second), time.Time{})
	require.NoError(t, err)
	assert.Empty(t, summary)
}

func TestViolationsRefused(t *testing.T) {
	t.Parallel()
	store := open(t)
	saved(t, store, "x")
	record := func(change func(*models.SLOViolation)) func(context.Context) error {
		return func(ctx context.Context) error {
			v := violation("x")
			change(v)
			return store.Violations.Record(ctx, v)
		}
	}
	check := func(id string, targets []repository.Target, value float64) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := store.Violations.Check(ctx, id, targets, map[string]float64{repository.MetricFirstBuild: value})
			return err
		}
	}
	targets := repository.DefaultTargets()
	refused(t, store, []refusal{
		{"Nil", repository.ErrInvalid, func(ctx context.Context) error { return store.Violations.Record(ctx, nil) }},
		{"Blank", repository.ErrInvalid, record(func(v *models.SLOViolation) { v.Metric = "" })},
		{"NaN", repository.ErrInvalid, record(func(v *models.SLOViolation) { v.ActualValue = math.NaN() })},
		{"Info", repository.ErrInvalid, record(func(v *models.SLOViolation) { v.Severity = models.SeverityInfo })},
		{"Dangling", repository.ErrForeignKey, record(func(v *models.SLOViolation) { v.ExecutionID = "gone" })},
		{"CheckBlank", repository.ErrInvalid, check("", targets, 99)},
		{"CheckUnknown", repository.ErrNotFound, check("gone", targets, 99)},
		{"CheckInfinite", repository.ErrInvalid, check("x", targets, math.Inf(1))},
		{"CheckTwice", repository.ErrDuplicate, check("x", append(targets, targets[0]), 99)},
		{"ByBlank", repository.ErrInvalid, func(ctx context.Context) error { _, err := store.Violations.ByExecution(ctx, ""); return err }},
		{"Backwards", repository.ErrInvalid, func(ctx context.Context) error {
			_, err := store.Violations.SummaryByMetric(ctx, noon, noon.Add(-1))
			return err
		}},
	})
}

func TestReports(t *testing.T) {
	t.Parallel()
	store, ctx := open(t), t.Context()
	for i := range 12 {
		r := receipt(fmt.Sprintf("f%02d", i))
		r.Status, r.ErrorMessage, r.Timestamp = models.ReceiptFailed, "broken", models.At(noon.Add(time.Duration(i)*time.Second))
		r.Metrics = []models.PipelineMetric{*metric(r.ExecutionID, models.StageExtract), *metric(r.ExecutionID, models.StageNormalize)}
		r.Metrics[0].DurationMS = 50
		require.NoError(t, store.Receipts.Create(ctx, r))
	}
	ok := receipt("ok")
	ok.AgentID = "tester"
	require.NoError(t, store.Receipts.Create(ctx, ok))
	require.NoError(t, store.Violations.Record(ctx, violation("f11")))

	recent, err := store.Reports.RecentExecutions(ctx)
	require.NoError(t, err)
	require.Len(t, recent, 13)
	assert.Equal(t, "f11", recent[0].ExecutionID)
	assert.EqualValues(t, 1, recent[0].SLOViolations)
	failures, err := store.Reports.RecentFailures(ctx, 0)
	require.NoError(t, err)
	assert.Len(t, failures, 10)
	failures, err = store.Reports.RecentFailures(ctx, 12)
	require.NoError(t, err)
	assert.Len(t, failures, 12)
	agents, err := store.Reports.AgentPerformance(ctx)
	require.NoError(t, err)
	require.Len(t, agents, 2)
	assert.Equal(t, "tester", agents[0].AgentID)
	assert.EqualValues(t, 12, agents[1].FailedExecutions)
	stages, err := store.Reports.StagePerformance(ctx)
	require.NoError(t, err)
	require.Len(t, stages, 2)
	assert.Equal(t, models.StageNormalize, stages[0].Stage)
	slowest, err := store.Reports.Bottlenecks(ctx)
	require.NoError(t, err)
	assert.Equal(t, models.StageExtract, slowest[0].Stage)
	assert.EqualValues(t, 50, slowest[0].AvgDurationMS)
	week, err := store.Reports.ViolationsLastWeek(ctx)
	require.NoError(t, err)
	assert.Equal(t, []repository.ViolationSummary{{"first_build", 1, 20}}, week)
	refused(t, store, []refusal{
		{"LimitNegative", repository.ErrInvalid, func(ctx context.Context) error { _, err := store.Reports.RecentFailures(ctx, -1); return err }},
		{"LimitHuge", repository.ErrInvalid, func(ctx context.Context) error { _, err := store.Reports.RecentFailures(ctx, 1001); return err }},
	})
}
