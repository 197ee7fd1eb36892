package repository

import (
	"context"
	"time"

	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

const violationsTable = "slo_violations"

// Violations reads and writes the table slo_violations.
type Violations struct{ h Handle }

// ViolationSummary is how often a metric missed its target, and by which average.
type ViolationSummary struct {
	Metric         string
	ViolationCount int64
	AvgValue       float64 // of actual_value, in the metric's own unit
}

// Record writes one violation and fills its id and what was empty. Errors:
// models.ErrInvalid, models.ErrForeignKey if no receipt has its execution_id.
func (v *Violations) Record(ctx context.Context, violation *models.SLOViolation) error {
	if violation == nil {
		return invalid(violationsTable, "", nil, "must not be nil")
	}
	schema.Prepare(violation, v.h.now())
	err := insert(ctx, v.h, violation)
	return blame(err, models.ErrForeignKey, violationsTable, "execution_id", violation.ExecutionID, "no receipt has that id")
}

// Check compares measurements, by metric, with the targets of the same metrics, and
// writes and returns the violations in the order of the targets; a measurement
// without a target is none. Errors: models.ErrInvalid for a target or measurement that
// cannot be, models.ErrDuplicate for two targets of a metric, models.ErrNotFound if no receipt has
// that execution_id.
func (v *Violations) Check(ctx context.Context, executionID string, targets []Target, measurements map[string]float64) ([]models.SLOViolation, error) {
	if err := checkTargets(targets); err != nil {
		return nil, err
	}
	if err := checkMeasurements(measurements); err != nil {
		return nil, err
	}
	var missed []models.SLOViolation
	now := v.h.now()
	err := v.h.transaction(ctx, func(tx *gorm.DB) error {
		inside := v.h.in(tx)
		if _, err := (&Receipts{inside}).Get(ctx, executionID); err != nil {
			return err
		}
		if missed = violations(targets, measurements); len(missed) == 0 {
			return nil
		}
		rows := make([]*models.SLOViolation, len(missed))
		for i := range missed {
			missed[i].ExecutionID = executionID
			schema.Prepare(&missed[i], now)
			rows[i] = &missed[i]
		}
		return insert(ctx, inside, rows...)
	})
	if err != nil {
		return nil, err
	}
	return missed, nil
}

// ByExecution is every violation of an execution, oldest first; none is no error.
// Errors: models.ErrInvalid for a blank id.
func (v *Violations) ByExecution(ctx context.Context, executionID string) ([]models.SLOViolation, error) {
	if err := required(violationsTable, "execution_id", executionID); err != nil {
		return nil, err
	}
	rows := []models.SLOViolation{}
	err := v.h.read(ctx).Where("execution_id = ?", executionID).Order("timestamp, id").Find(&rows).Error
	return rows, err
}

// SummaryByMetric counts the violations of a window by metric, the most frequent
// first: since <= timestamp < until, a zero time is no bound. Errors: models.ErrInvalid.
func (v *Violations) SummaryByMetric(ctx context.Context, since, until time.Time) ([]ViolationSummary, error) {
	q, err := between(v.h.read(ctx).Model(&models.SLOViolation{}), violationsTable, "timestamp", since, until)
	if err != nil {
		return nil, err
	}
	summary := []ViolationSummary{}
	err = q.Select("metric, COUNT(*) AS violation_count, AVG(actual_value) AS avg_value").Group("metric").
		Order("violation_count DESC, metric").Find(&summary).Error
	return summary, err
}
