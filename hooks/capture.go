package hooks

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"slices"
	"strconv"
	"strings"

	"gorm.io/gorm"
)

// capture stands in for the connection of one update or delete. When GORM sends the
// statement, it first reads the rows that the WHERE clause names, in the same
// transaction, and has the statement return the rows that it really changed.
type capture struct {
	gorm.ConnPool
	db      *gorm.DB
	dialect *dialect
	action  string
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
		c.before, err = readRows(c.ConnPool.QueryContext(ctx, query+returning, args...))
		return driver.RowsAffected(len(c.before)), err
	}
	err := c.dialect.exact(ctx, c.ConnPool, func() (bool, error) {
		if err := c.readBefore(); err != nil {
			return false, err
		}
		var err error
		c.after, err = readRows(c.ConnPool.QueryContext(ctx, query+returning, args...))
		return len(c.after) <= len(c.before), err
	})
	return driver.RowsAffected(len(c.after)), err
}

// QueryContext implements gorm.ConnPool, for a caller's own clause.Returning.
func (c *capture) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if err := c.readBefore(); err != nil {
		return nil, err
	}
	c.queried = true
	return c.ConnPool.QueryContext(ctx, query, args...)
}

func (c *capture) readBefore() (err error) {
	c.before, err = selectRows(c.db, c.ConnPool, c.dialect.lock, func(s *gorm.Statement) {
		if where, ok := c.db.Statement.Clauses["WHERE"]; ok {
			s.Clauses["WHERE"] = where
			s.Build("WHERE")
		}
	})
	return err
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
	ids := make([]string, len(rows))
	for i, r := range rows {
		ids[i] = strconv.FormatInt(r.id(), 10)
	}
	return selectRows(db, pool, "", func(s *gorm.Statement) {
		_, _ = s.WriteString("WHERE id IN (" + strings.Join(ids, ",") + ")")
	})
}
