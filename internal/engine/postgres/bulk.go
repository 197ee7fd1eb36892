package postgres

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// bulk implements backend.Bulk for a schema of a server.
type bulk struct{ write, read *sql.DB }

// Same implements backend.Bulk. It compares the start time of the server and the ids of
// database and schema, since a server can have several names.
func (b *bulk) Same(ctx context.Context, other backend.Bulk) (bool, error) {
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

// Snapshot implements backend.Bulk.
func (b *bulk) Snapshot(ctx context.Context) (backend.Snapshot, error) {
	return backend.NewSession(ctx, b.read, dialect{}, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", unlimited)
}

// Begin implements backend.Bulk.
func (b *bulk) Begin(ctx context.Context) (backend.Writer, error) {
	return backend.NewSession(ctx, b.write, dialect{}, "BEGIN ISOLATION LEVEL READ COMMITTED", unlimited)
}

// unlimited turns timeouts off: one statement reads a whole table at the pace of its consumer.
const unlimited = "SELECT set_config('statement_timeout', '0', true), set_config('idle_in_transaction_session_timeout', '0', true)"

// dialect implements backend.Dialect for PostgreSQL.
type dialect struct{}

func (dialect) Placeholder(n int) string { return fmt.Sprintf("$%d", n) }

func (dialect) Expression(c schema.Column) string {
	if c.JSON {
		return c.Name + "::text"
	}
	return c.Name
}

func (dialect) Translate(err error) error { return translate(err) }

// Member implements backend.Dialect with the expression of the indexes in schema.sql.
func (dialect) Member(column, key string) string { return column + " ->> '" + key + "'" }

// Value implements backend.Dialect. It rejects times outside the years of ISO 8601.
func (dialect) Value(c schema.Column, v any) (any, error) {
	switch v := v.(type) {
	case int64, float64:
		return v, nil
	case string:
		if c.Kind != schema.Time { // infinity
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

// Argument implements backend.Dialect. It rejects escapes that the type json accepts but its
// operators, and with them the view recent_executions, do not.
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

// Insert implements backend.Dialect. It uses COPY and advances the counter of the identity
// column, so that the table accepts new rows after every batch.
func (dialect) Insert(ctx context.Context, s *backend.Session, t *schema.Table, rows []schema.Row) error {
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

// Reserve implements backend.Dialect. It never lowers the counter.
func (dialect) Reserve(ctx context.Context, s *backend.Session, t *schema.Table, id int64) error {
	const raise = `SELECT setval(counter, $1) FROM (SELECT pg_get_serial_sequence($2, $3)::regclass AS counter) c
		WHERE counter IS NOT NULL AND coalesce(pg_sequence_last_value(counter), 0) < $1`
	_, err := s.Conn.ExecContext(ctx, raise, id, t.Name, t.Columns[t.Key[0]].Name)
	return err
}
