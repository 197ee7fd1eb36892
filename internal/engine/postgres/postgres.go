// Package postgres opens a tier2 database on a PostgreSQL server: a pool that writes
// and a pool that only reads, over pgx. The tables are in the first schema of the
// search_path.
package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// idleTime is how long an unused connection stays open.
const idleTime = 5 * time.Minute

// Open opens the database at a postgres:// URL. It creates a missing schema and upgrades an
// older one, each in one transaction and by one process. No error shows the password.
func Open(ctx context.Context, cfg backend.Config) (*backend.Handles, error) {
	cfg.Fill()
	server, err := parse(cfg.DSN)
	if err != nil {
		return nil, err
	}
	handles, err := open(ctx, cfg, server)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", where(server), translate(backend.Ended(ctx, err)))
	}
	return handles, nil
}

func open(ctx context.Context, cfg backend.Config, server *pgx.ConnConfig) (_ *backend.Handles, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	readOnly := ""
	if cfg.ReadOnly {
		readOnly = "on"
	}
	write := openPool(cfg, server, readOnly)
	if err := migrate(ctx, write, cfg); err != nil {
		return nil, errors.Join(translate(err), closePool(write))
	}
	read := openPool(cfg, server, "on")
	h := &backend.Handles{
		Persistent: true, Writers: cfg.Readers, Bulk: &bulk{write, read},
		Adding:   func(ctx context.Context) ([]string, error) { return writers(ctx, read, "audit_log") },
		Maintain: func(ctx context.Context, done backend.Done) error { return vacuum(ctx, write, done) },
		Backup:   backup,
		Close:    func() error { return errors.Join(closePool(read), closePool(write)) },
	}
	if h.Write, err = openGORM(cfg, write); err == nil {
		h.Read, err = openGORM(cfg, read)
	}
	if err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

// Reading opens an existing database to read whole tables. It creates, upgrades and changes
// nothing. The database must have the schema of this version. end closes it.
func Reading(ctx context.Context, dsn string) (_ backend.Bulk, end func() error, err error) {
	server, err := parse(dsn)
	if err != nil {
		return nil, nil, err
	}
	cfg := backend.Config{DSN: dsn}
	cfg.Fill()
	db := openPool(cfg, server, "on")
	now, err := inspect(ctx, db)
	if err == nil && now.version != SchemaVersion {
		err = backend.OtherVersion(now.version, SchemaVersion)
	}
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("read %s: %w", where(server), translate(err)), closePool(db))
	}
	return &bulk{read: db}, func() error { return closePool(db) }, nil
}

// openPool returns a pool of up to Readers connections. Settings are sent when a session
// starts, so that every connection has them without another round trip.
func openPool(cfg backend.Config, server *pgx.ConnConfig, readOnly string) *sql.DB {
	c := server.Copy()
	c.BuildContextWatcherHandler = newInterrupter
	set := func(name, value string) { c.RuntimeParams[name] = value }
	if c.RuntimeParams["application_name"] == "" {
		set("application_name", "tier2")
	}
	set("timezone", "UTC")
	set("lock_timeout", strconv.FormatInt(cfg.BusyTimeout.Milliseconds(), 10))
	if cfg.FullSync {
		set("synchronous_commit", "on")
	}
	if readOnly != "" {
		set("default_transaction_read_only", readOnly)
	}
	db := stdlib.OpenDB(*c, stdlib.OptionAfterConnect(timesInUTC), stdlib.OptionShouldPing(suspicious))
	db.SetMaxOpenConns(cfg.Readers)
	db.SetMaxIdleConns(cfg.Readers)
	db.SetConnMaxIdleTime(idleTime)
	return db
}

// closePool closes a pool. It ignores the errors of lost connections.
func closePool(db *sql.DB) error {
	if err := db.Close(); !lost(err) {
		return err
	}
	return nil
}

// suspicious reports whether to ping a connection before it is reused, so that a call after a
// restart of the server gets a working connection.
func suspicious(_ context.Context, p stdlib.ShouldPingParams) bool {
	return p.IdleDuration > time.Second || readable(p.Conn.PgConn().Conn())
}

// timesInUTC makes pgx return times in UTC instead of the local time zone.
func timesInUTC(_ context.Context, conn *pgx.Conn) error {
	conn.TypeMap().RegisterType(&pgtype.Type{
		Name: "timestamptz", OID: pgtype.TimestamptzOID, Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
	})
	return nil
}

// openGORM wraps a pool.
func openGORM(cfg backend.Config, db *sql.DB) (*gorm.DB, error) {
	return cfg.GORM(&postgres.Dialector{Config: &postgres.Config{Conn: pool{db}}}, translate)
}

// backup returns the error that names pg_dump; docs/operations.md has the same commands.
func backup(context.Context, string, func(context.Context, string) error) error {
	return refuse.Because(models.ErrInvalid, "PostgreSQL is backed up by its own tool: "+
		"pg_dump --format=custom --no-owner --no-privileges --schema=SCHEMA --file=tier2.dump DATABASE; "+
		"or its rows are copied to a file: tier2 copy --from DATABASE --to FILE")
}

// vacuum frees the space of dead rows and refreshes the statistics of the query planner, for
// each table. It skips tables that another such command has locked.
func vacuum(ctx context.Context, db *sql.DB, done backend.Done) error {
	tables := []string{versionTable}
	for _, table := range schema.Tables() {
		tables = append(tables, table.Name)
	}
	for _, table := range tables {
		if _, err := db.ExecContext(ctx, "VACUUM (ANALYZE, SKIP_LOCKED) "+table); err != nil {
			return translate(err)
		}
		done("vacuum and statistics: %s", table)
	}
	return nil
}

