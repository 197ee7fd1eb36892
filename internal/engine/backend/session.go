package backend

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine/dialect"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Dialect holds the differences between the engines below a Session.
type Dialect interface {
	SQL() *dialect.Dialect
	// Expression returns what to select for a column.
	Expression(c schema.Column) string
	// Value converts a value of the driver to one of a Row, Argument converts it back.
	Value(c schema.Column, v any) (any, error)
	Argument(c schema.Column, v any) (any, error)
	// Translate converts an error of the driver to a *models.Error.
	Translate(err error) error

	// The methods of Writer that each engine implements itself.
	Insert(ctx context.Context, s *Session, t *schema.Table, rows []schema.Row) error
	Settle(ctx context.Context, s *Session, t *schema.Table) (int64, error)
	NextID(ctx context.Context, s *Session, t *schema.Table) (int64, error)
	Reserve(ctx context.Context, s *Session, t *schema.Table, id int64) error
}

// Session implements Writer and Snapshot over a connection that is in a transaction.
type Session struct {
	Conn *sql.Conn
	Dialect
	done bool
}

// wrapErr translates an error and joins the error of an ended context.
func (s *Session) wrapErr(ctx context.Context, err error) error { return Ended(ctx, s.Translate(err)) }

// NewSession takes a connection from the pool and runs the statements that begin a
// transaction. It replaces connections that died while they were idle.
func NewSession(ctx context.Context, pool *sql.DB, d Dialect, begin ...string) (*Session, error) {
	for dead := 0; ; dead++ {
		conn, err := pool.Conn(ctx)
		if err != nil {
			return nil, (&Session{Dialect: d}).wrapErr(ctx, err)
		}
		s := &Session{Conn: conn, Dialect: d}
		for _, statement := range begin {
			if _, err = conn.ExecContext(ctx, statement); err != nil {
				break
			}
		}
		if err == nil {
			return s, nil
		}
		alive := conn.PingContext(ctx) == nil
		_ = s.Close() // the error of the statement counts
		if alive || ctx.Err() != nil || dead >= pool.Stats().MaxOpenConnections {
			return nil, s.wrapErr(ctx, err)
		}
	}
}

// Close implements Snapshot. A connection that cannot roll back leaves the pool.
func (s *Session) Close() error {
	if s.done {
		return nil
	}
	s.done = true
	ctx, cancel := context.WithTimeout(context.Background(), DefaultBusyTimeout)
	defer cancel()
	_, err := s.Conn.ExecContext(ctx, "ROLLBACK")
	if err != nil && !strings.Contains(err.Error(), "no transaction is active") { // SQLite has rolled back by itself
		_ = s.Conn.Raw(func(any) error { return driver.ErrBadConn }) // returns that error
	}
	return s.Conn.Close()
}

// Commit implements Writer.
func (s *Session) Commit(ctx context.Context) error {
	if _, err := s.Conn.ExecContext(ctx, "COMMIT"); err != nil {
		if err = s.wrapErr(ctx, err); ctx.Err() != nil {
			err = errors.Join(err, ErrOutcome)
		}
		return err
	}
	s.done = true
	return s.Conn.Close()
}

// ErrOutcome says that the outcome of a COMMIT is unknown.
var ErrOutcome = errors.New("the context ended during COMMIT: the transaction may have been committed")

// Delete implements Writer.
func (s *Session) Delete(ctx context.Context, t *schema.Table, column string, values []any) (int64, error) {
	if len(values) == 0 {
		return 0, nil
	}
	result, err := s.Conn.ExecContext(ctx, "DELETE FROM "+t.Name+" WHERE "+column+" IN ("+s.SQL().Places(len(values))+")", values...)
	if err != nil {
		return 0, s.wrapErr(ctx, err)
	}
	return result.RowsAffected()
}

// Settle implements Writer.
func (s *Session) Settle(ctx context.Context, t *schema.Table) (int64, error) {
	id, err := s.Dialect.Settle(ctx, s, t)
	return id, s.wrapErr(ctx, err)
}

// NextID implements Writer.
func (s *Session) NextID(ctx context.Context, t *schema.Table) (int64, error) {
	id, err := s.Dialect.NextID(ctx, s, t)
	return id, s.wrapErr(ctx, err)
}

// Reserve implements Writer.
func (s *Session) Reserve(ctx context.Context, t *schema.Table, id int64) error {
	return s.wrapErr(ctx, s.Dialect.Reserve(ctx, s, t, id))
}

