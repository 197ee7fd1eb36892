package hooks

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"strconv"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/seanchatmangpt/ggen/tier2/internal/audit"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
)

// capture is the connection of one update or delete. When GORM sends the statement, capture
// first reads the rows that the WHERE clause selects, in the same transaction, and lets the
// statement return the rows that it changed.
type capture struct {
	gorm.ConnPool
	write  *write
	before audit.Set
	after  audit.Set
	// queried: GORM reads the returned rows itself, for the caller's own clause.Returning,
	// so after must be selected.
	queried bool
}

// returning is on a line of its own, because the condition may end in a comment.
const returning = "\nRETURNING *"

// softDelete notes that a delete is an UPDATE: a field of the caller's type makes it one, such
// as gorm.DeletedAt.
func (c *capture) softDelete() {
	if _, ok := c.write.db.Statement.Clauses["SET"]; ok {
		c.write.action = audit.Update
	}
}

// ExecContext implements gorm.ConnPool.
func (c *capture) ExecContext(ctx context.Context, query string, args ...any) (result sql.Result, err error) {
	c.softDelete()
	if c.write.action == audit.Update {
		if query, args, err = c.lockBefore(query, args); err != nil {
			return nil, err
		}
		c.after, err = c.send(ctx, query, args)
		return driver.RowsAffected(len(c.after.Rows)), err
	}
	if c.write.table.Name == "audit_log" {
		if query, args, err = c.lockBefore(query, args); err != nil {
			return nil, err
		}
		if err := c.write.log.Permit(ctx, c.ConnPool, c.before.Rows, c.write.at); err != nil {
			return nil, err
		}
	}
	c.before, err = c.send(ctx, query, args)
	return driver.RowsAffected(len(c.before.Rows)), err
}

// send sends a statement and reads the rows that it changed.
func (c *capture) send(ctx context.Context, query string, args []any) (audit.Set, error) {
	return audit.Query(ctx, c.ConnPool, c.write.table, query+returning, args...)
}

// QueryContext implements gorm.ConnPool, for a caller's own clause.Returning.
func (c *capture) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	c.softDelete()
	query, args, err := c.lockBefore(query, args)
	if err != nil {
		return nil, err
	}
	c.queried = true
	return c.ConnPool.QueryContext(ctx, query, args...)
}

// lockBefore reads the rows that the condition selects. If other writers are not excluded,
// it locks them and returns the statement for these rows alone. Rows that meet the
// condition only since then stay unchanged, as if the statement had run before.
func (c *capture) lockBefore(query string, args []any) (string, []any, error) {
	s := c.write.db.Statement
	where, conditional := s.Clauses["WHERE"]
	var err error
	c.before, err = c.write.selectWhere(c.ConnPool, where, conditional)
	if err != nil || c.write.log.Dialect.Exclusive() {
		return query, args, err
	}
	s.Clauses["WHERE"] = clause.Clause{Name: "WHERE", Expression: among{idList(c.before.Rows), where.Expression}}
	s.SQL.Reset()
	s.Vars = nil
	if c.write.action == audit.Update {
		s.Build(c.write.db.Callback().Update().Clauses...)
	} else {
		s.Build(c.write.db.Callback().Delete().Clauses...)
	}
	if delete(s.Clauses, "WHERE"); conditional {
		s.Clauses["WHERE"] = where
	}
	return s.SQL.String(), s.Vars, nil
}

// among is a condition, nil for none, for the rows with these ids alone. The ids are one
// parameter, because each number of parameters would be another statement to prepare.
type among struct {
	ids       string
	condition clause.Expression
}

// Build implements clause.Expression. The condition may end in a comment.
func (a among) Build(b clause.Builder) {
	_, _ = b.WriteString("id = ANY(")
	b.AddVar(b, "{"+a.ids+"}")
	_, _ = b.WriteString("::bigint[])")
	if a.condition != nil {
		_, _ = b.WriteString(" AND (")
		a.condition.Build(b)
		_, _ = b.WriteString("\n)")
	}
}

// changes returns what the statement changed.
func (c *capture) changes() ([]audit.Change, error) {
	if c.write.action == audit.Delete {
		return c.before.Deleted(), nil
	}
	if c.queried {
		var err error
		if c.after, err = c.write.selectByID(c.ConnPool, c.before.Rows); err != nil {
			return nil, err
		}
		if len(c.after.Rows) < len(c.before.Rows) {
			return nil, invalid(c.write.table, "an update of id with clause.Returning is not supported: the rows it changes could not be recorded")
		}
	}
	return audit.CompareUpdate(c.before, c.after), nil
}

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
