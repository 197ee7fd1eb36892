package hooks

import (
	"database/sql"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// row is a row of one of the tables, by column. Values are int64, float64, string or
// nil: times are in the text of models.Timestamp.
type row map[string]any

func (r row) text(column string) string {
	s, _ := r[column].(string)
	return s
}

func (r row) id() int64 {
	n, _ := r["id"].(int64)
	return n
}

// readRows reads all rows and closes them.
func readRows(rows *sql.Rows, err error) ([]row, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	var list []row
	for rows.Next() {
		values := make([]any, len(columns))
		dest := make([]any, len(columns))
		for i := range values {
			dest[i] = &values[i]
		}
		if err := rows.Scan(dest...); err != nil {
			return nil, err
		}
		r := make(row, len(columns))
		for i, c := range columns {
			r[c] = plain(values[i])
		}
		list = append(list, r)
	}
	return list, rows.Err()
}

// plain is a driver's value as a row holds it.
func plain(v any) any {
	switch v := v.(type) {
	case []byte:
		return string(v)
	case time.Time:
		return models.At(v).String()
	}
	return v
}

// selectRows reads whole rows of the statement's table through its own pool, where
// condition builds what follows WHERE.
func selectRows(db *gorm.DB, pool gorm.ConnPool, lock string, condition func(*gorm.Statement)) ([]row, error) {
	s := &gorm.Statement{
		DB: db, Table: db.Statement.Table, TableExpr: db.Statement.TableExpr, Schema: db.Statement.Schema, Model: db.Statement.Model,
		Context: db.Statement.Context, ConnPool: pool, ReflectValue: db.Statement.ReflectValue,
		Clauses: map[string]clause.Clause{},
	}
	_, _ = s.WriteString("SELECT * FROM ")
	s.WriteQuoted(clause.Table{Name: clause.CurrentTable})
	_ = s.WriteByte(' ')
	condition(s)
	_, _ = s.WriteString(lock)
	return readRows(pool.QueryContext(s.Context, s.SQL.String(), s.Vars...))
}

// tableOf is the table that a statement writes, without schema, quotes or alias.
func tableOf(s *gorm.Statement) string {
	name := s.Table
	if s.TableExpr != nil {
		built := gorm.Statement{DB: s.DB, Clauses: map[string]clause.Clause{}}
		s.TableExpr.Build(&built)
		if fields := strings.Fields(built.SQL.String()); len(fields) > 0 {
			name = fields[0]
		}
	}
	name = name[strings.LastIndexByte(name, '.')+1:]
	return strings.ToLower(strings.Trim(name, "`\"[]"))
}
