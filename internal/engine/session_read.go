package engine

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Count implements Snapshot.
func (s *Session) Count(ctx context.Context, t *schema.Table) (n int64, err error) {
	err = s.Conn.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+t.Name).Scan(&n)
	return n, s.told(ctx, err)
}

// Rows implements Snapshot.
func (s *Session) Rows(ctx context.Context, t *schema.Table, after, upTo []any) iter.Seq2[schema.Row, error] {
	where, args, err := s.bounds(t, after, upTo)
	return s.read(ctx, t, where+" ORDER BY "+strings.Join(t.KeyNames(), ", "), args, err)
}

// Page implements Snapshot.
func (s *Session) Page(ctx context.Context, t *schema.Table, r Range) ([]schema.Row, error) {
	order := strings.Join(t.KeyNames(), ", ")
	if r.Descending {
		order = strings.Join(t.KeyNames(), " DESC, ") + " DESC"
	}
	if r.Limit > 0 {
		order += fmt.Sprintf(" LIMIT %d", r.Limit)
	}
	where, args, err := s.bounds(t, r.After, r.UpTo)
	return collect(s.read(ctx, t, where+" ORDER BY "+order, args, err))
}

// Pick implements Snapshot.
func (s *Session) Pick(ctx context.Context, t *schema.Table, by By, values []any) ([]schema.Row, error) {
	if len(values) == 0 {
		return nil, nil
	}
	expression := by.Column
	if by.Member != "" {
		expression = s.Member(by.Column, by.Member)
	}
	where := " WHERE " + expression + " IN (" + s.places(len(values)) + ") ORDER BY " + strings.Join(t.KeyNames(), ", ")
	if by.Lock {
		where += s.ForUpdate()
	}
	return collect(s.read(ctx, t, where, values, nil))
}

func collect(rows iter.Seq2[schema.Row, error]) (list []schema.Row, err error) {
	for row, err := range rows {
		if err != nil {
			return nil, err
		}
		list = append(list, row)
	}
	return list, nil
}

// read yields the rows of a table; rest is what follows its name. An err is yielded.
func (s *Session) read(ctx context.Context, t *schema.Table, rest string, args []any, err error) iter.Seq2[schema.Row, error] {
	return func(yield func(schema.Row, error) bool) {
		columns := make([]string, len(t.Columns))
		for i, c := range t.Columns {
			columns[i] = s.Expression(c)
		}
		var rows *sql.Rows
		if err == nil {
			rows, err = s.Conn.QueryContext(ctx, "SELECT "+strings.Join(columns, ", ")+" FROM "+t.Name+rest, args...)
		}
		if err != nil {
			yield(nil, s.told(ctx, err))
			return
		}
		defer rows.Close()
		values, dest := make([]any, len(t.Columns)), make([]any, len(t.Columns))
		for i := range values {
			dest[i] = &values[i]
		}
		for rows.Next() {
			var row schema.Row
			if err = rows.Scan(dest...); err == nil {
				row, err = s.row(t, values)
			}
			if err != nil {
				yield(nil, s.told(ctx, err))
				return
			}
			if !yield(row, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(nil, s.told(ctx, err))
		}
	}
}

// bounds is the WHERE clause of a range.
func (s *Session) bounds(t *schema.Table, after, upTo []any) (where string, args []any, err error) {
	key := strings.Join(t.KeyNames(), ", ")
	var bounds []string
	bound := func(operator string, values []any) {
		if values == nil {
			return
		}
		places := make([]string, len(values))
		for i, v := range values {
			arg, refused := s.Argument(t.Columns[t.Key[i]], v)
			err = errors.Join(err, refused)
			args = append(args, arg)
			places[i] = s.Placeholder(len(args))
		}
		bounds = append(bounds, fmt.Sprintf("(%s) %s (%s)", key, operator, strings.Join(places, ", ")))
	}
	bound(">", after)
	bound("<=", upTo)
	if len(bounds) > 0 {
		where = " WHERE " + strings.Join(bounds, " AND ")
	}
	return where, args, err
}

func (s *Session) row(t *schema.Table, values []any) (schema.Row, error) {
	row := make(schema.Row, len(values))
	for i, v := range values {
		if v == nil {
			continue
		}
		var err error
		if row[i], err = s.Value(t.Columns[i], v); err != nil && t.Lenient {
			row[i] = Unreadable(fmt.Sprint(v))
		} else if err != nil {
			key := make([]string, len(t.Key))
			for i, k := range t.Key {
				key[i] = fmt.Sprint(values[k])
			}
			return nil, &models.Error{
				Table: t.Name, Column: t.Columns[i].Name, Value: v, Kind: models.ErrCorrupt, Err: err,
				Reason: fmt.Sprintf("cannot be read as %s in row %s", t.Columns[i].Kind, strings.Join(key, ", ")),
			}
		}
	}
	return row, nil
}
