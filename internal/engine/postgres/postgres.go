// Package postgres opens a tier2 database on a PostgreSQL server: a pool that writes
// and a pool that only reads, over pgx. The tables are in the first schema of the
// search_path.
package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// idleTime is how long a connection that nobody uses stays open.
const idleTime = 5 * time.Minute

// Open opens the database at a postgres:// URL, makes the schema if it is not there,
// and upgrades it if it is older, in one transaction; of several processes one does
// it. No error shows the password.
func Open(ctx context.Context, cfg engine.Config) (*engine.Handles, error) {
	cfg.Fill()
	server, err := parse(cfg.DSN)
	if err != nil {
		return nil, err
	}
	handles, err := open(ctx, cfg, server)
	if err != nil {
		if ctx.Err() != nil && !errors.Is(err, ctx.Err()) {
			err = errors.Join(ctx.Err(), err)
		}
		return nil, fmt.Errorf("open %s: %w", where(server), translate(err))
	}
	return handles, nil
}

func open(ctx context.Context, cfg engine.Config, server *pgx.ConnConfig) (_ *engine.Handles, err error) {
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
	h := &engine.Handles{
		Kept: true, Writers: cfg.Readers, Bulk: &bulk{write, read},
		Adding:   func(ctx context.Context) ([]string, error) { return writers(ctx, read, "audit_log") },
		Maintain: func(ctx context.Context, done engine.Done) error { return vacuum(ctx, write, done) },
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

// openPool is a pool of up to Readers connections. What a session needs is sent when
// it starts, so that every connection has it and none costs a round trip.
func openPool(cfg engine.Config, server *pgx.ConnConfig, readOnly string) *sql.DB {
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

// closePool closes a pool; a connection that was lost is closed already.
func closePool(db *sql.DB) error {
	if err := db.Close(); !lost(err) {
		return err
	}
	return nil
}

// suspicious chooses the connections that are asked, before they are used again,
// whether they still live, so that a call after a restart of the server finds one that does.
func suspicious(_ context.Context, p stdlib.ShouldPingParams) bool {
	return p.IdleDuration > time.Second || readable(p.Conn.PgConn().Conn())
}

// timesInUTC makes pgx give times in UTC and not in the zone of this machine.
func timesInUTC(_ context.Context, conn *pgx.Conn) error {
	conn.TypeMap().RegisterType(&pgtype.Type{
		Name: "timestamptz", OID: pgtype.TimestamptzOID, Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
	})
	return nil
}

// openGORM wraps a pool. GORM's own ping would not end with the context, and migrate
// has shown that the server answers.
func openGORM(cfg engine.Config, db *sql.DB) (*gorm.DB, error) {
	return gorm.Open(newDialector(pool{db}), &gorm.Config{
		TranslateError:       true,
		DisableAutomaticPing: true,
		NowFunc:              cfg.Clock,
		Logger:               cfg.Logger,
	})
}

// refuse is an error of kind ErrInvalid.
func refuse(format string, args ...any) error {
	return &models.Error{Reason: fmt.Sprintf(format, args...), Kind: models.ErrInvalid}
}

// backup says how a server is backed up; docs/operations.md has these lines.
func backup(context.Context, string, func(context.Context, string) error) error {
	return refuse("PostgreSQL is backed up by its own tool: " +
		"pg_dump --format=custom --no-owner --no-privileges --schema=SCHEMA --file=tier2.dump DATABASE; " +
		"or its rows are copied to a file: tier2 copy --from DATABASE --to FILE")
}

// vacuum does for each table what autovacuum does in time: makes room of dead rows, and
// refreshes the statistics of the query planner. A table that another such command
// holds is passed over.
func vacuum(ctx context.Context, db *sql.DB, done engine.Done) error {
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
