package repository

import (
	"context"
	"time"

	"gorm.io/gorm"
)

// ReportFilter chooses the executions that a report is about: those whose receipt has
// that agent and time. Their metrics and violations come with them, whenever those were
// written. A collision has no receipt, but agents and a time of its own. The zero value
// is everything.
type ReportFilter struct {
	AgentID      string    // of a collision: either of the two
	Since, Until time.Time // Since <= timestamp < Until, UTC; a zero time is no bound
}

// all reports whether f leaves nothing out.
func (f ReportFilter) all() bool { return f.AgentID == "" && f.Since.IsZero() && f.Until.IsZero() }

// executions are the receipts that f chooses.
func (r *Reports) executions(ctx context.Context, f ReportFilter) (*gorm.DB, error) {
	l, err := NewReceipts(r.h).filter(ctx, ReceiptFilter{AgentID: f.AgentID, Since: f.Since, Until: f.Until})
	return l.db, err
}

// ofExecutions keeps the rows of q, by execution_id, that belong to what f chooses.
func (r *Reports) ofExecutions(ctx context.Context, q *gorm.DB, f ReportFilter) (*gorm.DB, error) {
	executions, err := r.executions(ctx, f)
	if err != nil || f.all() {
		return q, err
	}
	return q.Where("execution_id IN (?)", executions.Select("execution_id")), nil
}

// scan calls row for each row of a query, with the function that reads it.
func scan(q *gorm.DB, row func(scan func(into ...any) error) error) error {
	rows, err := q.Rows()
	if err != nil {
		return translated(q, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return translated(q, err)
		}
	}
	return translated(q, rows.Err())
}
