// Package backend holds what the database engines share: what they are asked to open, what
// they return, and access to whole tables. Package engine chooses one of them.
package backend

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// DefaultBusyTimeout is how long a statement waits for the lock of another.
const DefaultBusyTimeout = 10 * time.Second

// MinReaders is the least number of connections of the reading pool.
const MinReaders = 4

// Config says how to open a database. Zero values mean the defaults.
type Config struct {
	DSN         string           // the engine and the database
	Schema      string           // the text of schema.sql; PostgreSQL has its own
	FullSync    bool             // every commit reaches the disk before it returns
	BusyTimeout time.Duration    // 0: DefaultBusyTimeout
	Readers     int              // reading connections; 0: the number of CPUs; at least MinReaders
	Now         func() time.Time // the clock; nil: time.Now
	Logger      logger.Interface // nil: silent
	Existing    bool             // return models.ErrNotFound instead of creating a missing database
	ReadOnly    bool             // create, upgrade and write nothing; needs Existing
}

// Fill sets the defaults.
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

// Clock returns the time of the store's clock, in UTC and to the microsecond.
func (c *Config) Clock() time.Time { return c.Now().UTC().Truncate(time.Microsecond) }

// CheckVersion returns an error for a version of the schema that this program cannot open. known
// is the current version; upgradable reports whether there is an upgrade from version.
func CheckVersion(version, known int, upgradable bool) error {
	switch {
	case version > known:
		return refuse.Because(models.ErrInvalid,
			"the database has schema version %d, newer than %d, which this program knows; use a newer program", version, known)
	case version < known && !upgradable:
		return refuse.Because(models.ErrInvalid, "the database has schema version %d, which never was one of tier2", version)
	}
	return nil
}

// Older returns the error for a database that needs an upgrade and is opened ReadOnly.
func Older(version, known int) error {
	return refuse.Because(models.ErrInvalid,
		"the database has schema version %d, older than %d, and is opened for reading only; 'tier2 init' upgrades it", version, known)
}

// OtherVersion returns the error for a database that is read as a whole and has another
// version of the schema.
func OtherVersion(version, known int) error {
	return refuse.Because(models.ErrInvalid,
		"the schema has version %d, not %d; opening the store once upgrades an older one", version, known)
}

// Done receives a sentence about each completed step.
type Done func(format string, args ...any)

// Handles are the connections of an open database. Both GORM handles return errors as
// *models.Error where the engine knows what it rejected.
type Handles struct {
	// Write runs every write. On SQLite it has one connection, so that transactions of this
	// process queue here and not at the lock of the file.
	Write *gorm.DB
	// Read rejects writes and sees committed rows.
	Read *gorm.DB
	// Persistent reports whether the database outlives the store.
	Persistent bool
	// Writers is the number of transactions that may write at once without waiting in the
	// engine.
	Writers int
	// Inserted, unless nil, is called in the transaction of an INSERT with the largest id
	// that the INSERT assigned.
	Inserted func(ctx context.Context, tx gorm.ConnPool, table string, id int64)
	// Adding, unless nil, lists the transactions that may hold ids of audit_log that are not
	// committed yet. It is nil if the engine commits ids in their order.
	Adding func(ctx context.Context) ([]string, error)
	// Maintain keeps the database fast and repairs values derived from the rows.
	Maintain func(ctx context.Context, done Done) error
	// Backup writes one state of the database to a new file at path. It keeps the file only if
	// check, which receives the DSN of the copy, returns nil.
	Backup func(ctx context.Context, path string, check func(ctx context.Context, dsn string) error) error
	// Bulk reads and writes whole tables over the same connections.
	Bulk Bulk
	// Close closes the connections. Package tier2 calls it once.
	Close func() error
}

// Verification is the result of checking a database.
type Verification struct {
	Tables, Indexes, Views int      // objects of the schema that exist
	Documents              int64    // JSON documents that were checked
	Findings               []string // one sentence per problem; empty, not nil, if there is none
}

// NewVerification returns a Verification without findings.
func NewVerification() *Verification { return &Verification{Findings: []string{}} }

// OK reports whether there are no findings.
func (v *Verification) OK() bool { return len(v.Findings) == 0 }

// Add adds a finding.
func (v *Verification) Add(format string, args ...any) {
	v.Findings = append(v.Findings, fmt.Sprintf(format, args...))
}

// Count counts an object of the schema by its kind: table, index or view. Other kinds are
// not counted.
func (v *Verification) Count(kind string) {
	switch kind {
	case "table":
		v.Tables++
	case "index":
		v.Indexes++
	case "view":
		v.Views++
	}
}

// Bulk reads and writes whole tables below GORM and the hooks: rows keep their values, and
// nothing is audited. Errors are *models.Error where the engine knows what it rejected.
type Bulk interface {
	// Same reports whether other is the same database.
	Same(ctx context.Context, other Bulk) (bool, error)
	// Snapshot returns the current state of the database, unaffected by later commits.
	Snapshot(ctx context.Context) (Snapshot, error)
	// Begin begins a transaction that writes.
	Begin(ctx context.Context) (Writer, error)
}

// Snapshot is one state of a database. It holds a connection until Close.
type Snapshot interface {
	// Count returns the number of rows of a table.
	Count(ctx context.Context, table *schema.Table) (int64, error)
	// Rows yields the rows of a table in order of the key: those after one key, up to and
	// including another; nil is no bound. It uses constant memory and ends with the first
	// error: models.ErrCorrupt for a value that is not of its column's type.
	Rows(ctx context.Context, table *schema.Table, after, upTo []any) iter.Seq2[schema.Row, error]
	// Page returns at most Limit rows of a range.
	Page(ctx context.Context, table *schema.Table, r Range) ([]schema.Row, error)
	// Pick returns the rows whose By is one of values, in order of the key. Without values it
	// returns no rows.
	Pick(ctx context.Context, table *schema.Table, by By, values []any) ([]schema.Row, error)
	// Close ends the snapshot. A Writer rolls back what it has not committed.
	Close() error
}

// Writer is a transaction. After an error only Close is useful.
type Writer interface {
	Snapshot
	// Insert adds rows under their own ids; later ids continue after the largest.
	Insert(ctx context.Context, table *schema.Table, rows []schema.Row) error
	// Reserve makes later ids continue after id. Where the engine's counter is not
	// transactional, that also holds after a rollback.
	Reserve(ctx context.Context, table *schema.Table, id int64) error
	// Update writes all columns of the rows with these keys.
	Update(ctx context.Context, table *schema.Table, rows []schema.Row) error
	// Delete deletes the rows whose column is one of values and returns their number.
	Delete(ctx context.Context, table *schema.Table, column string, values []any) (int64, error)
	// Settle returns an id at or below which no more rows will be inserted, unless a client
	// picks an id itself. It waits for running inserts, and excludes other callers of Settle
	// until the end of the transaction.
	Settle(ctx context.Context, table *schema.Table) (int64, error)
	// NextID returns an id for a row that this transaction will insert.
	NextID(ctx context.Context, table *schema.Table) (int64, error)
	// Commit commits and ends the transaction.
	Commit(ctx context.Context) error
}

// Range selects rows by their keys.
type Range struct {
	After, UpTo []any // exclusive and inclusive bound; nil is no bound
	Descending  bool  // from the last to the first
	Limit       int   // 0: all
}

// By is the value that Pick compares: a column, or a member of context_json, as text.
type By struct {
	Column, Member string
	Lock           bool // block other writers of the rows until the end of the transaction
}

// Unreadable is a value of a Lenient table that is not of its column's type.
type Unreadable string
