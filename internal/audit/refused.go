package audit

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/internal/scope"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Refusal is a write that was refused.
type Refusal struct {
	Table   *schema.Table
	Action  Action
	Records []schema.Record                 // the models to be written; nil if unknown
	Given   func(column string) (any, bool) // the values of a map to be written; nil for none
	At      time.Time
	Start   time.Time
	Err     error
}

// Refused returns the failed entry of a refusal. It completes the error with facts that the
// database did not state: SQLite does not name the foreign key, PostgreSQL not the column of
// a value out of range, and neither the value that a CHECK rejected.
func (l *Log) Refused(ctx context.Context, r Refusal) Entry {
	c := Change{Table: r.Table, Action: r.Action}
	agent := scope.Actor(ctx)
	if len(r.Records) > 0 && agent == "" {
		agent = r.Records[0].Agent()
	}
	if len(r.Records) == 1 {
		c.New = r.Records[0].Row()
	}
	r.complete(c.New)
	ev := event{agent: orSystem(agent), at: r.At, took: time.Since(r.Start), execution: refuse.CleanKey(scope.Execution(ctx))}
	message := l.Redact.Text(refuse.Clean(r.Err.Error()))
	document, err := contextJSON(c, ev.execution, l.Redact, "")
	if err != nil {
		document = "{}"
	}
	return newEntry(ev, r.Table.Name+"."+string(r.Action), models.AuditFailed, message, document)
}

// complete adds the table, column and value to the error. row is nil unless it was one.
func (r Refusal) complete(row schema.Row) {
	var e *models.Error
	if !errors.As(r.Err, &e) {
		return
	}
	if e.Table == "" {
		switch {
		case errors.Is(e.Kind, models.ErrInvalid):
			e.Table = r.Table.Name
		case errors.Is(e.Kind, models.ErrForeignKey):
			e.Table, e.Column = r.Table.Name, r.Table.NaturalKey
			if parent := r.Table.Parent; parent.Column != "" {
				e.Column, e.Constraint, e.Reason = parent.Column, parent.Constraint, "the row names a parent that does not exist"
			}
		}
	}
	if e.Value != nil || e.Table != r.Table.Name {
		return
	}
	if r.Given != nil {
		if v, ok := r.Given(e.Column); ok {
			e.Value = v
			return
		}
	}
	if i := r.Table.Index(e.Column); i >= 0 && row != nil {
		e.Value = row[i]
	}
}

// WriteFailed writes failed entries outside of any transaction. They report errors and must
// not hide them, so an error here only reaches the logger.
func (l *Log) WriteFailed(ctx context.Context, pool gorm.ConnPool, failed ...Entry) {
	for _, e := range failed {
		if err := l.insertEntries(ctx, pool, []Entry{e}); err != nil && !errors.Is(err, sql.ErrConnDone) {
			l.log.Error(ctx, "tier2: a failed audit entry could not be written: %v", err)
		}
	}
}
