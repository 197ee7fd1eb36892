package audit

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine/dialect"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// insertSizes are the numbers of rows of one INSERT. They are few, so that statements stay
// prepared. SQLite allows 32,766 parameters in one statement, PostgreSQL 65,535.
var insertSizes = [...]int{64, 32, 16, 8, 4, 2, 1}

// insertion is one INSERT.
type insertion struct {
	dialect *dialect.Dialect
	table   *schema.Table
	rows    int
	given   bool // the rows bring their ids
	ids     bool // the statement returns the new ids
}

// insert inserts rows of one table, in order. Rows whose id is 0 or nil get a new one, and
// setID, unless nil, receives it.
func (l *Log) insert(ctx context.Context, pool gorm.ConnPool, t *schema.Table, rows []schema.Row, setID func(i int, id int64)) error {
	for start := 0; start < len(rows); {
		given, left := rows[start].ID() != 0, 1
		for start+left < len(rows) && left < insertSizes[0] && (rows[start+left].ID() != 0) == given {
			left++
		}
		size := 0
		for _, size = range insertSizes {
			if size <= left {
				break
			}
		}
		stmt := insertion{l.Dialect, t, size, given, setID != nil && !given}
		n, err := stmt.run(ctx, pool, rows[start:start+size], func(i int, id int64) { setID(start+i, id) })
		if err == nil && n != size {
			err = &models.Error{Table: t.Name, Kind: models.ErrInvalid,
				Reason: fmt.Sprintf("%d of %d rows were not inserted: a trigger of this database ignored them", size-n, size)}
		}
		if err != nil {
			return err
		}
		start += size
	}
	return nil
}

// insertEntries inserts audit entries in their order.
func (l *Log) insertEntries(ctx context.Context, pool gorm.ConnPool, entries []Entry) error {
	rows, setID := make([]schema.Row, len(entries)), (func(int, int64))(nil)
	for i, e := range entries {
		if rows[i] = e.row; e.id != nil {
			setID = func(i int, id int64) {
				if e := entries[i]; e.id != nil {
					*e.id = id
				}
			}
		}
	}
	return l.insert(ctx, pool, auditLog, rows, setID)
}

// run sends the INSERT and returns how many rows it inserted.
func (s insertion) run(ctx context.Context, pool gorm.ConnPool, rows []schema.Row, setID func(i int, id int64)) (int, error) {
	args := s.args(rows)
	if s.ids && s.dialect.ReturningID != "" {
		return s.query(ctx, pool, args, setID)
	}
	result, err := pool.ExecContext(ctx, s.text(), args...)
	if err != nil {
		return 0, err
	}
	n, err := result.RowsAffected()
	if err != nil || !s.ids || n != int64(s.rows) {
		return int(n), err
	}
	last, err := result.LastInsertId()
	for i := range s.rows {
		setID(i, last-n+1+int64(i))
	}
	return s.rows, err
}

// query reads the ids of RETURNING id, in the order of the rows.
func (s insertion) query(ctx context.Context, pool gorm.ConnPool, args []any, setID func(i int, id int64)) (n int, err error) {
	rows, err := pool.QueryContext(ctx, s.text(), args...)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for ; rows.Next(); n++ {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return n, err
		}
		setID(n, id)
	}
	return n, rows.Err()
}

// first is the index of the first column that the INSERT sets: id only if it is given.
func (s insertion) first() int {
	if s.given {
		return 0
	}
	return 1
}

func (s insertion) args(rows []schema.Row) []any {
	args := make([]any, 0, len(rows)*len(s.table.Columns))
	for _, row := range rows {
		args = append(args, row[s.first():]...)
	}
	return args
}

// statements caches the texts of INSERTs whose number of rows is one of insertSizes.
var statements sync.Map

func (s insertion) text() string {
	if text, ok := statements.Load(s); ok {
		return text.(string)
	}
	text := s.build()
	statements.Store(s, text)
	return text
}

// build returns INSERT INTO table (...) VALUES (...), (...).
func (s insertion) build() string {
	var b strings.Builder
	names := s.table.Names()[s.first():]
	fmt.Fprintf(&b, "INSERT INTO %s (%s) VALUES ", s.table.Name, strings.Join(names, ", "))
	n := 0
	for i := range s.rows {
		if i > 0 {
			b.WriteString(", ")
		}
		for j := range names {
			n++
			b.WriteString(map[bool]string{true: "(", false: ", "}[j == 0])
			b.WriteString(s.dialect.Placeholder(n))
		}
		b.WriteByte(')')
	}
	if s.ids {
		b.WriteString(s.dialect.ReturningID)
	}
	return b.String()
}
