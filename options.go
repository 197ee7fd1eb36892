package tier2

import (
	"cmp"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"gorm.io/gorm/logger"

	"github.com/seanchatmangpt/ggen/tier2/internal/anchor"
	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
)

// Option changes how Open opens a database. Open returns models.ErrInvalid for an invalid value.
type Option func(*settings)

// settings collects the options of Open.
type settings struct {
	backend.Config
	err       error               // of the first invalid option
	ungrouped bool                // each save in its own transaction
	redactors []func(string) bool // report whether a key names a secret, besides the usual keys
	signer    note.Signer         // signs checkpoints of the audit log; nil: no signatures
	anchor    string              // the file to append checkpoints to; "": none
}

// require rejects the value of an option unless it is valid.
func (c *settings) require(valid bool, option string, value any, reason string) {
	if !valid {
		c.err = cmp.Or(c.err, fmt.Errorf("option %s: %w", option, refuse.Invalid("", "", value, reason)))
	}
}

// WithSynchronousFull flushes every commit to the disk before it returns (PRAGMA
// synchronous=FULL). Without it, a power loss can undo the last commits, though a crash of the
// program cannot; the database stays consistent either way. On PostgreSQL it sets
// synchronous_commit=on instead of the server's own setting.
func WithSynchronousFull() Option {
	return func(c *settings) { c.FullSync = true }
}

// WithBusyTimeout sets how long a call waits while another process writes (on PostgreSQL: for a
// lock) before it returns models.ErrBusy. The minimum is a millisecond, the default 10 s. A call
// that queues behind other waiting calls of this process may take up to three times as long.
func WithBusyTimeout(d time.Duration) Option {
	return func(c *settings) {
		c.require(d >= time.Millisecond, "busy timeout", d, "must be at least 1ms")
		c.BusyTimeout = d
	}
}

// WithReaders sets the number of reading connections, from 1 to 1000; less than 4 means 4. The
// default is the number of CPUs. On PostgreSQL the same number of connections writes.
func WithReaders(n int) Option {
	return func(c *settings) {
		c.require(n >= 1 && n <= 1000, "readers", n, "must lie in 1 to 1000")
		c.Readers = n
	}
}

// WithClock sets the clock for all times that the store writes, in UTC and to the microsecond.
// The default is time.Now.
func WithClock(now func() time.Time) Option {
	return func(c *settings) {
		c.require(now != nil, "clock", nil, "must not be nil")
		c.Now = now
	}
}

// WithoutGroupCommit runs each save in its own transaction. Without this option, concurrent
// saves share a transaction. The outcome of each save is the same.
func WithoutGroupCommit() Option {
	return func(c *settings) { c.ungrouped = true }
}

// WithExisting makes Open return models.ErrNotFound instead of creating a database: for a missing
// or empty file, and for a PostgreSQL schema without tier2's tables. An older database is upgraded.
func WithExisting() Option {
	return func(c *settings) { c.Existing = true }
}

// WithReadOnly opens an existing database for reading. Open creates, upgrades and writes nothing;
// it returns models.ErrNotFound as with WithExisting, and models.ErrInvalid for an older
// database. Writes return models.ErrReadOnly.
//
// On SQLite the file may be read-only, but its folder must be writable: readers lock files next
// to it. On PostgreSQL a caller's own SQL can still start a writing transaction (SET, BEGIN READ
// WRITE). To rule writes out, connect as a role without write privileges.
func WithReadOnly() Option {
	return func(c *settings) { c.ReadOnly, c.Existing = true, true }
}

// WithSigner signs the checkpoints of the audit log with a private key of ledger.GenerateKey.
func WithSigner(private string) Option {
	return func(c *settings) {
		signer, err := anchor.NewSigner(private)
		c.signer, c.err = signer, cmp.Or(c.err, err)
	}
}

// WithAnchor appends each checkpoint of the audit log to a file. Keep it somewhere that writers
// of the database cannot reach, so that Audit.Verify detects a truncated or rewritten log. A
// missing file is created, a missing folder is not.
func WithAnchor(path string) Option {
	return func(c *settings) {
		c.require(strings.TrimSpace(path) != "", "anchor", path, "must not be blank")
		absolute, err := filepath.Abs(path)
		c.anchor, c.err = absolute, cmp.Or(c.err, err)
	}
}

// WithLogger sets GORM's logger. The default, and nil, is silent.
func WithLogger(l logger.Interface) Option {
	return func(c *settings) { c.Logger = l }
}

// WithRedactor redacts additional keys: values whose key makes secret return true, besides
// passwords, tokens and similar keys (hooks.WithRedactor). It may be given several times.
func WithRedactor(secret func(key string) bool) Option {
	return func(c *settings) {
		c.require(secret != nil, "redactor", nil, "must not be nil")
		c.redactors = append(c.redactors, secret)
	}
}