// IsDSN reports whether dsn names a PostgreSQL server.
func IsDSN(dsn string) bool {
	return strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
}

// parse reads a connection URI
// (https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS).
// Its errors do not show the URI: any part of a malformed URI may belong to the password, and
// the error of pgx contains the whole URI.
func parse(dsn string) (*pgx.ConnConfig, error) {
	_, rest, ok := strings.Cut(dsn, "://")
	if !ok || !IsDSN(dsn) {
		return nil, refuse.Because(models.ErrInvalid, "the PostgreSQL URL must begin with postgres:// or postgresql://")
	}
	if strings.IndexByte(dsn, 0) >= 0 {
		return nil, refuse.Because(models.ErrInvalid, "the PostgreSQL URL contains a NUL character")
	}
	if at := strings.IndexByte(rest, '@'); at >= 0 && (strings.ContainsAny(rest[:at], "/?#") || strings.Contains(rest[at+1:], "@")) {
		return nil, refuse.Because(models.ErrInvalid,
			"the PostgreSQL URL is ambiguous: write @ : / ? # in a user name or password as %%40 %%3A %%2F %%3F %%23")
	}
	server, err := pgx.ParseConfig(dsn)
	if err != nil {
		for _, part := range []string{
			"invalid port", "sslmode is invalid", "failed to configure TLS", "invalid connect_timeout", "invalid keepalives",
			"cannot parse statement_cache_capacity", "cannot parse default_query_exec_mode",
		} {
			if strings.Contains(err.Error(), "`: "+part) {
				return nil, refuse.Because(models.ErrInvalid, "the PostgreSQL URL cannot be read: %s", part)
			}
		}
		return nil, refuse.Because(models.ErrInvalid,
			"the PostgreSQL URL cannot be read; its form is postgres://user:password@host:5432/database?search_path=schema")
	}
	return server, nil
}

// where returns the name of the database in errors, without the password.
func where(server *pgx.ConnConfig) string {
	return fmt.Sprintf("postgres://%s@%s/%s", server.User, net.JoinHostPort(server.Host, fmt.Sprint(server.Port)), server.Database)
}

// Where returns the name of the database in messages, without the password. Errors:
// models.ErrInvalid for a malformed URL.
func Where(dsn string) (string, error) {
	server, err := parse(dsn)
	if err != nil {
		return "", err
	}
	return where(server), nil
}

// pool is a *sql.DB whose transactions explain a failed COMMIT.
type pool struct{ *sql.DB }

// BeginTx implements gorm.ConnPoolBeginner.
func (p pool) BeginTx(ctx context.Context, opts *sql.TxOptions) (gorm.ConnPool, error) {
	tx, err := p.DB.BeginTx(ctx, opts)
	if err != nil {
		return nil, err
	}
	return &transaction{tx, ctx}, nil
}

// GetDBConn implements gorm.GetDBConnector.
func (p pool) GetDBConn() (*sql.DB, error) { return p.DB, nil }

type transaction struct {
	*sql.Tx
	ctx context.Context
}

// Commit commits. If the reply to COMMIT is lost, the error says that the outcome is unknown.
func (t *transaction) Commit() error {
	ended := t.ctx.Err() != nil
	err := t.Tx.Commit()
	switch {
	case err == nil || ended || pgconn.SafeToRetry(err):
		return err // committed, or COMMIT was not sent
	case lost(err):
		return unavailable("the connection to the server was lost during COMMIT: "+err.Error()+
			"; the transaction may have been committed, look before writing again", err)
	case errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return &models.Error{Reason: "the context ended during COMMIT: the transaction may have been committed, look before writing again", Err: err}
	}
	return err
}

// Rollback rolls back. It ignores a lost connection, for which the server has rolled back.
func (t *transaction) Rollback() error {
	if err := t.Tx.Rollback(); !lost(err) {
		return err
	}
	return nil
}

func unavailable(reason string, err error) error {
	return &models.Error{Kind: models.ErrUnavailable, Reason: reason, Err: err}
}

// writeGrace is how long sending a statement may continue after the end of its context.
const writeGrace = time.Second

// interrupter ends a statement with its context. The handler of pgx sets a deadline in the past
// for writes as well. If it interrupts a write, TLS rejects all later writes, also the message
// that ends the session (https://pkg.go.dev/crypto/tls#Conn.SetWriteDeadline), and the server
// keeps the transaction and its locks until pgx gives up after 15 seconds.
type interrupter struct{ conn *pgconn.PgConn }

// newInterrupter implements pgconn.Config.BuildContextWatcherHandler.
func newInterrupter(conn *pgconn.PgConn) ctxwatch.Handler { return interrupter{conn} }

// HandleCancel implements ctxwatch.Handler.
func (i interrupter) HandleCancel(context.Context) {
	_ = i.conn.Conn().SetWriteDeadline(time.Now().Add(writeGrace))
	_ = i.conn.Conn().SetReadDeadline(time.Unix(1, 0)) // long ago
}

// HandleUnwatchAfterCancel implements ctxwatch.Handler.
func (i interrupter) HandleUnwatchAfterCancel() { _ = i.conn.Conn().SetDeadline(time.Time{}) }
