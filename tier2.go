// Package tier2 records what ggen's agents do: a row, the audit entries that say what
// changed and the memory of the agent that did it are written together, or not at
// all, into one SQLite file that sqlite3 and Python read as well, or into PostgreSQL.
//
//	store, err := tier2.Open(ctx, ".ggen/tier2.db")
//	defer store.Close()
//	err = store.Receipts.Create(ctx, &models.Receipt{...})
package tier2

import (
	"context"
	_ "embed"
	"errors"
	"sync"

	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/hooks"
	"github.com/seanchatmangpt/ggen/tier2/internal/audit"
	"github.com/seanchatmangpt/ggen/tier2/internal/engine"
	"github.com/seanchatmangpt/ggen/tier2/internal/engine/postgres"
	"github.com/seanchatmangpt/ggen/tier2/internal/engine/sqlite"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

//go:embed schema.sql
var schemaSQL string

// Schema is the text of schema.sql: the SQLite schema, which loads with the sqlite3
// shell and Python, and twice in a row without changing anything.
func Schema() string { return schemaSQL }

// Store is an open database. It is safe for use by many goroutines; a Store that a
// Transaction gave is valid until its function returns.
type Store struct {
	*repository.Repositories

	handles *engine.Handles // the whole database; shared by transactions, as all below but db
	db      *gorm.DB        // that writes, or the transaction
	closing *closing
	log     *audit.Log
	seal    *seal
	where   string // the location of the database, without a password
	archive bool   // whether it is an archive, which is not written to
}

// closing makes Close happen once.
type closing struct {
	once sync.Once
	err  error
}

// Open opens the database at dsn: a path, a file: URI
// (https://www.sqlite.org/uri.html) or :memory:, which ends with the store. It makes
// missing folders (0700), the file (0600) and the schema, and upgrades a database of
// schema 1.0.0 in place, in one transaction.
//
// A dsn that begins with postgres:// or postgresql:// opens PostgreSQL, 15 or newer:
// the same tables in the first schema of search_path, which must exist, made once
// however many processes start at once. No error shows the password.
//
// Whatever cannot be opened is left as it was. The error wraps models.ErrInvalid for
// a bad dsn or option, a directory, on Linux a network file system (such as NFS and
// SMB), a file that is no database of tier2, a newer schema version and rows that an
// upgrade cannot keep; models.ErrReadOnly for a file that cannot be written;
// models.ErrFull for a full disk; models.ErrBusy when another process keeps it locked;
// models.ErrNotFound for a missing file under mode=rw; models.ErrUnavailable for a
// server that cannot be reached; and the context's own error.
func Open(ctx context.Context, dsn string, opts ...Option) (*Store, error) {
	cfg := engine.Config{DSN: dsn}
	for _, opt := range opts {
		if err := opt(&cfg); err != nil {
			return nil, err
		}
	}
	cfg.Fill()
	handles, err := openEngine(ctx, cfg)
	if err != nil {
		return nil, err
	}
	var archives int64
	if err := handles.Read.WithContext(ctx).Table("tier2_archive").Count(&archives).Error; err != nil {
		return nil, errors.Join(err, handles.Close())
	}
	s := &Store{handles: handles, db: handles.Write, closing: &closing{}, archive: archives > 0, seal: newSeal(handles.Bulk, cfg)}
	if err := s.wire(cfg); err != nil {
		return nil, errors.Join(err, handles.Close())
	}
	return s, nil
}

// wire installs the hooks and makes the repositories.
func (s *Store) wire(cfg engine.Config) (err error) {
	if s.where, err = Location(cfg.DSN); err != nil {
		return err
	}
	readOnly := ""
	switch {
	case cfg.ReadOnly:
		readOnly = "was opened for reading only"
	case s.archive:
		readOnly = "is an archive: its executions are restored to the store that they come from"
	}
	s.log, err = audit.Install(s.db, audit.Config{
		Secrets: cfg.Redactors, Read: s.handles.Read, ReadOnly: readOnly, Inserted: s.handles.Inserted,
		Writers: s.handles.Writers, BusyTimeout: cfg.BusyTimeout, Ungrouped: cfg.Ungrouped,
		Adding: s.handles.Adding, Ledger: s.seal,
	})
	if err != nil {
		return err
	}
	if err := s.db.Use(hooks.New()); err != nil {
		return err
	}
	s.Repositories, err = repository.New(s.db)
	return err
}

// openEngine lets the DSN choose the engine.
func openEngine(ctx context.Context, cfg engine.Config) (*engine.Handles, error) {
	if postgres.IsDSN(cfg.DSN) {
		return postgres.Open(ctx, cfg)
	}
	return sqlite.Open(ctx, cfg, schemaSQL)
}

// Location is how messages name the database at dsn: an absolute path, :memory:, or
// postgres://user@host:5432/database, without the password. It opens nothing. The
// error wraps models.ErrInvalid: Open would not take such a dsn.
func Location(dsn string) (string, error) {
	if postgres.IsDSN(dsn) {
		return postgres.Where(dsn)
	}
	return sqlite.Where(dsn)
}

// Location is how messages name this database, as the function Location does.
func (s *Store) Location() string { return s.where }

// DB is the handle that writes, with the hooks installed: any GORM call on it is
// audited. Inside Transaction it is the transaction. db.Exec and db.Raw pass no
// hooks. On SQLite it is one connection: inside a transaction use the transaction's
// own DB, since the outer one waits for the transaction to end.
func (s *Store) DB() *gorm.DB { return s.db }

// Transaction runs fn and commits what it did through tx, or rolls all of it back if
// fn returns an error, which is returned as it is, or panics, which goes on. Called on tx it is a
// savepoint: an inner error undoes the inner part only, if the outer fn goes on.
//
// fn runs once, since what else it does may not be done twice. If on PostgreSQL the
// transaction lost against another one, the error is models.ErrRetry, and the
// whole Transaction may be called again.
func (s *Store) Transaction(ctx context.Context, fn func(tx *Store) error) error {
	return s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) (err error) {
		inner := *s
		inner.db = tx
		if inner.Repositories, err = repository.New(tx); err != nil {
			return err
		}
		return fn(&inner)
	})
}

// outsideTransaction returns a models.ErrInvalid if s is the Store of a transaction, in which
// the action, such as "close the store", is not possible.
func (s *Store) outsideTransaction(action string) error {
	if s.db == s.handles.Write {
		return nil
	}
	return &models.Error{Kind: models.ErrInvalid, Reason: "cannot " + action + " inside a transaction; use the Store that Open returned"}
}

// Close seals what this store has added to the audit log (Audit.Seal), then ends the
// store and its connections, after the statements that run. Later
// calls of the store give models.ErrClosed; a second Close does nothing and returns
// what the first did. Close of a transaction's store is refused with
// models.ErrInvalid.
func (s *Store) Close() error {
	if s.db != s.handles.Write {
		return &models.Error{Kind: models.ErrInvalid, Reason: "a transaction's store cannot be closed; return from its function"}
	}
	s.closing.once.Do(func() { s.closing.err = errors.Join(s.sealWritten(), s.handles.Close()) })
	return s.closing.err
}
