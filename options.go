package tier2

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"gorm.io/gorm/logger"

	"github.com/seanchatmangpt/ggen/tier2/internal/anchor"
	"github.com/seanchatmangpt/ggen/tier2/internal/engine"
	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
)

// Option changes how Open opens a database. A value that makes no sense is an error
// of Open that wraps models.ErrInvalid.
type Option func(*engine.Config) error

// WithSynchronousFull makes every commit reach the disk before it returns
// (PRAGMA synchronous=FULL). Without it a power loss, though not a crash of the program, can
// undo the last commits; the database stays consistent either way. On PostgreSQL it
// sets synchronous_commit=on; without it the server's own setting holds.
func WithSynchronousFull() Option {
	return func(c *engine.Config) error {
		c.FullSync = true
		return nil
	}
}

// WithBusyTimeout sets how long a call waits while another process writes (on
// PostgreSQL: for another's lock), before it gives models.ErrBusy: at least a
// millisecond. A call that queues behind others of this process, which wait as well, may
// take up to three times as long. Default: 10 s.
func WithBusyTimeout(d time.Duration) Option {
	return func(c *engine.Config) error {
		if d < time.Millisecond {
			return invalid("busy timeout", d, "must be at least 1ms")
		}
		c.BusyTimeout = d
		return nil
	}
}

// WithReaders sets how many connections read at once, 1 to 1000; fewer than 4 count
// as 4. Default: the number of CPUs. On PostgreSQL as many again may write at once.
func WithReaders(n int) Option {
	return func(c *engine.Config) error {
		if n < 1 || n > 1000 {
			return invalid("readers", n, "must lie in 1 to 1000")
		}
		c.Readers = n
		return nil
	}
}

// WithClock sets the clock that dates everything the store writes. Times are kept in
// UTC, to the microsecond. Default: time.Now.
func WithClock(now func() time.Time) Option {
	return func(c *engine.Config) error {
		if now == nil {
			return invalid("clock", nil, "must not be nil")
		}
		c.Now = now
		return nil
	}
}

// WithoutGroupCommit gives every save a transaction of its own, and writes it through
// GORM, so that callbacks and plugins on Store.DB see it. Without this option,
// repositories create rows by constant SQL, and goroutines that save at the same time
// share a transaction; what each of them sees is the same.
func WithoutGroupCommit() Option {
	return func(c *engine.Config) error {
		c.Ungrouped = true
		return nil
	}
}

// WithExisting makes Open give models.ErrNotFound where it would make a database: for
// a missing or empty file, and a PostgreSQL schema without tier2's tables. An older
// database is upgraded as always.
func WithExisting() Option {
	return func(c *engine.Config) error {
		c.Existing = true
		return nil
	}
}

// WithReadOnly opens a database that is there to read it: Open makes, upgrades and writes
// nothing, and gives models.ErrNotFound as WithExisting does and models.ErrInvalid for an
// older database; what writes gives models.ErrReadOnly. On SQLite the file
// may be one that cannot be written, but its folder must be: those who read take locks in
// files beside it. On PostgreSQL SQL of the caller's own that asks for a transaction that writes (SET, BEGIN
// READ WRITE) gets one: what must not write for sure has a role that may not.
func WithReadOnly() Option {
	return func(c *engine.Config) error {
		c.ReadOnly, c.Existing = true, true
		return nil
	}
}

// WithSigner signs the checkpoints of the audit log with a private key of
// ledger.GenerateKey.
func WithSigner(private string) Option {
	return func(c *engine.Config) (err error) {
		c.Signer, err = anchor.NewSigner(private)
		return err
	}
}

// WithAnchor appends each checkpoint of the audit log to a file, which belongs where
// those who can write the database cannot: against it, Audit.Verify tells a log that was
// cut short or written anew. The file is made if it does not exist, its folder is not.
func WithAnchor(path string) Option {
	return func(c *engine.Config) (err error) {
		if strings.TrimSpace(path) == "" {
			return invalid("anchor", path, "must not be blank")
		}
		c.Anchor, err = filepath.Abs(path)
		return err
	}
}

// WithLogger sets GORM's logger. Default, and for nil: silent.
func WithLogger(l logger.Interface) Option {
	return func(c *engine.Config) error {
		c.Logger = l
		return nil
	}
}

// WithRedactor has the values under more keys redacted, beside those of passwords,
// tokens and the like: the keys for which secret returns true (hooks.WithRedactor).
// Several of them add up.
func WithRedactor(secret func(key string) bool) Option {
	return func(c *engine.Config) error {
		if secret == nil {
			return invalid("redactor", nil, "must not be nil")
		}
		c.Redactors = append(c.Redactors, secret)
		return nil
	}
}

func invalid(option string, value any, reason string) error {
	return fmt.Errorf("option %s: %w", option, refuse.Invalid("", "", value, reason))
}
