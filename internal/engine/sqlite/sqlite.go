// Package sqlite opens a tier2 database in SQLite: one connection that writes, in
// immediate transactions, and a pool that reads, both over WAL. With cgo it uses
// github.com/mattn/go-sqlite3, else modernc.org/sqlite, which needs no C compiler.
package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"gorm.io/driver/sqlite"
	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// config adds the steps of Open to a backend.Config.
type config struct{ backend.Config }

// Open opens the database at a path, a file: URI or :memory:. It creates a missing database
// and upgrades an older one to cfg.Schema, each in one transaction. On an error an existing
// database is unchanged, and new files and folders are removed.
func Open(ctx context.Context, cfg backend.Config) (*backend.Handles, error) {
	cfg.Fill()
	where, err := locate(cfg.DSN)
	if err != nil {
		return nil, err
	}
	c := config{cfg}
	handles, err := c.open(ctx, where)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", where, translate(backend.Ended(ctx, err)))
	}
	return handles, nil
}

func (c *config) open(ctx context.Context, where location) (*backend.Handles, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if where.memory != "" {
		return c.connect(ctx, where)
	}
	where.create = where.create && !c.Existing
	undo, err := prepareFile(where, c.ReadOnly)
	var h *backend.Handles
	if err == nil {
		where.place, err = placeOf(where.path)
	}
	if err == nil {
		err = checkFileSystem(filepath.Dir(where.place.wal))
	}
	if err == nil {
		h, err = c.connect(ctx, where)
	}
	if err != nil {
		undo()
	}
	return h, err
}

// connect creates or upgrades the schema and opens the two pools.
func (c *config) connect(ctx context.Context, where location) (_ *backend.Handles, err error) {
	setup := openPool(where.uri("rw"), 1, c.shared()...)
	defer setup.Close() //nolint:errcheck // the pools that stay report errors of the file
	if err := c.migrate(ctx, setup); err != nil {
		return nil, err
	}
	wal := "" // of a file that is only read
	writer := &connector{driver: newDriver(), dsn: where.uri("rw"), pragmas: append(c.shared(), writerCache)}
	switch {
	case c.ReadOnly:
		writer.dsn = where.uri("ro") // clients can undo a pragma
		writer.pragmas = append(writer.pragmas, "query_only(ON)")
		if where.place != nil {
			wal = where.place.wal
		}
		where.place = nil // guards commits only, and the file may have no WAL
	case where.memory == "":
		if err := c.enableWAL(ctx, setup); err != nil {
			return nil, err
		}
		writer.pragmas = append(writer.pragmas, "journal_mode(WAL)")
		writer.place = where.place
	}
	write := writer.pool(1)
	read := openPool(where.uri("ro"), c.Readers, append(c.shared(), readerCache, "query_only(ON)")...)
	h := &backend.Handles{
		Persistent: where.memory == "", Writers: 1, Inserted: new(lastFolds).inserted, Bulk: &bulk{where, write, read},
		Maintain: func(ctx context.Context, done backend.Done) error { return c.maintain(ctx, write, read, done) },
		Backup:   (&source{c, where, read}).backup,
		Close:    func() error { return closePools(write, read, where.place) },
	}
	if c.ReadOnly {
		h.Close = func() error { return errors.Join(read.Close(), write.Close(), tidy(where, wal)) }
	}
	if h.Write, err = c.gorm(ctx, write); err == nil {
		h.Read, err = c.gorm(ctx, read)
	}
	if err == nil && where.place != nil {
		err = where.place.opened()
	}
	if err != nil {
		return nil, errors.Join(err, read.Close(), write.Close())
	}
	return h, nil
}

// Reading opens an existing database to read whole tables. It creates, upgrades and changes
// nothing. The database must have the schema of this version. end closes it.
func Reading(ctx context.Context, dsn string) (_ backend.Bulk, end func() error, err error) {
	where, err := locate(dsn)
	if err != nil {
		return nil, nil, err
	}
	if where.memory != "" {
		return nil, nil, refuse.Value(models.ErrInvalid, dsn, "is no file that could be read")
	}
	if _, err := os.Stat(where.path); errors.Is(err, fs.ErrNotExist) {
		return nil, nil, &models.Error{Value: where.path, Reason: "the file does not exist", Kind: models.ErrNotFound, Err: err}
	}
	// mode=rw for the WAL, as in Verify.
	db := openPool(where.uri("rw"), 1, busyTimeout(backend.DefaultBusyTimeout), "query_only(ON)")
	var version int
	if err = db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err == nil && version != SchemaVersion {
		err = backend.OtherVersion(version, SchemaVersion)
	}
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("read %s: %w", where, translate(err)), db.Close())
	}
	return &bulk{where: where, read: db}, db.Close, nil
}