// Insert implements Writer.
func (s *Session) Insert(ctx context.Context, t *schema.Table, rows []schema.Row) error {
	return s.wrapErr(ctx, s.Dialect.Insert(ctx, s, t, rows))
}

// Update implements Writer.
func (s *Session) Update(ctx context.Context, t *schema.Table, rows []schema.Row) error {
	var set, key []string
	for _, c := range t.Columns {
		set = append(set, c.Name+" = "+s.SQL().Placeholder(len(set)+1))
	}
	for _, name := range t.KeyNames() {
		key = append(key, name+" = "+s.SQL().Placeholder(len(set)+len(key)+1))
	}
	query := "UPDATE " + t.Name + " SET " + strings.Join(set, ", ") + " WHERE " + strings.Join(key, " AND ")
	for _, row := range rows {
		args, err := s.Arguments(t, row)
		if err == nil {
			_, err = s.Conn.ExecContext(ctx, query, append(args, t.KeyOf(args)...)...)
		}
		if err != nil {
			return s.wrapErr(ctx, err)
		}
	}
	return nil
}

// Arguments converts a row to arguments of the driver.
func (s *Session) Arguments(t *schema.Table, row schema.Row) (args []any, err error) {
	args = make([]any, len(row))
	for i, v := range row {
		if v == nil {
			continue
		}
		if args[i], err = s.Argument(t.Columns[i], v); err != nil {
			return nil, fmt.Errorf("%s.%s: %w", t.Name, t.Columns[i].Name, err)
		}
	}
	return args, nil
}

// Count implements Snapshot.
func (s *Session) Count(ctx context.Context, t *schema.Table) (n int64, err error) {
	err = s.Conn.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+t.Name).Scan(&n)
	return n, s.wrapErr(ctx, err)
}

// Rows implements Snapshot.
func (s *Session) Rows(ctx context.Context, t *schema.Table, after, upTo []any) iter.Seq2[schema.Row, error] {
	where, args, err := s.bounds(t, after, upTo)
	return s.read(ctx, t, where+" ORDER BY "+t.KeyTitle(), args, err)
}

// Page implements Snapshot.
func (s *Session) Page(ctx context.Context, t *schema.Table, r Range) ([]schema.Row, error) {
	order := t.KeyTitle()
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
		expression = s.SQL().ContextMember(by.Member)
	}
	where := " WHERE " + expression + " IN (" + s.SQL().Places(len(values)) + ") ORDER BY " + t.KeyTitle()
	if by.Lock && !s.SQL().Exclusive() {
		where += " FOR UPDATE"
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

// read yields the rows of a table, or err; rest follows the name of the table in the query.
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
			yield(nil, s.wrapErr(ctx, err))
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
				yield(nil, s.wrapErr(ctx, err))
				return
			}
			if !yield(row, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(nil, s.wrapErr(ctx, err))
		}
	}
}

// bounds returns the WHERE clause of a range.
func (s *Session) bounds(t *schema.Table, after, upTo []any) (where string, args []any, err error) {
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
			places[i] = s.SQL().Placeholder(len(args))
		}
		bounds = append(bounds, fmt.Sprintf("(%s) %s (%s)", t.KeyTitle(), operator, strings.Join(places, ", ")))
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
			return nil, &models.Error{
				Table: t.Name, Column: t.Columns[i].Name, Value: v, Kind: models.ErrCorrupt, Err: err,
				Reason: fmt.Sprintf("cannot be read as %s in row %s", t.Columns[i].Kind, t.KeyText(values)),
			}
		}
	}
	return row, nil
}

// Querier is a pool, a connection or a transaction.
type Querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Each scans each row of a query into dest and calls f. If db is a pool with one connection, f
// must not query it.
func Each(ctx context.Context, db Querier, dest []any, f func(), query string, args ...any) error {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		f()
	}
	return rows.Err()
}

// Texts returns the only column of a query.
func Texts(ctx context.Context, db Querier, query string, args ...any) (list []string, err error) {
	var text string
	err = Each(ctx, db, []any{&text}, func() { list = append(list, text) }, query, args...)
	return list, err
}

// Ended joins the error of the context to err if the context has ended, since drivers do not
// always return it.
func Ended(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil && !errors.Is(err, ctx.Err()) {
		return errors.Join(ctx.Err(), err)
	}
	return err
}
