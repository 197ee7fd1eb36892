package repository

import (
	"context"
	"time"

	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/ledger"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Handle is what every repository works with. Inside a transaction Write and Read
// are both that transaction.
type Handle struct {
	Write *gorm.DB         // the handle that writes, hooks installed
	Read  *gorm.DB         // a handle for reading, which may be a pool of its own
	Now   func() time.Time // the store's clock; time.Now if nil
	// Creator, unless nil, writes new rows instead of GORM.
	Creator Creator
	// Adding, unless nil, lists the transactions that may have taken ids of audit_log
	// which nobody else sees yet. Nil says that ids are committed in their order.
	Adding func(ctx context.Context) ([]string, error)
	// Ledger proves the audit log; nil where nobody keeps its tree.
	Ledger Ledger
}

// Creator writes new rows with what they owe to audit log and memory, all or none,
// and gives them their ids; in the transaction that db is, if it is one.
type Creator interface {
	Create(ctx context.Context, db *gorm.DB, rows ...models.Model) error
}

// Ledger keeps the Merkle tree over the audit log. What its methods do and return is what
// those of Audit say.
type Ledger interface {
	Seal(ctx context.Context) (ledger.Checkpoint, error)
	Verify(ctx context.Context, opts ledger.VerifyOptions) (*ledger.Report, error)
	Prove(ctx context.Context, id int64) (*ledger.Proof, error)
}

// in is h inside the transaction tx.
func (h Handle) in(tx *gorm.DB) Handle {
	h.Write, h.Read = tx, tx
	return h
}

// now is the clock in UTC, to the microsecond that both engines keep.
func (h Handle) now() time.Time {
	if h.Now == nil {
		return models.At(time.Now()).Time
	}
	return models.At(h.Now()).Time
}

func (h Handle) write(ctx context.Context) *gorm.DB { return h.Write.WithContext(ctx) }

func (h Handle) read(ctx context.Context) *gorm.DB { return h.Read.WithContext(ctx) }

// transaction runs fn in one transaction, again from its beginning if that lost against
// another, or in a savepoint of the one h is in.
func (h Handle) transaction(ctx context.Context, fn func(tx *gorm.DB) error) error {
	return h.retry(ctx, func(ctx context.Context) error { return h.write(ctx).Transaction(fn) })
}

// affected does one write, likewise, and says how many rows it changed.
func (h Handle) affected(ctx context.Context, write func(db *gorm.DB) *gorm.DB) (n int64, err error) {
	err = h.retry(ctx, func(ctx context.Context) error {
		res := write(h.write(ctx))
		n = res.RowsAffected
		return res.Error
	})
	return n, err
}
