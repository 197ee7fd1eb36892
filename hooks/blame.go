package hooks

import (
	"errors"

	"gorm.io/gorm/clause"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// parents are the foreign keys of the tables that have one.
var parents = map[string]struct{ column, constraint string }{
	"collision_detection": {"session_id", "fk_workflow_sessions_collisions"},
	"pipeline_metrics":    {"execution_id", "fk_receipts_metrics"},
	"slo_violations":      {"execution_id", "fk_receipts_violations"},
}

// blame completes the error of a refused write with what the database did not say:
// SQLite names no foreign key, PostgreSQL no column of a value that is out of range,
// and neither the value that a CHECK refused. r is the row if there was just one.
func (w *write) blame(r row) {
	blame(w.db.Error, w.table, w.key)
	var e *models.Error
	if !errors.As(w.db.Error, &e) || e.Value != nil || e.Table != w.table {
		return
	}
	if rows := given(w.db.Statement.Dest); len(rows) == 1 {
		if v, ok := rows[0][e.Column]; ok {
			if _, computed := v.(clause.Expression); !computed {
				e.Value = v
			}
			return
		}
	}
	nameValue(w.db.Error, w.table, r)
}

// blame names the table, and the key that a foreign key is about.
func blame(err error, table, key string) {
	var e *models.Error
	if !errors.As(err, &e) || e.Table != "" {
		return
	}
	switch e.Kind {
	case models.ErrInvalid:
		e.Table = table
	case models.ErrForeignKey:
		e.Table, e.Column = table, key
		if parent, child := parents[table]; child {
			e.Column, e.Constraint, e.Reason = parent.column, parent.constraint, "the row names a parent that does not exist"
		}
	}
}

// nameValue adds the offending value to an error that knows only its column.
func nameValue(err error, table string, r row) {
	var e *models.Error
	if errors.As(err, &e) && e.Value == nil && e.Table == table {
		if v, ok := r[e.Column]; ok {
			e.Value = v
		}
	}
}
