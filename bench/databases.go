package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/internal/pgtest"
)

// databases creates empty databases: files in a folder, or schemas of a server.
type databases struct {
	dir    string
	server string // "" for SQLite
	n      int
}

func newDatabases(server string) (*databases, error) {
	dir, err := os.MkdirTemp("", "tier2-bench-")
	return &databases{dir: dir, server: server}, err
}

func (d *databases) onPostgres() bool { return d.server != "" }

// file returns the path of a new file.
func (d *databases) file() string {
	d.n++
	return filepath.Join(d.dir, fmt.Sprintf("%d.db", d.n))
}

// dsn returns the DSN of a new database, which drop removes. With toDisk every
// commit waits for the disk on PostgreSQL; on SQLite an option of the store sets that.
func (d *databases) dsn(ctx context.Context, toDisk bool) (dsn string, drop func() error, err error) {
	if !d.onPostgres() {
		return d.file(), func() error { return nil }, nil
	}
	dsn, drop, err = pgtest.New(ctx, d.server)
	if toDisk {
		dsn = strings.Replace(dsn, "synchronous_commit=off", "synchronous_commit=on", 1)
	}
	return dsn, drop, err
}

// open returns a contestant on an empty database, which is removed when it closes.
func (d *databases) open(ctx context.Context, name string, toDisk bool) (c contestant, closing func() error, err error) {
	dsn, drop, err := d.dsn(ctx, toDisk)
	if err != nil {
		return nil, nil, err
	}
	var opts []tier2.Option
	if toDisk {
		opts = append(opts, tier2.WithSynchronousFull())
	}
	c, err = newContestant(ctx, name, dsn, opts...)
	if err != nil {
		return nil, nil, errors.Join(err, drop())
	}
	return c, func() error { return errors.Join(c.close(), drop()) }, nil
}

func (d *databases) close() error { return os.RemoveAll(d.dir) }
