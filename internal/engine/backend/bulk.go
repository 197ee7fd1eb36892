package backend

import (
	"context"
	"iter"

	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
)

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
