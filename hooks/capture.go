package hooks

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"slices"
	"strconv"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// capture stands in for the connection of one update or delete. When GORM sends the
// statement, it first reads the rows that the WHERE clause names, in the same
// transaction, and has the statement return the rows that it really changed.
type capture struct {
	gorm.ConnPool
	db      *gorm.DB
	dialect *dialect
	action  string
	permit  func(ctx context.Context, pool gorm.ConnPool, rows []row) error // of rows to delete, unless nil
	before  []row
	after   []row
	queried bool // GORM read the RETURNING rows itself, so after must be selected
}

// returning stands on a line of its own: the condition may end in a comment.
const returning = "\nRETURNING *"

// ExecContext implements gorm.ConnPool.
func (c *capture) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if c.action == actionDelete {
		var err error
		if c.permit != nil {
			if query, args, err = c.lockBefore(query, args); err != nil {
				return nil, err
			}
			if err := c.permit(ctx, c.ConnPool, c.before); err != nil {
				return nil, err
			}
		}
		c.before, err = readRows(c.ConnPool.QueryContext(ctx, query+returning, args...))
		return driver.RowsAffected(len(c.before)), err
	}
	query, args, err := c.lockBefore(query, args)
	if err != nil {
		return nil, err
	}
	c.after, err = readRows(c.ConnPool.QueryContext(ctx, query+returning, args...))
	return driver.RowsAffected(len(c.after)), err
}

// QueryContext implements gorm.ConnPool, for a caller's own clause.Returning.
func (c *capture) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	query, args, err := c.lockBefore(query, args)
	if err != nil {
		return nil, err
	}
	c.queried = true
	return c.ConnPool.QueryContext(ctx, query, args...)
}

// lockBefore reads the rows that the condition names. Where other writers are not shut
// out, it locks them and returns the statement for them alone: what meets the condition
// only since then is not changed unseen, just as if the statement had come before.
func (c *capture) lockBefore(query string, args []any) (string, []any, error) {
	where, conditional := c.db.Statement.Clauses["WHERE"]
	var err error
	c.before, err = selectRows(c.db, c.ConnPool, c.dialect.lock, func(s *gorm.Statement) {
		if conditional {
			s.Clauses["WHERE"] = where
			s.Build("WHERE")
		}
	})
	if err != nil || c.dialect.lock == "" {
		return query, args, err
	}
	s := c.db.Statement
	s.Clauses["WHERE"] = clause.Clause{Name: "WHERE", Expression: among{idList(c.before), where.Expression}}
	s.SQL.Reset()
	s.Vars = nil
	s.Build(s.BuildClauses...)
	if delete(s.Clauses, "WHERE"); conditional {
		s.Clauses["WHERE"] = where
	}
	args, err = resolve(s.Vars)
	return s.SQL.String(), args, err
}

// among is a condition, nil for none, for the rows with these ids alone. They are one
// parameter of PostgreSQL's, or each row would make another statement to prepare.
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

// changes says what the statement changed.
func (c *capture) changes(key string) ([]change, error) {
	if c.action == actionDelete {
		deleted := make([]change, len(c.before))
		slices.SortFunc(c.before, byID)
		for i, r := range c.before {
			deleted[i] = change{action: actionDelete, old: r}
		}
		return deleted, nil
	}
	if c.queried {
		var err error
		if c.after, err = selectByID(c.db, c.ConnPool, c.before); err != nil {
			return nil, err
		}
		if len(c.after) < len(c.before) {
			return nil, invalid(tableOf(c.db.Statement), "an update of id with clause.Returning is not supported: the rows it changes could not be recorded")
		}
	}
	return compareMoved(c.before, c.after, key), nil
}

// selectByID reads again those of the rows that are still there.
func selectByID(db *gorm.DB, pool gorm.ConnPool, rows []row) ([]row, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	return selectRows(db, pool, "", func(s *gorm.Statement) {
		_, _ = s.WriteString("WHERE id IN (" + idList(rows) + ")")
	})
}

// idList is what stands in the parentheses of IN.
func idList(rows []row) string {
	if len(rows) == 0 {
		return "NULL"
	}
	ids := make([]string, len(rows))
	for i, r := range rows {
		ids[i] = strconv.FormatInt(r.id(), 10)
	}
	return strings.Join(ids, ",")
}
