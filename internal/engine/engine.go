// Package engine holds what every database engine gives to package tier2. The
// subpackages differ in how they open, create and upgrade a database and in how
// they read its errors; what they return is the same.
package engine

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"golang.org/x/mod/sumdb/note"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// DefaultBusyTimeout is how long a statement waits for another's lock.
const DefaultBusyTimeout = 10 * time.Second

// MinReaders is the least number of connections of the reading pool.
const MinReaders = 4

// Config says how to open a database. Zero values mean the defaults.
type Config struct {
	DSN         string              // which engine, and where
	FullSync    bool                // every commit reaches the disk before it returns
	BusyTimeout time.Duration       // 0: DefaultBusyTimeout
	Readers     int                 // reading connections; 0: the number of CPUs; at least MinReaders
	Now         func() time.Time    // the clock; nil: time.Now
	Logger      logger.Interface    // nil: silent
	Ungrouped   bool                // every save in a transaction of its own, through GORM
	Redactors   []func(string) bool // say which keys, beside the usual ones, name secrets
	Existing    bool                // models.ErrNotFound instead of making a database that is not there
	ReadOnly    bool                // nothing is made, upgraded or written; Existing is set as well
	Signer      note.Signer         // signs checkpoints of the audit log; nil: nobody does
	Anchor      string              // the file that checkpoints are appended to; "": none
}

// Fill puts the defaults where nothing is set.
func (c *Config) Fill() {
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

// Older is the error of a database that would have to be upgraded, but is opened ReadOnly.
func Older(version, known int) error {
	return &models.Error{Kind: models.ErrInvalid,
		Reason: fmt.Sprintf("the database has schema version %d, older than %d, and is opened for reading only; 'tier2 init' upgrades it", version, known)}
}

// Clock is the one clock of a store: Now in UTC, to the microsecond.
func (c *Config) Clock() time.Time { return c.Now().UTC().Truncate(time.Microsecond) }

// Done is told what was done, a sentence at a time.
type Done func(format string, args ...any)

// Handles are an open database: one handle that writes, one that only reads. Both
// return errors as *models.Error where the engine knows what was refused.
type Handles struct {
	// Write runs every write; on SQLite over one connection, so that transactions
	// of this process queue here and not at the file's lock.
	Write *gorm.DB
	// Read refuses to write, and sees what is committed.
	Read *gorm.DB
	// Kept: the database outlives the store.
	Kept bool
	// Writers is how many transactions may write at once without waiting in the engine.
	Writers int
	// Inserted, unless nil, is called in the transaction of an INSERT, with the largest
	// id that it gave.
	Inserted func(ctx context.Context, tx gorm.ConnPool, table string, id int64)
	// Adding is Adding of repository.Handle.
	Adding func(ctx context.Context) ([]string, error)
	// Maintain keeps the database fast, and mends what it derived from the rows.
	Maintain func(ctx context.Context, done Done) error
	// Backup writes one state of the database to a new file at path, if check, which gets
	// the DSN of what was written, finds nothing wrong with it.
	Backup func(ctx context.Context, path string, check func(ctx context.Context, dsn string) error) error
	// Bulk reads and writes whole tables over the same connections.
	Bulk Bulk
	// Close ends them. Called once, by package tier2.
	Close func() error
}
