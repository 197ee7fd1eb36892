package repository

import (
	"context"
	"database/sql"
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

// executions are the receipts that f chooses, on a handle that may be used again.
func (r *Reports) executions(ctx context.Context, f ReportFilter) (*gorm.DB, error) {
	l, err := (&Receipts{r.h}).filter(ctx, ReceiptFilter{AgentID: f.AgentID, Since: f.Since, Until: f.Until})
	if err != nil {
		return nil, err
	}
	return l.db.Session(&gorm.Session{}), nil
}

// scan calls each for each row of a query, which it is at then.
func scan(q *gorm.DB, each func(rows *sql.Rows) error) error {
	rows, err := q.Rows()
	if err != nil {
		return translated(q, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows); err != nil {
			return translated(q, err)
		}
	}
	return translated(q, rows.Err())
}
