package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"time"
)

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
		onCommit(conn, c.place.mayCommit)
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
