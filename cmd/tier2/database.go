package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/cmd/tier2/internal/term"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// database returns the database of a verb, its own argument or else --db, and its name in
// messages. It rejects an argument and a --db that differ.
func (a *app) database(cmd *cobra.Command, args []string) (dsn, where string, err error) {
	dsn = a.db
	if len(args) > 0 {
		dsn = args[0]
	}
	where, err = location(dsn)
	if err == nil && cmd.Flags().Changed("db") && a.db != dsn {
		err = usagef("the database is given twice: %s and --db", where)
	}
	return dsn, where, err
}

// location returns the name of a database in messages. It rejects databases in memory,
// which end with the command.
func location(dsn string) (string, error) {
	where, err := tier2.Location(dsn)
	if err == nil && where == ":memory:" {
		err = fmt.Errorf("%q is no file: it would be gone with the command", dsn)
	}
	if err != nil {
		return "", exitError{exitUsage, err}
	}
	return where, nil
}

// openExisting opens a database that must exist.
func openExisting(ctx context.Context, dsn string, opts ...tier2.Option) (*tier2.Store, error) {
	if _, err := location(dsn); err != nil {
		return nil, err
	}
	store, err := tier2.Open(ctx, dsn, append(opts, tier2.WithExisting())...)
	if errors.Is(err, models.ErrNotFound) {
		return nil, fmt.Errorf("%w; 'tier2 init' makes one", err)
	}
	return store, err
}

// with opens a database that must exist, calls fn with it and closes it.
func with(ctx context.Context, dsn string, opts []tier2.Option, fn func(store *tier2.Store) error) error {
	store, err := openExisting(ctx, dsn, opts...)
	if err != nil {
		return err
	}
	return errors.Join(fn(store), store.Close())
}

// show prints rows of --db that are in memory.
func show[T any](a *app, cmd *cobra.Command, limit term.Limit, columns []term.Column[T], fn func(store *tier2.Store) ([]T, error)) error {
	return a.read(cmd, func(store *tier2.Store) error {
		rows, err := fn(store)
		if err != nil {
			return err
		}
		return term.List(a.Console, limit, term.Each(rows), columns...)
	})
}

// read calls fn with --db, opened read-only: nothing is created, upgraded or written.
func (a *app) read(cmd *cobra.Command, fn func(store *tier2.Store) error) error {
	return with(cmd.Context(), a.db, []tier2.Option{tier2.WithReadOnly()}, func(store *tier2.Store) error {
		a.Busy("reading")
		return readKinds.exit(fn(store))
	})
}
