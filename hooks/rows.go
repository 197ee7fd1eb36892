package hooks

import (
	"strconv"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/seanchatmangpt/ggen/tier2/internal/audit"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
)

// selectRows reads whole rows of the statement's table through a pool. condition builds the
// text behind the table's name.
func (w *write) selectRows(pool gorm.ConnPool, condition func(*gorm.Statement)) (audit.Set, error) {
	of := w.db.Statement
	s := &gorm.Statement{
		DB: w.db, Table: of.Table, TableExpr: of.TableExpr, Schema: of.Schema, Model: of.Model,
		Context: of.Context, ConnPool: pool, ReflectValue: of.ReflectValue,
		Clauses: map[string]clause.Clause{},
	}
	_, _ = s.WriteString("SELECT * FROM ")
	s.WriteQuoted(clause.Table{Name: clause.CurrentTable})
	_ = s.WriteByte(' ')
	condition(s)
	return audit.Query(s.Context, pool, w.table, s.SQL.String(), s.Vars...)
}

// selectWhere reads the rows that meet a WHERE clause, and locks them if other writers are
// not excluded.
func (w *write) selectWhere(pool gorm.ConnPool, where clause.Clause, conditional bool) (audit.Set, error) {
	return w.selectRows(pool, func(s *gorm.Statement) {
		if conditional {
			s.Clauses["WHERE"] = where
			s.Build("WHERE")
		}
		_, _ = s.WriteString(w.log.Dialect.Lock)
	})
}

// selectByID reads again those of the rows that still exist.
func (w *write) selectByID(pool gorm.ConnPool, rows []schema.Row) (audit.Set, error) {
	if len(rows) == 0 {
		return audit.Set{Table: w.table}, nil
	}
	return w.selectRows(pool, func(s *gorm.Statement) {
		_, _ = s.WriteString("WHERE id IN (" + idList(rows) + ")")
	})
}

// idList returns ids as IN takes them between parentheses.
func idList(rows []schema.Row) string {
	if len(rows) == 0 {
		return "NULL"
	}
	ids := make([]string, len(rows))
	for i, r := range rows {
		ids[i] = strconv.FormatInt(r.ID(), 10)
	}
	return strings.Join(ids, ",")
}

// idSet returns the ids of rows.
func idSet(rows []schema.Row) map[int64]bool {
	ids := make(map[int64]bool, len(rows))
	for _, r := range rows {
		ids[r.ID()] = true
	}
	return ids
}
