package postgres

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// bulk implements engine.Bulk.
type bulk struct{ write, read *sql.DB }

// Same implements engine.Bulk: by what the server says, since one server has many
// names. Two servers that started in the same microsecond would have to share the
// numbers of database and schema as well.
func (b *bulk) Same(ctx context.Context, other engine.Bulk) (bool, error) {
	o, ok := other.(*bulk)
	if !ok {
		return false, nil
	}
	mine, err := b.identity(ctx)
	if err != nil {
		return false, err
	}
	its, err := o.identity(ctx)
	return err == nil && mine == its, err
}

func (b *bulk) identity(ctx context.Context) (id string, err error) {
	const query = `SELECT concat_ws(' ', pg_postmaster_start_time(), (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()),
		quote_ident(current_schema())::regnamespace::oid)`
	err = b.read.QueryRowContext(ctx, query).Scan(&id)
	return id, translate(err)
}

// Snapshot implements engine.Bulk.
func (b *bulk) Snapshot(ctx context.Context) (engine.Snapshot, error) {
	return engine.NewSession(ctx, b.read, dialect{}, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", unlimited)
}

// Begin implements engine.Bulk.
func (b *bulk) Begin(ctx context.Context) (engine.Writer, error) {
	return engine.NewSession(ctx, b.write, dialect{}, "BEGIN ISOLATION LEVEL READ COMMITTED", unlimited)
}

// unlimited: a table is read by one statement, for as long as its other side takes.
const unlimited = "SELECT set_config('statement_timeout', '0', true), set_config('idle_in_transaction_session_timeout', '0', true)"

// dialect implements engine.Dialect.
type dialect struct{}

func (dialect) Placeholder(n int) string { return fmt.Sprintf("$%d", n) }

func (dialect) Expression(c schema.Column) string {
	if c.JSON {
		return c.Name + "::text"
	}
	return c.Name
}

func (dialect) Translate(err error) error { return translate(err) }

// Member implements engine.Dialect: as the indexes of schema.sql have it.
func (dialect) Member(column, key string) string { return column + " ->> '" + key + "'" }

// Value implements engine.Dialect. Times that ISO 8601 has no year for are refused.
func (dialect) Value(c schema.Column, v any) (any, error) {
	switch v := v.(type) {
	case int64, float64:
		return v, nil
	case string:
		if c.Kind != schema.Time { // which is text where it is infinity
			return v, nil
		}
	case time.Time:
		if y := v.UTC().Year(); y >= 1 && y <= 9999 {
			return schema.Instant{Time: models.At(v).Time}, nil
		}
		return nil, fmt.Errorf("the year %d is none of 1 to 9999", v.UTC().Year())
	}
	return nil, fmt.Errorf("is a %T", v)
}

// Argument implements engine.Dialect. The type json takes escapes that its operators then
// fail on, and with them the view recent_executions: models.JSON refuses those.
func (dialect) Argument(c schema.Column, v any) (any, error) {
	switch v := v.(type) {
	case schema.Instant:
		return v.Time, nil
	case string:
		if c.Kind == schema.JSONText {
			return models.JSON(v).Value()
		}
	}
	return v, nil
}

// Insert implements engine.Dialect: by COPY, and with the identity's counter taken
// along, so that the table takes new rows whenever the copy ends.
func (dialect) Insert(ctx context.Context, s *engine.Session, t *schema.Table, rows []schema.Row) error {
	args := make([][]any, len(rows))
	for i, row := range rows {
		var err error
		if args[i], err = s.Arguments(t, row); err != nil {
			return err
		}
	}
	err := s.Conn.Raw(func(conn any) error {
		_, err := conn.(*stdlib.Conn).Conn().CopyFrom(ctx, pgx.Identifier{t.Name}, t.Names(),
			pgx.CopyFromRows(args))
		return err
	})
	if err != nil || len(t.Key) != 1 {
		return err
	}
	if id, ok := rows[len(rows)-1][t.Key[0]].(int64); ok {
		err = s.Dialect.Reserve(ctx, s, t, id)
	}
	return err
}

// Reserve implements engine.Dialect. Whoever else has gone on further stays there.
func (dialect) Reserve(ctx context.Context, s *engine.Session, t *schema.Table, id int64) error {
	const raise = `SELECT setval(counter, $1) FROM (SELECT pg_get_serial_sequence($2, $3)::regclass AS counter) c
		WHERE counter IS NOT NULL AND coalesce(pg_sequence_last_value(counter), 0) < $1`
	_, err := s.Conn.ExecContext(ctx, raise, id, t.Name, t.Columns[t.Key[0]].Name)
	return err
}
