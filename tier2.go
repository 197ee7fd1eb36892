// Package tier2 records what ggen's agents do. Every write commits together with the audit
// entries that describe it and the memory of the agent that made it. Either all of it is stored
// or none. The database is a SQLite file, which sqlite3 and Python can read, or PostgreSQL.
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
	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/internal/sealing"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

//go:embed schema.sql
var schemaSQL string

// Schema returns the text of schema.sql: the SQLite schema, for the sqlite3 shell and Python.
// Loading it into a database that has it changes nothing.
func Schema() string { return schemaSQL }

// Store is an open database. It is safe for concurrent use. The Store of a Transaction is valid
// until its function returns.
type Store struct {
	*repository.Repositories

	handles *backend.Handles // of the database; transactions share all fields but db and Repositories
	db      *gorm.DB         // writes; inside a transaction, the transaction
	close   func() error     // does the work of Close once
	log     *audit.Log
	where   string // the location of the database, without a password
	archive bool   // whether the database is an archive, which rejects writes
}

// Open opens the database at dsn: a path, a file: URI (https://www.sqlite.org/uri.html) or
// :memory:, which ends with the store. It creates missing folders (0700), the file (0600) and the
// schema, and upgrades an older database in place, in one transaction.
//
// A dsn that begins with postgres:// or postgresql:// opens PostgreSQL, 15 or newer. The tables
// are in the first schema of search_path, which must exist. If several processes start at once,
// one of them creates the tables. No error shows the password.
//
// On an error an existing database is unchanged. Errors:
//
//   - models.ErrInvalid: a bad dsn or option, a directory, on Linux a network file system (such
//     as NFS and SMB), a file that is not a database of tier2, a newer schema version, or rows
//     that an upgrade cannot keep.
//   - models.ErrReadOnly: a file that cannot be written.
//   - models.ErrFull: a full disk.
//   - models.ErrBusy: another process keeps the database locked.
//   - models.ErrNotFound: a missing file with mode=rw.
//   - models.ErrUnavailable: a server that cannot be reached.
//   - The context's own error.
func Open(ctx context.Context, dsn string, opts ...Option) (*Store, error) {
	cfg := settings{Config: backend.Config{DSN: dsn, Schema: schemaSQL}}
	for _, opt := range opts {
		opt(&cfg)
	}
	if cfg.err != nil {
		return nil, cfg.err
	}
	cfg.Fill()
	handles, err := engine.For(dsn).Open(ctx, cfg.Config)
	if err != nil {
		return nil, err
	}
	s := &Store{handles: handles, db: handles.Write}
	s.close = sync.OnceValue(func() error { return errors.Join(s.sealWritten(), handles.Close()) })
	if err := s.wire(ctx, cfg); err != nil {
		return nil, errors.Join(err, handles.Close())
	}
	return s, nil
}

// wire installs the hooks and creates the repositories.
func (s *Store) wire(ctx context.Context, cfg settings) (err error) {
	if s.where, err = Location(cfg.DSN); err != nil {
		return err
	}
	var archives int64
	if err := s.handles.Read.WithContext(ctx).Table("tier2_archive").Count(&archives).Error; err != nil {
		return err
	}
	s.archive = archives > 0
	readOnly := ""
	switch {
	case cfg.ReadOnly:
		readOnly = "was opened for reading only"
	case s.archive:
		readOnly = isArchive
	}
	s.log, err = audit.Install(s.db, audit.Config{
		Secrets: cfg.redactors, Read: s.handles.Read, ReadOnly: readOnly, Inserted: s.handles.Inserted,
		Writers: s.handles.Writers, BusyTimeout: cfg.BusyTimeout, Ungrouped: cfg.ungrouped, Adding: s.handles.Adding,
		Ledger: &sealing.Log{
			Bulk: s.handles.Bulk, Now: cfg.Now, Signer: cfg.signer, Anchor: cfg.anchor, Archive: openReading,
		},
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

// Location returns the name of the database at dsn in messages: an absolute path, :memory:, or
// postgres://user@host:5432/database, without the password. It opens nothing. Errors:
// models.ErrInvalid for a dsn that Open would reject.
func Location(dsn string) (string, error) { return engine.For(dsn).Where(dsn) }

// Location returns the name of this database in messages, as the function Location does.
func (s *Store) Location() string { return s.where }

// DB returns the writing handle, with the hooks installed: every GORM call on it is audited,
// except db.Exec and db.Raw, which bypass the hooks. Inside Transaction it is the transaction. On
// SQLite it has one connection: inside a transaction use the DB of the transaction, because the
// outer one waits for the transaction to end.
func (s *Store) DB() *gorm.DB { return s.db }

// Transaction runs fn and commits its changes through tx. If fn returns an error, Transaction
// rolls back and returns that error; if fn panics, it rolls back and re-panics. Nested calls use
// savepoints: an inner error undoes the inner changes only, unless the outer fn returns it.
//
// fn runs once, because it may have other effects. If on PostgreSQL the transaction lost against
// another one, the error is models.ErrRetry, and the caller may run the Transaction again.
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
	return refuse.Because(models.ErrInvalid, "cannot %s inside a transaction; use the Store that Open returned", action)
}

// Close seals the entries that this store has added to the audit log (Audit.Seal), waits for
// running statements and closes the connections. Later calls of the store return
// models.ErrClosed; a second Close does nothing and returns the result of the first. Errors
// include models.ErrInvalid inside a transaction.
func (s *Store) Close() error {
	if err := s.outsideTransaction("close the store"); err != nil {
		return err
	}
	return s.close()
}
