package engine

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"

	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
)

// Dialect is what differs between the engines below a Session.
type Dialect interface {
	Placeholder(n int) string                                                         // of the nth argument, from 1
	Expression(c schema.Column) string                                                // what to select for a column
	Value(c schema.Column, v any) (any, error)                                        // what the driver gave, as a Row has it
	Argument(c schema.Column, v any) (any, error)                                     // the reverse
	Member(column, key string) string                                                 // a member of the JSON object in a column, as text
	Insert(ctx context.Context, s *Session, t *schema.Table, rows []schema.Row) error // Writer's
	Settle(ctx context.Context, s *Session, t *schema.Table) (int64, error)           // likewise
	NextID(ctx context.Context, s *Session, t *schema.Table) (int64, error)           // likewise
	Reserve(ctx context.Context, s *Session, t *schema.Table, id int64) error         // likewise
	ForUpdate() string                                                                // what ends a SELECT that locks its rows
	Translate(err error) error
}

// Session is a Writer, or a Snapshot, over a connection that is in a transaction.
type Session struct {
	Conn *sql.Conn
	Dialect
	done bool
}

// told is an error as callers get it: translated, and with the end of the context, should
// the connection have ended with it.
func (s *Session) told(ctx context.Context, err error) error {
	err = s.Translate(err)
	if err != nil && ctx.Err() != nil && !errors.Is(err, ctx.Err()) {
		return errors.Join(ctx.Err(), err)
	}
	return err
}

// NewSession takes a connection and runs statements that begin a transaction. A
// connection that died while it was idle is replaced.
func NewSession(ctx context.Context, pool *sql.DB, d Dialect, begin ...string) (*Session, error) {
	for dead := 0; ; dead++ {
		conn, err := pool.Conn(ctx)
		if err != nil {
			return nil, (&Session{Dialect: d}).told(ctx, err)
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
		s.Close()
		if alive || ctx.Err() != nil || dead >= pool.Stats().MaxOpenConnections {
			return nil, s.told(ctx, err)
		}
	}
}

// Close implements Snapshot. A connection that cannot roll back is not used again.
func (s *Session) Close() error {
	if s.done {
		return nil
	}
	s.done = true
	ctx, cancel := context.WithTimeout(context.Background(), DefaultBusyTimeout)
	defer cancel()
	_, err := s.Conn.ExecContext(ctx, "ROLLBACK")
	if err != nil && !strings.Contains(err.Error(), "no transaction is active") { // SQLite has rolled back by itself
		s.Conn.Raw(func(any) error { return driver.ErrBadConn })
	}
	return s.Conn.Close()
}

// Commit implements Writer.
func (s *Session) Commit(ctx context.Context) error {
	if _, err := s.Conn.ExecContext(ctx, "COMMIT"); err != nil {
		return s.told(ctx, err)
	}
	s.done = true
	return s.Conn.Close()
}

// Delete implements Writer.
func (s *Session) Delete(ctx context.Context, t *schema.Table, column string, values []any) (int64, error) {
	if len(values) == 0 {
		return 0, nil
	}
	result, err := s.Conn.ExecContext(ctx, "DELETE FROM "+t.Name+" WHERE "+column+" IN ("+s.places(len(values))+")", values...)
	if err != nil {
		return 0, s.told(ctx, err)
	}
	return result.RowsAffected()
}

// Settle implements Writer.
func (s *Session) Settle(ctx context.Context, t *schema.Table) (int64, error) {
	id, err := s.Dialect.Settle(ctx, s, t)
	return id, s.told(ctx, err)
}

// NextID implements Writer.
func (s *Session) NextID(ctx context.Context, t *schema.Table) (int64, error) {
	id, err := s.Dialect.NextID(ctx, s, t)
	return id, s.told(ctx, err)
}

// Reserve implements Writer.
func (s *Session) Reserve(ctx context.Context, t *schema.Table, id int64) error {
	return s.told(ctx, s.Dialect.Reserve(ctx, s, t, id))
}

// places are n placeholders.
func (s *Session) places(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = s.Placeholder(i + 1)
	}
	return strings.Join(list, ", ")
}

// Insert implements Writer.
func (s *Session) Insert(ctx context.Context, t *schema.Table, rows []schema.Row) error {
	return s.told(ctx, s.Dialect.Insert(ctx, s, t, rows))
}

// Update implements Writer.
func (s *Session) Update(ctx context.Context, t *schema.Table, rows []schema.Row) error {
	var set, key []string
	for i, c := range t.Columns {
		set = append(set, c.Name+" = "+s.Placeholder(i+1))
	}
	for _, k := range t.Key {
		key = append(key, t.Columns[k].Name+" = "+s.Placeholder(k+1))
	}
	query := "UPDATE " + t.Name + " SET " + strings.Join(set, ", ") + " WHERE " + strings.Join(key, " AND ")
	for _, row := range rows {
		args, err := s.Arguments(t, row)
		if err == nil {
			_, err = s.Conn.ExecContext(ctx, query, args...)
		}
		if err != nil {
			return s.told(ctx, err)
		}
	}
	return nil
}

// Arguments are a row as the driver takes it.
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
