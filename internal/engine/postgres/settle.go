package postgres

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Settle implements backend.Dialect. A transaction locks the table before it takes an id, so
// all ids up to the counter are settled when the transactions that hold the lock after the
// counter was read have ended. Other transactions may insert meanwhile.
func (dialect) Settle(ctx context.Context, s *backend.Session, t *schema.Table) (int64, error) {
	const lock = `SELECT pg_advisory_xact_lock(hashtextextended('tier2_settle ' || $1::text::regclass::oid, 0))`
	if _, err := s.Conn.ExecContext(ctx, lock, t.Name); err != nil {
		return 0, err
	}
	var last sql.NullInt64
	const counter = `SELECT pg_sequence_last_value(pg_get_serial_sequence($1, $2)::regclass)`
	if err := s.Conn.QueryRowContext(ctx, counter, t.Name, t.Columns[t.Key[0]].Name).Scan(&last); err != nil {
		return 0, err
	}
	var timeout string
	if err := s.Conn.QueryRowContext(ctx, "SELECT setting FROM pg_settings WHERE name = 'lock_timeout'").Scan(&timeout); err != nil {
		return 0, err
	}
	limit, err := time.ParseDuration(timeout + "ms")
	if err != nil {
		return 0, err
	}
	pending, err := writers(ctx, s.Conn, t.Name)
	for since := time.Now(); err == nil && len(pending) > 0; {
		if limit > 0 && time.Since(since) > limit {
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

// ForUpdate implements backend.Dialect.
func (dialect) ForUpdate() string { return " FOR UPDATE" }

// NextID implements backend.Dialect. It takes the lock that Settle waits for.
func (dialect) NextID(ctx context.Context, s *backend.Session, t *schema.Table) (id int64, err error) {
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
