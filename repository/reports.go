package repository

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Reports answers the questions of the views, and the usual ones about them.
type Reports struct{ h Handle }

// RecentExecutions is the newest 100 executions with the number of their audit
// entries and violations, newest first.
func (r *Reports) RecentExecutions(ctx context.Context) ([]models.RecentExecution, error) {
	rows := []models.RecentExecution{}
	err := r.h.read(ctx).Order("timestamp DESC, id DESC").Find(&rows).Error
	return rows, err
}

// recentFailures is how many RecentFailures returns if the caller does not say.
const recentFailures = 10

// RecentFailures is the failed ones among RecentExecutions, newest first and at most
// limit rows, 10 if 0. Errors: models.ErrInvalid for a negative limit or one above MaxLimit.
func (r *Reports) RecentFailures(ctx context.Context, limit int) ([]models.RecentExecution, error) {
	if limit == 0 {
		limit = recentFailures
	}
	limit, err := Page{Limit: limit}.limit("recent_executions")
	if err != nil {
		return nil, err
	}
	rows := []models.RecentExecution{}
	err = r.h.read(ctx).Where("status = ?", models.ReceiptFailed).Order("timestamp DESC, id DESC").Limit(limit).Find(&rows).Error
	return rows, err
}

// AgentPerformance is one row an agent, over all its receipts; the one with the most
// passed executions first.
func (r *Reports) AgentPerformance(ctx context.Context) ([]models.AgentPerformance, error) {
	rows := []models.AgentPerformance{}
	err := r.h.read(ctx).Order("successful_executions DESC, agent_id").Find(&rows).Error
	return rows, err
}

// StagePerformance is one row a stage that was ever timed, in the order of the stages.
func (r *Reports) StagePerformance(ctx context.Context) ([]models.StagePerformance, error) {
	rows := []models.StagePerformance{}
	if err := r.h.read(ctx).Find(&rows).Error; err != nil {
		return nil, err
	}
	stages := models.Stages()
	slices.SortFunc(rows, func(a, b models.StagePerformance) int {
		return cmp.Compare(slices.Index(stages, a.Stage), slices.Index(stages, b.Stage))
	})
	return rows, nil
}

// Bottlenecks is StagePerformance with the slowest stage by average first.
func (r *Reports) Bottlenecks(ctx context.Context) ([]models.StagePerformance, error) {
	rows, err := r.StagePerformance(ctx)
	slices.SortStableFunc(rows, func(a, b models.StagePerformance) int {
		return cmp.Compare(b.AvgDurationMS, a.AvgDurationMS)
	})
	return rows, err
}

// ViolationsLastWeek is Violations.SummaryByMetric of the last seven days.
func (r *Reports) ViolationsLastWeek(ctx context.Context) ([]ViolationSummary, error) {
	return (&Violations{r.h}).SummaryByMetric(ctx, r.h.now().AddDate(0, 0, -7), time.Time{})
}

// CollisionsLastDay is Collisions.Summary of the last 24 hours.
func (r *Reports) CollisionsLastDay(ctx context.Context) ([]CollisionSummary, error) {
	return (&Collisions{r.h}).Summary(ctx, r.h.now().Add(-24*time.Hour), time.Time{})
}
