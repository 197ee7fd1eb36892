package repository

import (
	"cmp"
	"context"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Reports provides the statistics of the views, and statistics over several tables.
type Reports struct{ h handle }

// ReportFilter selects the executions of a report by the agent and time of their receipts,
// with all their metrics and violations, whenever these were written. It selects collisions
// by their own agents and time. The zero value selects all.
type ReportFilter struct {
	AgentID      string    // matches either agent of a collision
	Since, Until time.Time // Since <= timestamp < Until, UTC; a zero time is no bound
}

// all reports whether f selects everything.
func (f ReportFilter) all() bool { return f.AgentID == "" && f.Since.IsZero() && f.Until.IsZero() }

// executions returns a query of the selected receipts, on a handle that may be used again.
func (r *Reports) executions(ctx context.Context, f ReportFilter) (*gorm.DB, error) {
	l := (&Receipts{r.h}).filter(ctx, ReceiptFilter{AgentID: f.AgentID, Since: f.Since, Until: f.Until})
	return l.db.Session(&gorm.Session{}), l.err
}

// RecentExecutions returns the newest 100 executions with the number of their audit entries
// and violations, newest first.
func (r *Reports) RecentExecutions(ctx context.Context) ([]models.RecentExecution, error) {
	return find[models.RecentExecution](r.h.read(ctx).Order("timestamp DESC, id DESC"))
}

// recentFailures is the default limit of RecentFailures.
const recentFailures = 10

// RecentFailures returns the failed executions among RecentExecutions, newest first, at most
// limit rows, 10 if 0. Errors: models.ErrInvalid for a negative limit and one above MaxLimit.
func (r *Reports) RecentFailures(ctx context.Context, limit int) ([]models.RecentExecution, error) {
	limit, err := bounded("recent_executions", "limit", limit, recentFailures, MaxLimit)
	if err != nil {
		return nil, err
	}
	q := r.h.read(ctx).Where("status = ?", models.ReceiptFailed).Order("timestamp DESC, id DESC").Limit(limit)
	return find[models.RecentExecution](q)
}

// AgentPerformance returns one row per agent, over all its receipts. The agent with the
// most passed executions is first.
func (r *Reports) AgentPerformance(ctx context.Context) ([]models.AgentPerformance, error) {
	return find[models.AgentPerformance](r.h.read(ctx).Order("successful_executions DESC, agent_id"))
}

// StagePerformance returns one row per stage with metrics, in the order of the stages.
func (r *Reports) StagePerformance(ctx context.Context) ([]models.StagePerformance, error) {
	rows, err := find[models.StagePerformance](r.h.read(ctx))
	stages := models.Stages()
	slices.SortFunc(rows, func(a, b models.StagePerformance) int {
		return cmp.Compare(slices.Index(stages, a.Stage), slices.Index(stages, b.Stage))
	})
	return rows, err
}

// Bottlenecks returns StagePerformance sorted by average duration, the slowest stage first.
func (r *Reports) Bottlenecks(ctx context.Context) ([]models.StagePerformance, error) {
	rows, err := r.StagePerformance(ctx)
	slices.SortStableFunc(rows, func(a, b models.StagePerformance) int {
		return cmp.Compare(b.AvgDurationMS, a.AvgDurationMS)
	})
	return rows, err
}

// ViolationsLastWeek returns Violations.SummaryByMetric of the last seven days.
func (r *Reports) ViolationsLastWeek(ctx context.Context) ([]ViolationSummary, error) {
	return (&Violations{r.h}).SummaryByMetric(ctx, r.h.now().AddDate(0, 0, -7), time.Time{})
}

// CollisionsLastDay returns Collisions.Summary of the last 24 hours.
func (r *Reports) CollisionsLastDay(ctx context.Context) ([]CollisionSummary, error) {
	return (&Collisions{r.h}).Summary(ctx, r.h.now().Add(-24*time.Hour), time.Time{})
}