// tidy removes the empty WAL that reading a file without one has created: read-only
// connections leave it, the last connection that may write removes it. A WAL that holds
// pages stays, and the file is unchanged.
func tidy(where location, wal string) error {
	if info, err := os.Stat(wal); err == nil && info.Size() == 0 {
		last := openPool(where.uri("rw"), 1, busyTimeout(0), "query_only(ON)")
		_ = last.QueryRowContext(context.Background(), "SELECT count(*) FROM sqlite_schema").Scan(new(int)) // on an error the WAL stays
		return last.Close()
	}
	return nil
}

// gorm connects and wraps a pool.
func (c *config) gorm(ctx context.Context, pool *sql.DB) (*gorm.DB, error) {
	if err := pool.PingContext(ctx); err != nil {
		return nil, err
	}
	return c.GORM(&sqlite.Dialector{DSN: "tier2", Conn: pool}, translate)
}

// closePools closes the readers first, so that the writer is the last connection and folds
// the WAL into the file. Errors include the one of a file that was moved or replaced.
func closePools(write, read *sql.DB, place *place) error {
	ctx := context.Background() // Close has no context; the busy timeout ends the statements
	err := read.Close()
	if place != nil && !place.unchanged() {
		// SQLite leaves the WAL of a file that was moved. Another database at that path
		// would read it as its own and be damaged.
		_, fold := write.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
		return errors.Join(movedErr(nil), err, translate(fold), write.Close())
	}
	// Totals and statistics can wait, so that locks of other programs and a full disk do not
	// make Close fail.
	_ = foldLong(ctx, write)
	_, optimize := write.ExecContext(ctx, "PRAGMA optimize")
	optimize = translate(optimize)
	if !errors.Is(optimize, models.ErrBusy) && !errors.Is(optimize, models.ErrFull) {
		err = errors.Join(err, optimize)
	}
	return errors.Join(err, write.Close())
}

// connector opens connections and runs the pragmas on each of them. Pragmas in the DSN would
// need a different spelling per driver, and an Exec reaches only one connection of a pool.
type connector struct {
	driver  driver.Driver
	dsn     string
	pragmas []string
	place   *place // checked by commits; nil for no check
}

// Connect implements driver.Connector.
func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	conn, err := c.driver.Open(c.dsn)
	if err != nil {
		return nil, err
	}
	for _, pragma := range c.pragmas {
		if _, err := conn.(driver.ExecerContext).ExecContext(ctx, "PRAGMA "+pragma, nil); err != nil {
			_ = conn.Close() // the error of the pragma counts
			return nil, fmt.Errorf("PRAGMA %s: %w", pragma, err)
		}
	}
	if c.place != nil {
		onCommit(conn, c.place.onCommit)
	}
	return conn, nil
}

// Driver implements driver.Connector.
func (c *connector) Driver() driver.Driver { return c.driver }

// openPool returns a pool of up to n connections, which stay open until the pool is closed.
func openPool(dsn string, n int, pragmas ...string) *sql.DB {
	return (&connector{driver: newDriver(), dsn: dsn, pragmas: pragmas}).pool(n)
}

func (c *connector) pool(n int) *sql.DB {
	db := sql.OpenDB(c)
	db.SetMaxOpenConns(n)
	db.SetMaxIdleConns(n)
	return db
}

// The page caches, in KiB, which cache_size takes as negative numbers. The writer caches the
// inner pages of every index. Readers get less: there are several, and a full scan reads few
// pages twice.
const (
	writerCache = "cache_size(-65536)"
	readerCache = "cache_size(-16384)"
)

// busyTimeout returns the pragma that must come first, so that the others wait as well.
func busyTimeout(d time.Duration) string { return fmt.Sprintf("busy_timeout(%d)", d.Milliseconds()) }

// shared returns the pragmas of all connections.
//   - temp_store in memory keeps the statement journal of INSERT triggers and large sorts off
//     the disk.
//   - With recursive_triggers, rows that INSERT OR REPLACE removes are subtracted from the
//     totals (https://www.sqlite.org/pragma.html#pragma_recursive_triggers).
//   - A checkpoint per 4,000 pages (16 MB) writes a page once, however often it changed.
func (c config) shared() []string {
	sync := "NORMAL"
	if c.FullSync {
		sync = "FULL"
	}
	return []string{
		busyTimeout(c.BusyTimeout), "foreign_keys(ON)", "synchronous(" + sync + ")",
		"temp_store(MEMORY)", "recursive_triggers(ON)", "wal_autocheckpoint(4000)",
	}
}
