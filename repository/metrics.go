package repository

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

const metricsTable = "pipeline_metrics"

// Metrics reads and writes the table pipeline_metrics.
type Metrics struct{ h handle }

// Record writes the metric of one stage and sets its id and empty defaults. Errors:
// models.ErrInvalid; models.ErrForeignKey if no receipt has its execution_id.
func (m *Metrics) Record(ctx context.Context, metric *models.PipelineMetric) error {
	return m.RecordBatch(ctx, []*models.PipelineMetric{metric})
}

// RecordBatch writes all metrics or none, in one transaction. It accepts an empty batch.
// Errors: models.ErrInvalid; models.ErrForeignKey if a metric's execution_id has no receipt.
func (m *Metrics) RecordBatch(ctx context.Context, metrics []*models.PipelineMetric) error {
	for i, metric := range metrics {
		if metric == nil {
			return refuse.Invalid(metricsTable, "", nil, fmt.Sprintf("element %d must not be nil", i))
		}
	}
	err := insert(ctx, m.h, metrics...)
	if !errors.Is(err, models.ErrForeignKey) {
		return err
	}
	var orphan any
	for _, metric := range metrics {
		if _, missing := (&Receipts{m.h}).Get(ctx, metric.ExecutionID); errors.Is(missing, models.ErrNotFound) {
			orphan = metric.ExecutionID
			break
		}
	}
	return blame(err, models.ErrForeignKey, metricsTable, "execution_id", orphan, "no receipt has that id")
}

// ByExecution returns every metric of an execution, sorted by stage and then by time.
// Errors: models.ErrInvalid for a blank id.
func (m *Metrics) ByExecution(ctx context.Context, executionID string) ([]models.PipelineMetric, error) {
	metrics, err := children[models.PipelineMetric](m.h.read(ctx), metricsTable, "execution_id", executionID, "timestamp, id")
	stages := models.Stages()
	slices.SortStableFunc(metrics, func(a, b models.PipelineMetric) int {
		return cmp.Compare(slices.Index(stages, a.Stage), slices.Index(stages, b.Stage))
	})
	return metrics, err
}
