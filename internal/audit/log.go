// Package audit is the write path of tier2. It writes rows together with the audit entries
// that describe them and the memory of the agents that wrote them, in one transaction.
//
// Save writes new rows of the models. Record writes the entries and the memory for changes
// that GORM has made. Both use one form of a row, a schema.Row.
package audit

import (
	"context"
	"database/sql"
	"fmt"
	"sync/atomic"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine/dialect"
	"github.com/seanchatmangpt/ggen/tier2/internal/redact"
	"github.com/seanchatmangpt/ggen/tier2/ledger"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Config configures a Log. The zero value serves a *gorm.DB of the caller's own.
type Config struct {
	Now     func() time.Time        // the clock; nil: GORM's NowFunc
	Secrets []func(key string) bool // additional keys whose values are redacted
	Pool    *sql.DB                 // nil: that of the *gorm.DB
	Read    *gorm.DB                // a pool for reading; nil: the *gorm.DB itself
	// ReadOnly rejects every write with models.ErrReadOnly. It ends a sentence about the
	// database, such as "was opened for reading only"; "" permits writes.
	ReadOnly string
	// Inserted is called in the transaction of each INSERT with the largest new id; nil
	// for none.
	Inserted func(ctx context.Context, tx gorm.ConnPool, table string, id int64)
	// Writers is how many shared transactions run at once. 0: as many as the pool has
	// connections, and 1 on an engine with a single writer.
	Writers int
	// BusyTimeout is how long the connections wait for locks. 0: 10 s.
	BusyTimeout time.Duration
	// Ungrouped gives every save a transaction of its own.
	Ungrouped bool
	// Adding lists the transactions that may have taken ids of audit_log that other
	// clients cannot see yet. Nil says that ids are committed in their order.
	Adding func(ctx context.Context) ([]string, error)
	// Ledger proves the audit log; nil where its tree is not kept.
	Ledger Ledger
}

// Ledger keeps the Merkle tree over the audit log. repository.Audit documents its methods.
// Seal adds about limit entries at most; 0 means all.
type Ledger interface {
	Seal(ctx context.Context, limit int) (ledger.Checkpoint, error)
	Verify(ctx context.Context, opts ledger.VerifyOptions) (*ledger.Report, error)
	Prove(ctx context.Context, id int64) (*ledger.Proof, error)
}

// Log is the write path of one database. It is safe for use by many goroutines.
type Log struct {
	Config
	Dialect *dialect.Dialect
	Redact  *redact.Redactor

	log       logger.Interface
	translate func(error) error
	explain   func(query string, args ...any) string
	turns     *turns
	group     group
	wrote     atomic.Bool
}

// Install makes db an audited database, whose Log Of then returns. It fails on an engine
// that has no Dialect.
func Install(db *gorm.DB, cfg Config) (*Log, error) {
	l, err := New(db, cfg)
	if err != nil {
		return nil, err
	}
	return l, db.Use(l)
}

// New returns a Log of db as Install does, for the caller alone.
func New(db *gorm.DB, cfg Config) (*Log, error) {
	d := dialect.For(db.Name())
	if d == nil {
		return nil, fmt.Errorf("tier2 hooks: no support for %q, only for sqlite and postgres", db.Name())
	}
	l := &Log{
		Config: cfg, Dialect: d, Redact: redact.New(cfg.Secrets...),
		log: db.Logger, translate: translator(db), explain: db.Explain,
	}
	if l.Now == nil {
		l.Now = db.NowFunc
	}
	if l.Pool == nil {
		l.Pool, _ = db.DB() // without one, saves use GORM's transactions
	}
	if l.BusyTimeout <= 0 {
		l.BusyTimeout = 10 * time.Second
	}
	connections := 0
	if l.Pool != nil {
		connections = l.Pool.Stats().MaxOpenConnections
	}
	if l.Writers <= 0 {
		if l.Writers = max(connections, 1); d.Exclusive() {
			l.Writers = 1
		}
	}
	l.group.leaders = make(chan struct{}, l.Writers)
	if connections == 1 {
		l.turns = newTurns()
	}
	return l, nil
}

// Of returns the Log of an audited database, or nil.
func Of(db *gorm.DB) *Log {
	l, _ := db.Plugins[(*Log)(nil).Name()].(*Log)
	return l
}

// Name implements gorm.Plugin.
func (*Log) Name() string { return "tier2:audit" }

// Initialize implements gorm.Plugin. It does nothing, so that another *gorm.DB with the same
// plugins shares the Log.
func (*Log) Initialize(*gorm.DB) error { return nil }

// Wrote reports whether anything was written, or was about to be.
func (l *Log) Wrote() bool { return l.wrote.Load() }

// MayWrite rejects a write to a database that is read-only, and notes it otherwise.
func (l *Log) MayWrite() error {
	if l.ReadOnly != "" {
		return &models.Error{Kind: models.ErrReadOnly, Reason: "the database " + l.ReadOnly}
	}
	l.wrote.Store(true)
	return nil
}

// translator returns the function that translates the errors of db.
func translator(db *gorm.DB) func(error) error {
	if t, ok := db.Dialector.(gorm.ErrorTranslator); ok && db.TranslateError {
		return t.Translate
	}
	return func(err error) error { return err }
}
