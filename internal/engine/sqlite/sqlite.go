// Package sqlite opens a tier2 database in SQLite: one connection that writes, in
// immediate transactions, and a pool that reads, both over WAL. It needs no C
// compiler: with cgo it uses github.com/mattn/go-sqlite3, else modernc.org/sqlite.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// config is how to open a database, and the text of schema.sql.
type config struct {
	engine.Config
	Schema string
}

// Open opens the database at a path, a file: URI or :memory:, makes it if it does
// not exist, and upgrades it if it is older than ddl, the text of schema.sql, in
// one transaction. A database that cannot be used is left as
// it was, and what was made for it is removed again.
func Open(ctx context.Context, c engine.Config, ddl string) (*engine.Handles, error) {
	cfg := config{c, ddl}
	cfg.Fill()
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

func (c *config) open(ctx context.Context, where location) (*engine.Handles, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if where.memory != "" {
		return c.connect(ctx, where)
	}
	where.create = where.create && !c.Existing
	undo, err := prepareFile(where, c.ReadOnly)
	if err != nil {
		return nil, err
	}
	var h *engine.Handles
	if where.place, err = placeOf(where.path); err == nil {
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

// connect brings the schema up to date and opens the two pools.
func (c *config) connect(ctx context.Context, where location) (_ *engine.Handles, err error) {
	setup := openPool(where.uri("rw"), 1, c.shared()...)
	defer setup.Close()
	if err := c.migrate(ctx, setup); err != nil {
		return nil, err
	}
	wal := "" // of what is only read
	writer := &connector{driver: newDriver(), dsn: where.uri("rw"), pragmas: append(c.shared(), writerCache)}
	switch {
	case c.ReadOnly:
		writer.dsn = where.uri("ro") // for a pragma can be taken back
		writer.pragmas = append(writer.pragmas, "query_only(ON)")
		if where.place != nil {
			wal = where.place.wal
		}
		where.place = nil // what writes nothing need not know that it has gone, and the file may have no WAL
	case where.memory == "":
		if err := c.enableWAL(ctx, setup); err != nil {
			return nil, err
		}
		writer.pragmas = append(writer.pragmas, "journal_mode(WAL)")
		writer.place = where.place
	}
	write := writer.pool(1)
	read := openPool(where.uri("ro"), c.Readers, append(c.shared(), readerCache, "query_only(ON)")...)
	h := &engine.Handles{
		Kept: where.memory == "", Writers: 1, Inserted: new(totals).inserted, Bulk: &bulk{where, write, read},
		Maintain: func(ctx context.Context, done engine.Done) error { return c.maintain(ctx, write, read, done) },
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

// tidy removes the WAL that was made to read a file that had none: connections that only
// read leave it, the last one that might write does not. One that holds something stays,
// and with it the file as it was.
func tidy(where location, wal string) error {
	if info, err := os.Stat(wal); err != nil || info.Size() > 0 {
		return nil
	}
	last := openPool(where.uri("rw"), 1, busyTimeout(0), "query_only(ON)")
	var tables int
	_ = last.QueryRow("SELECT count(*) FROM sqlite_schema").Scan(&tables) // what cannot be opened stays
	return last.Close()
}

// gorm wraps a pool. The pool must answer first, because GORM's own probe would
// not end with ctx.
func (c *config) gorm(ctx context.Context, pool *sql.DB) (*gorm.DB, error) {
	if err := pool.PingContext(ctx); err != nil {
		return nil, err
	}
	return gorm.Open(newDialector(pool), &gorm.Config{
		TranslateError: true,
		NowFunc:        c.Clock,
		Logger:         c.Logger,
	})
}

// closePools closes the readers first, so that the writer is the last connection
// and folds the WAL into the file. The error says, among others, that the file is not
// in its place any more.
func closePools(write, read *sql.DB, place *place) error {
	err := read.Close()
	if place != nil && !place.kept() {
		// SQLite leaves the WAL of a file that was moved. Beside another database it would
		// be taken for that one's, and damage it.
		_, fold := write.Exec("PRAGMA wal_checkpoint(TRUNCATE)")
		return errors.Join(gone(nil), err, translate(fold), write.Close())
	}
	// What another program holds or has broken, or a full disk, is no reason not to close:
	// totals and statistics can wait.
	_ = foldLong(context.Background(), write)
	_, optimize := write.Exec("PRAGMA optimize")
	optimize = translate(optimize)
	if !errors.Is(optimize, models.ErrBusy) && !errors.Is(optimize, models.ErrFull) {
		err = errors.Join(err, optimize)
	}
	return errors.Join(err, write.Close())
}
