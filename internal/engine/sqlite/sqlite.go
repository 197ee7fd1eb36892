// Package sqlite opens a tier2 database in SQLite: one connection that writes, in
// immediate transactions, and a pool that reads, both over WAL. It needs no C
// compiler: with cgo it uses github.com/mattn/go-sqlite3, else modernc.org/sqlite.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// DefaultBusyTimeout is how long a statement waits for another process's write.
const DefaultBusyTimeout = 10 * time.Second

// MinReaders is the least number of connections of the reading pool.
const MinReaders = 4

// Config says how to open a database. Zero values mean the defaults.
type Config struct {
	DSN         string           // a path, a file: URI, or :memory:
	Schema      string           // the text of schema.sql
	FullSync    bool             // synchronous=FULL instead of NORMAL
	BusyTimeout time.Duration    // 0: DefaultBusyTimeout
	Readers     int              // reading connections; 0: the number of CPUs; at least MinReaders
	Now         func() time.Time // the clock; nil: time.Now
	Logger      logger.Interface // nil: silent
}

// Open opens the database, makes it if it does not exist, and upgrades it if it is
// older than Schema, in one transaction. A database that cannot be used is left as
// it was, and what was made for it is removed again.
func Open(ctx context.Context, cfg Config) (*engine.Handles, error) {
	cfg.fill()
	where, err := locate(cfg.DSN)
	if err != nil {
		return nil, err
	}
	handles, err := cfg.open(ctx, where)
	if err != nil {
		if ctx.Err() != nil && !errors.Is(err, ctx.Err()) {
			err = errors.Join(ctx.Err(), err)
		}
		return nil, fmt.Errorf("open %s: %w", where, translate(err))
	}
	return handles, nil
}

func (c *Config) fill() {
	if c.BusyTimeout <= 0 {
		c.BusyTimeout = DefaultBusyTimeout
	}
	if c.Readers <= 0 {
		c.Readers = runtime.NumCPU()
	}
	c.Readers = max(c.Readers, MinReaders)
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = logger.Discard
	}
}

func (c *Config) open(ctx context.Context, where location) (_ *engine.Handles, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if where.memory == "" {
		undo, err := prepareFile(where)
		if err != nil {
			return nil, err
		}
		defer func() {
			if err != nil {
				undo()
			}
		}()
		return c.connect(ctx, where)
	}
	return c.connect(ctx, where)
}

// connect brings the schema up to date and opens the two pools.
func (c *Config) connect(ctx context.Context, where location) (_ *engine.Handles, err error) {
	setup := openPool(where.uri("rw"), 1, c.shared()...)
	defer setup.Close()
	if err := c.migrate(ctx, setup); err != nil {
		return nil, err
	}
	writing := c.shared()
	if where.memory == "" {
		if err := c.enableWAL(ctx, setup); err != nil {
			return nil, err
		}
		writing = append(writing, "journal_mode(WAL)")
	}
	write := openPool(where.uri("rw"), 1, writing...)
	read := openPool(where.uri("ro"), c.Readers, append(c.shared(), "query_only(ON)")...)
	h := &engine.Handles{Close: func() error { return closePools(write, read) }}
	if h.Write, err = c.gorm(ctx, write); err == nil {
		h.Read, err = c.gorm(ctx, read)
	}
	if err != nil {
		return nil, errors.Join(err, read.Close(), write.Close())
	}
	return h, nil
}

// gorm wraps a pool. The pool must answer first, because GORM's own probe would
// not end with ctx.
func (c *Config) gorm(ctx context.Context, pool *sql.DB) (*gorm.DB, error) {
	if err := pool.PingContext(ctx); err != nil {
		return nil, err
	}
	return gorm.Open(newDialector(pool), &gorm.Config{
		TranslateError: true,
		NowFunc:        func() time.Time { return c.Now().UTC().Truncate(time.Microsecond) },
		Logger:         c.Logger,
	})
}

// closePools closes the readers first, so that the writer is the last connection
// and folds the WAL into the file.
func closePools(write, read *sql.DB) error {
	err := read.Close()
	if _, optimize := write.Exec("PRAGMA optimize"); optimize != nil {
		if !errors.Is(translate(optimize), models.ErrBusy) {
			err = errors.Join(err, translate(optimize))
		}
	}
	return errors.Join(err, write.Close())
}
