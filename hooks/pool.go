package hooks

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"reflect"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/seanchatmangpt/ggen/tier2/internal/scope"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// pool wraps the connection pool of a *gorm.DB, so that every transaction begun on
// it, GORM's own or a caller's, can write the failed entries when it has ended.
type pool struct {
	gorm.ConnPool
	plugin    *Plugin
	log       logger.Interface
	translate func(error) error
}

// translator is how db's errors are translated.
func translator(db *gorm.DB) func(error) error {
	if t, ok := db.Dialector.(gorm.ErrorTranslator); ok && db.TranslateError {
		return t.Translate
	}
	return func(err error) error { return err }
}

// BeginTx implements gorm.ConnPoolBeginner.
func (p *pool) BeginTx(ctx context.Context, opts *sql.TxOptions) (gorm.ConnPool, error) {
	var inner gorm.ConnPool
	err := p.plugin.turns.take(ctx, func() (err error) {
		inner, err = p.beginInner(ctx, opts)
		return p.translate(err)
	})
	if err != nil {
		return nil, err
	}
	t := &tx{ConnPool: inner, pool: p, ctx: ctx}
	scope.OnAbandon(ctx, func() { _ = t.Rollback() })
	return t, nil
}

func (p *pool) beginInner(ctx context.Context, opts *sql.TxOptions) (gorm.ConnPool, error) {
	switch beginner := p.ConnPool.(type) {
	case gorm.TxBeginner:
		return beginner.BeginTx(ctx, opts)
	case gorm.ConnPoolBeginner:
		return beginner.BeginTx(ctx, opts)
	}
	return nil, gorm.ErrInvalidTransaction
}

// GetDBConn implements gorm.GetDBConnector.
func (p *pool) GetDBConn() (*sql.DB, error) { return sqlDB(p.ConnPool) }

func sqlDB(c gorm.ConnPool) (*sql.DB, error) {
	switch c := c.(type) {
	case *sql.DB:
		return c, nil
	case gorm.GetDBConnector:
		return c.GetDBConn()
	}
	return nil, gorm.ErrInvalidDB
}

// tx is a transaction that remembers which writes were refused in it.
type tx struct {
	gorm.ConnPool
	pool     *pool
	ctx      context.Context
	failures []entry
}

// Commit commits, then writes the failed entries.
func (t *tx) Commit() error { return t.end(gorm.TxCommitter.Commit) }

// Rollback rolls back, then writes the failed entries.
func (t *tx) Rollback() error { return t.end(gorm.TxCommitter.Rollback) }

// ExecContext implements gorm.ConnPool.
func (t *tx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	args, err := resolve(args)
	if err != nil {
		return nil, err
	}
	result, err := t.ConnPool.ExecContext(ctx, query, args...)
	return result, t.because(ctx, err)
}

// QueryContext implements gorm.ConnPool.
func (t *tx) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	args, err := resolve(args)
	if err != nil {
		return nil, err
	}
	rows, err := t.ConnPool.QueryContext(ctx, query, args...)
	return rows, t.because(ctx, err)
}

// because names the end of the statement's context, or of the transaction's, as the
// reason why a transaction is over: database/sql rolls back by itself then, and may only
// say that this was done; pgx closes the connection, and may only say that it is closed.
func (t *tx) because(ctx context.Context, err error) error {
	ended := errors.Join(ctx.Err(), t.ctx.Err())
	if err == nil || ended == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if errors.Is(err, sql.ErrTxDone) || errors.Is(t.pool.translate(err), models.ErrUnavailable) {
		return errors.Join(ended, err)
	}
	return err
}

// resolve asks the driver.Valuers among args for their values. If one panics inside
// database/sql, that keeps a lock which the rollback then waits for, for ever.
func resolve(args []any) ([]any, error) {
	for i, arg := range args {
		valuer, ok := arg.(driver.Valuer)
		if !ok {
			continue
		}
		if v := reflect.ValueOf(arg); v.Kind() == reflect.Pointer && v.IsNil() {
			continue
		}
		value, err := valuer.Value()
		if err != nil {
			return nil, err
		}
		args[i] = value
	}
	return args, nil
}

// StmtContext lets GORM's prepared statements run in this transaction.
func (t *tx) StmtContext(ctx context.Context, stmt *sql.Stmt) *sql.Stmt {
	if inner, ok := t.ConnPool.(interface {
		StmtContext(context.Context, *sql.Stmt) *sql.Stmt
	}); ok {
		return inner.StmtContext(ctx, stmt)
	}
	return stmt
}

// GetDBConn implements gorm.GetDBConnector.
func (t *tx) GetDBConn() (*sql.DB, error) { return t.pool.GetDBConn() }

func (t *tx) end(finish func(gorm.TxCommitter) error) error {
	err := finish(t.ConnPool.(gorm.TxCommitter))
	// After a failed commit GORM rolls back, and database/sql then says ErrTxDone:
	// the transaction is over either way, except that a commit which found the
	// database busy can be tried again.
	if failures := t.failures; len(failures) > 0 {
		scope.AfterAttempts(t.ctx, func() {
			t.pool.plugin.writeFailures(context.WithoutCancel(t.ctx), t.pool.ConnPool, t.pool.log, failures)
		})
	}
	t.failures = nil
	return t.because(t.ctx, err)
}

// currentTx is the transaction that wraps the statement's pool, or nil.
func currentTx(c gorm.ConnPool) *tx {
	switch c := c.(type) {
	case *tx:
		return c
	case *gorm.PreparedStmtTX:
		if c.Tx != nil {
			return currentTx(c.Tx)
		}
	}
	return nil
}

// writeFailures writes entries outside of any transaction. They say what went wrong
// and must not hide it, so an error here only reaches the log.
func (p *Plugin) writeFailures(ctx context.Context, pool gorm.ConnPool, log logger.Interface, failures []entry) {
	for _, f := range failures {
		if err := p.dialect.insertEntries(ctx, pool, []entry{f}); err != nil && !errors.Is(err, sql.ErrConnDone) {
			log.Error(ctx, "tier2: a failed audit entry could not be written: %v", err)
		}
	}
}
