package audit

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"reflect"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/seanchatmangpt/ggen/tier2/internal/scope"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Pool wraps the connection pool of a *gorm.DB. Every transaction begun on it, by GORM or by
// a caller, can leave failed entries when it has ended.
type Pool struct {
	gorm.ConnPool
	log *Log
}

// Wrap returns the pool with transactions that can leave failed entries.
func (l *Log) Wrap(pool gorm.ConnPool) *Pool { return &Pool{pool, l} }

// BeginTx implements gorm.ConnPoolBeginner.
func (p *Pool) BeginTx(ctx context.Context, opts *sql.TxOptions) (gorm.ConnPool, error) {
	var inner gorm.ConnPool
	err := p.log.turns.take(ctx, func() (err error) {
		inner, err = p.begin(ctx, opts)
		return p.log.translate(err)
	})
	if err != nil {
		return nil, err
	}
	t := &Tx{conn: conn{ConnPool: inner, log: p.log, tx: ctx}, pool: p}
	scope.OnAbandon(ctx, func() { _ = t.Rollback() })
	return t, nil
}

func (p *Pool) begin(ctx context.Context, opts *sql.TxOptions) (gorm.ConnPool, error) {
	switch beginner := p.ConnPool.(type) {
	case gorm.TxBeginner:
		return beginner.BeginTx(ctx, opts)
	case gorm.ConnPoolBeginner:
		return beginner.BeginTx(ctx, opts)
	}
	return nil, gorm.ErrInvalidTransaction
}

// GetDBConn implements gorm.GetDBConnector.
func (p *Pool) GetDBConn() (*sql.DB, error) {
	switch c := p.ConnPool.(type) {
	case *sql.DB:
		return c, nil
	case gorm.GetDBConnector:
		return c.GetDBConn()
	}
	return nil, gorm.ErrInvalidDB
}

// Tx is a transaction that writes failed entries when it has ended.
type Tx struct {
	conn
	pool   *Pool
	failed []Entry
}

// TxOf returns the transaction that a statement's pool is, or nil.
func TxOf(c gorm.ConnPool) *Tx {
	switch c := c.(type) {
	case *Tx:
		return c
	case *gorm.PreparedStmtTX:
		if c.Tx != nil {
			return TxOf(c.Tx)
		}
	}
	return nil
}

// Leave adds an entry to write when the transaction has ended.
func (t *Tx) Leave(e Entry) { t.failed = append(t.failed, e) }

// Commit commits, then writes the failed entries.
func (t *Tx) Commit() error { return t.end(gorm.TxCommitter.Commit) }

// Rollback rolls back, then writes the failed entries.
func (t *Tx) Rollback() error { return t.end(gorm.TxCommitter.Rollback) }

func (t *Tx) end(finish func(gorm.TxCommitter) error) error {
	err := finish(t.ConnPool.(gorm.TxCommitter))
	// After a failed commit GORM rolls back, and database/sql then says ErrTxDone: the
	// transaction is over either way, except that a commit which found the database busy
	// can be repeated.
	if failed := t.failed; len(failed) > 0 {
		scope.AfterAttempts(t.tx, func() {
			t.log.WriteFailed(context.WithoutCancel(t.tx), t.pool.ConnPool, failed...)
		})
	}
	t.failed = nil
	return t.log.ended(err, t.tx)
}

// StmtContext lets GORM's prepared statements run in this transaction.
func (t *Tx) StmtContext(ctx context.Context, stmt *sql.Stmt) *sql.Stmt {
	if inner, ok := t.ConnPool.(interface {
		StmtContext(context.Context, *sql.Stmt) *sql.Stmt
	}); ok {
		return inner.StmtContext(ctx, stmt)
	}
	return stmt
}

// GetDBConn implements gorm.GetDBConnector.
func (t *Tx) GetDBConn() (*sql.DB, error) { return t.pool.GetDBConn() }

// conn passes statements to a connection that is in a transaction.
type conn struct {
	gorm.ConnPool
	log *Log
	tx  context.Context // that of the transaction; nil for a statement of a save
}

// own returns the connection for statements that this package sends on its own. They reach
// the logger. On an engine where no statement waits for another writer, no context
// interrupts them: drivers pay for that with a goroutine per statement.
func (l *Log) own(pool gorm.ConnPool) gorm.ConnPool { return &conn{ConnPool: pool, log: l} }

// ExecContext implements gorm.ConnPool.
func (c *conn) ExecContext(ctx context.Context, query string, args ...any) (result sql.Result, err error) {
	if args, err = resolve(args); err != nil {
		return nil, err
	}
	begun := time.Now()
	result, err = c.ConnPool.ExecContext(c.steady(ctx), query, args...)
	c.trace(ctx, begun, query, args, err)
	return result, c.ended(ctx, err)
}

// QueryContext implements gorm.ConnPool.
func (c *conn) QueryContext(ctx context.Context, query string, args ...any) (rows *sql.Rows, err error) {
	if args, err = resolve(args); err != nil {
		return nil, err
	}
	begun, traced := time.Now(), false
	rows, err = c.ConnPool.QueryContext(c.steady(ctx), query, args...)
	defer func() {
		if !traced && err == nil { // the logger panicked: open rows would keep the connection
			rows.Close()
		}
	}()
	c.trace(ctx, begun, query, args, err)
	traced = true
	return rows, c.ended(ctx, err)
}

func (c *conn) steady(ctx context.Context) context.Context {
	if c.tx == nil && c.log.Dialect.Exclusive() {
		return context.WithoutCancel(ctx)
	}
	return ctx
}

func (c *conn) trace(ctx context.Context, begun time.Time, query string, args []any, err error) {
	if c.tx == nil && c.log.log != logger.Discard {
		c.log.log.Trace(ctx, begun, func() (string, int64) { return c.log.explain(query, args...), -1 }, err)
	}
}

func (c *conn) ended(ctx context.Context, err error) error {
	if c.tx == nil {
		return err
	}
	return c.log.ended(err, ctx, c.tx)
}

// ended names the end of a context as the reason why a transaction or connection is over.
// database/sql rolls back by itself then, and the next statement may only report ErrTxDone;
// pgx closes the connection, and the next statement may only report that.
func (l *Log) ended(err error, ctxs ...context.Context) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	var reason error
	for _, ctx := range ctxs {
		reason = errors.Join(reason, ctx.Err())
	}
	if reason != nil && (errors.Is(err, sql.ErrTxDone) || errors.Is(l.translate(err), models.ErrUnavailable)) {
		return errors.Join(reason, err)
	}
	return err
}

// resolve replaces driver.Valuers by their values. If one panics inside database/sql, that
// keeps a lock for which the rollback waits for ever.
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

// Savepoint runs write in a savepoint of a transaction and undoes it if it fails, so that a
// refused write leaves nothing even if the caller ignores the error and commits. broken is
// an error of the savepoint itself.
func (l *Log) Savepoint(ctx context.Context, pool gorm.ConnPool, write func() error) (err, broken error) {
	exec := func(query string) error {
		// The end of the context must not keep the savepoint: the transaction may use another.
		_, err := pool.ExecContext(context.WithoutCancel(ctx), query+" tier2_write")
		return l.translate(err)
	}
	if broken = exec("SAVEPOINT"); broken != nil {
		return nil, broken
	}
	if err = write(); err != nil {
		if broken = exec("ROLLBACK TO SAVEPOINT"); broken != nil {
			return err, broken
		}
	}
	return err, exec("RELEASE SAVEPOINT")
}
