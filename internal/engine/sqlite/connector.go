package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"time"
)

// connector opens connections and runs the pragmas on each of them. They are kept
// out of the DSN because the two drivers name them differently, and out of a single
// Exec because that reaches only one connection of a pool.
type connector struct {
	driver  driver.Driver
	dsn     string
	pragmas []string
	place   *place // whose commits look first; nil: none do
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
			conn.Close()
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

// openPool is a pool of up to n connections that stay open until it is closed.
func openPool(dsn string, n int, pragmas ...string) *sql.DB {
	return (&connector{driver: newDriver(), dsn: dsn, pragmas: pragmas}).pool(n)
}

func (c *connector) pool(n int) *sql.DB {
	db := sql.OpenDB(c)
	db.SetMaxOpenConns(n)
	db.SetMaxIdleConns(n)
	return db
}

// The page caches, in KiB as cache_size has it when negative. A writer keeps the inner
// pages of every index at hand; of readers there are several, and who reads everything
// needs few pages twice.
const (
	writerCache = "cache_size(-65536)"
	readerCache = "cache_size(-16384)"
)

// busyTimeout comes first of all pragmas, so that the others wait as well.
func busyTimeout(d time.Duration) string { return fmt.Sprintf("busy_timeout(%d)", d.Milliseconds()) }

// shared are the pragmas of reading and writing connections alike: a temp_store in
// memory keeps the statement journal of INSERT triggers and large sorts off the disk.
// With recursive_triggers the rows that INSERT OR REPLACE removes leave the totals
// (https://www.sqlite.org/pragma.html#pragma_recursive_triggers). A checkpoint every 4,000
// pages (16 MB) writes a page once, however often it changed.
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
