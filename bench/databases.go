package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/internal/pgschema"
)

// databases makes empty databases: files in a folder, or schemas of a server.
type databases struct {
	dir    string
	server string // "" for SQLite
	n      int
	drops  []func() error
}

func newDatabases(server string) (*databases, error) {
	dir, err := os.MkdirTemp("", "tier2-bench-")
	return &databases{dir: dir, server: server}, err
}

func (d *databases) onPostgres() bool { return d.server != "" }

// file is the path of a new file.
func (d *databases) file() string {
	d.n++
	return filepath.Join(d.dir, fmt.Sprintf("%d.db", d.n))
}

// dsn is that of a new database. On PostgreSQL its commits wait for the disk if every
// one should; on SQLite an option of the store decides.
func (d *databases) dsn(ctx context.Context, toDisk bool) (string, error) {
	if !d.onPostgres() {
		return d.file(), nil
	}
	dsn, drop, err := pgschema.New(ctx, d.server)
	if err != nil {
		return "", err
	}
	d.drops = append(d.drops, drop)
	if toDisk {
		dsn = strings.Replace(dsn, "synchronous_commit=off", "synchronous_commit=on", 1)
	}
	return dsn, nil
}

// open gives a contestant an empty database of its own.
func (d *databases) open(ctx context.Context, name string, toDisk bool) (contestant, error) {
	dsn, err := d.dsn(ctx, toDisk)
	if err != nil {
		return nil, err
	}
	if toDisk {
		return newContestant(ctx, name, dsn, tier2.WithSynchronousFull())
	}
	return newContestant(ctx, name, dsn)
}

func (d *databases) close() error {
	errs := []error{os.RemoveAll(d.dir)}
	for _, drop := range d.drops {
		errs = append(errs, drop())
	}
	return errors.Join(errs...)
}
