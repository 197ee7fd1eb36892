package engine

import (
	"context"
	"iter"

	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
)

// Bulk reads and writes whole tables below GORM and the hooks: rows come and go as
// they are, and nothing is audited. Errors are *models.Error where the engine knows
// what was refused.
type Bulk interface {
	// Same reports whether other is the same database.
	Same(ctx context.Context, other Bulk) (bool, error)
	// Snapshot is the database as it is now, whatever others commit meanwhile.
	Snapshot(ctx context.Context) (Snapshot, error)
	// Begin is a transaction that writes.
	Begin(ctx context.Context) (Writer, error)
}

// Snapshot is one state of a database. It holds a connection until Close.
type Snapshot interface {
	// Count is the number of a table's rows.
	Count(ctx context.Context, table *schema.Table) (int64, error)
	// Rows are a table's rows in order of its key: those after one key, up to and
	// with another; nil is no bound. They come one by one, in constant memory, and
	// end with the first error: models.ErrCorrupt for a value that is not of its
	// column's type.
	Rows(ctx context.Context, table *schema.Table, after, upTo []any) iter.Seq2[schema.Row, error]
	// Page is the rows of a range, at most its Limit.
	Page(ctx context.Context, table *schema.Table, r Range) ([]schema.Row, error)
	// Pick is the rows whose By is one of values, in order of the key; of none no rows.
	Pick(ctx context.Context, table *schema.Table, by By, values []any) ([]schema.Row, error)
	// Close ends it; of a Writer, it rolls back what was not committed.
	Close() error
}

// Writer is a transaction. After an error only Close makes sense.
type Writer interface {
	Snapshot
	// Insert adds rows under the ids they have; later ids go on after the largest.
	Insert(ctx context.Context, table *schema.Table, rows []schema.Row) error
	// Reserve has the ids that are given out go on after id, whatever becomes of the
	// transaction where the engine's counter is part of none.
	Reserve(ctx context.Context, table *schema.Table, id int64) error
	// Update writes all columns of the rows with these keys.
	Update(ctx context.Context, table *schema.Table, rows []schema.Row) error
	// Delete deletes the rows whose column is one of values, and says how many.
	Delete(ctx context.Context, table *schema.Table, column string, values []any) (int64, error)
	// Settle shuts out other callers of Settle until the end of the transaction, waits for
	// those that are adding rows, and returns an id: no row will be added up to there,
	// except under an id that a program chose itself.
	Settle(ctx context.Context, table *schema.Table) (int64, error)
	// NextID is an id for a row that this transaction will insert.
	NextID(ctx context.Context, table *schema.Table) (int64, error)
	Commit(ctx context.Context) error
}

// Range are rows between keys.
type Range struct {
	After, UpTo []any // those after one key, up to and with another; nil is no bound
	Descending  bool  // from the last to the first
	Limit       int   // 0: all
}

// By is what Pick looks at: a column, or a member of the JSON object in it, as text.
type By struct {
	Column, Member string
	Lock           bool // keep other writers from the rows until the end of the transaction
}

// Unreadable is a value of a Lenient table that is not of its column's type.
type Unreadable string
