package postgres

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	"github.com/seanchatmangpt/ggen/tier2/internal/engine/dialect"
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
	return backend.NewSession(ctx, b.read, rowSQL{}, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", unlimited)
}

// Begin implements backend.Bulk.
func (b *bulk) Begin(ctx context.Context) (backend.Writer, error) {
	return backend.NewSession(ctx, b.write, rowSQL{}, "BEGIN ISOLATION LEVEL READ COMMITTED", unlimited)
}

// unlimited turns timeouts off: one statement reads a whole table at the pace of its consumer.
const unlimited = "SELECT set_config('statement_timeout', '0', true), set_config('idle_in_transaction_session_timeout', '0', true)"

// rowSQL implements backend.Dialect for PostgreSQL.
type rowSQL struct{}

func (rowSQL) SQL() *dialect.Dialect { return dialect.For("postgres") }

func (rowSQL) Expression(c schema.Column) string {
	if c.JSON {
		return c.Name + "::text"
	}
	return c.Name
}

func (rowSQL) Translate(err error) error { return translate(err) }

// Value implements backend.Dialect. It rejects times outside the years of ISO 8601.
func (rowSQL) Value(c schema.Column, v any) (any, error) {
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
func (rowSQL) Argument(c schema.Column, v any) (any, error) {
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
func (rowSQL) Insert(ctx context.Context, s *backend.Session, t *schema.Table, rows []schema.Row) error {
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
func (rowSQL) Reserve(ctx context.Context, s *backend.Session, t *schema.Table, id int64) error {
	const raise = `SELECT setval(counter, $1) FROM (SELECT pg_get_serial_sequence($2, $3)::regclass AS counter) c
		WHERE counter IS NOT NULL AND coalesce(pg_sequence_last_value(counter), 0) < $1`
	_, err := s.Conn.ExecContext(ctx, raise, id, t.Name, t.Columns[t.Key[0]].Name)
	return err
}

// Settle implements backend.Dialect. A transaction locks the table before it takes an id, so
// all ids up to the counter are settled when the transactions that hold the lock after the
// counter was read have ended. Other transactions may insert meanwhile.
func (rowSQL) Settle(ctx context.Context, s *backend.Session, t *schema.Table) (int64, error) {
	const lock = `SELECT pg_advisory_xact_lock(hashtextextended('tier2_settle ' || $1::text::regclass::oid, 0))`
	if _, err := s.Conn.ExecContext(ctx, lock, t.Name); err != nil {
		return 0, err
	}
	var last sql.NullInt64
	var timeout time.Duration // in milliseconds; 0 for none
	const counter = `SELECT pg_sequence_last_value(pg_get_serial_sequence($1, $2)::regclass),
		(SELECT setting::bigint FROM pg_settings WHERE name = 'lock_timeout')`
	if err := s.Conn.QueryRowContext(ctx, counter, t.Name, t.Columns[t.Key[0]].Name).Scan(&last, &timeout); err != nil {
		return 0, err
	}
	pending, err := writers(ctx, s.Conn, t.Name)
	for since := time.Now(); err == nil && len(pending) > 0; {
		if timeout > 0 && time.Since(since) > timeout*time.Millisecond {
			return 0, &models.Error{Table: t.Name, Kind: models.ErrBusy, Reason: "transactions that have added rows were still under way when the busy timeout ended"}
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
		var now []string
		if now, err = writers(ctx, s.Conn, t.Name); err == nil {
			pending = slices.DeleteFunc(pending, func(id string) bool { return !slices.Contains(now, id) })
		}
	}
	return last.Int64, err
}

// NextID implements backend.Dialect. It takes the lock that Settle waits for.
func (rowSQL) NextID(ctx context.Context, s *backend.Session, t *schema.Table) (id int64, err error) {
	if _, err := s.Conn.ExecContext(ctx, "LOCK TABLE "+t.Name+" IN ROW EXCLUSIVE MODE"); err != nil {
		return 0, err
	}
	err = s.Conn.QueryRowContext(ctx, "SELECT nextval(pg_get_serial_sequence($1, $2))", t.Name, t.Columns[t.Key[0]].Name).Scan(&id)
	return id, err
}

// writers lists the other transactions that hold a lock to write the table.
func writers(ctx context.Context, db backend.Querier, table string) ([]string, error) {
	const holders = `SELECT virtualtransaction FROM pg_catalog.pg_locks
		WHERE locktype = 'relation' AND relation = $1::text::regclass AND granted AND pid IS DISTINCT FROM pg_backend_pid()
		AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
		AND mode IN ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')`
	return backend.Texts(ctx, db, holders, table)
}
