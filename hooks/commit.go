package hooks

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/seanchatmangpt/ggen/tier2/internal/scope"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// lead runs one transaction for s and all that wait by the time it has begun.
func (w *Writer) lead(s *save) {
	since := time.Now()
	conn, err := w.begin(s.ctx)
	if err != nil {
		if s.ctx.Err() != nil { // the others may have more patience
			return // join finds out
		}
		w.group.fail(s, since, err)
		return
	}
	saves := w.group.take()
	defer func() {
		for _, s := range saves {
			close(s.done)
		}
	}()
	patience := time.Duration(0)
	if len(saves) > 1 { // a lock that one of them waits for is not the others' matter
		patience = w.busy / 10
	}
	w.run(conn, saves, patience)
}

// saveAlone saves s in a transaction of its own, after one that it shared was refused.
// What remains of its busy timeout is for others' locks.
func (w *Writer) saveAlone(s *save) error {
	conn, err := w.begin(s.ctx)
	if err != nil {
		s.fail(err)
		return err
	}
	w.run(conn, []*save{s}, max(w.busy-time.Since(s.start), w.busy/10))
	return s.err
}

// begin begins a transaction that may write, on a connection that the caller closes.
func (w *Writer) begin(ctx context.Context) (conn *sql.Conn, err error) {
	err = w.plugin.turns.take(ctx, func() (err error) {
		if conn, err = w.pool.Conn(ctx); err != nil {
			return w.translate(err)
		}
		if _, err = conn.ExecContext(ctx, w.plugin.dialect.begin); err != nil {
			_ = w.end(conn, "ROLLBACK") // should it have begun just before ctx ended
			conn.Close()
		}
		return w.translate(err)
	})
	return conn, err
}

// end runs a statement that begins or ends a transaction of conn, whatever becomes of
// contexts.
func (w *Writer) end(conn *sql.Conn, how string) error {
	_, err := conn.ExecContext(context.Background(), how)
	return w.translate(err)
}

// commit ends the transaction of conn. If the connection broke meanwhile, only a look
// tells whether the server had done it. SQLite goes on with a transaction whose COMMIT
// it refused.
func (w *Writer) commit(conn *sql.Conn) error {
	err := w.end(conn, "COMMIT")
	if err != nil {
		_ = w.end(conn, "ROLLBACK")
	}
	var e *models.Error
	if errors.As(err, &e) && e.Kind == models.ErrUnavailable {
		e.Reason = "the connection to the server was lost during COMMIT: the transaction may have been committed, look before writing again"
	}
	return err
}

// run writes and commits saves in the transaction that conn has begun, closes conn,
// and leaves in each save how it ended, or that it is to be saved alone. No statement
// waits longer than patience for a lock; 0 is the busy timeout.
func (w *Writer) run(conn *sql.Conn, saves []*save, patience time.Duration) {
	decided := false
	defer func() {
		// What the application plugs in, such as a logger, may panic, or end the goroutine.
		if r := recover(); !decided {
			_ = w.end(conn, "ROLLBACK")
			failAll(saves, fmt.Errorf("tier2 hooks: panic, or runtime.Goexit, while saving: %v", r))
		}
		conn.Close()
	}()
	valid := slices.DeleteFunc(slices.Clone(saves), func(s *save) bool { return s.err != nil })
	ctx, stop := w.merge(valid)
	defer stop()
	err := w.limit(conn, patience)
	if err == nil {
		err = w.insert(ctx, w.wrap(conn), valid)
	}
	stop()
	if err == nil {
		w.conclude(valid, w.commit(conn))
	} else {
		_ = w.end(conn, "ROLLBACK")
		w.separate(conn, valid, err)
	}
	decided = true
	conn.Close()
	w.leave(saves)
}

// limit sets how long a statement of this transaction waits for others' locks.
func (w *Writer) limit(conn *sql.Conn, patience time.Duration) error {
	if w.plugin.dialect.patience == "" || patience <= 0 {
		return nil
	}
	return w.end(conn, fmt.Sprintf(w.plugin.dialect.patience, max(patience.Milliseconds(), 1)))
}

// separate has saves that were refused together tried again, each for itself.
func (w *Writer) separate(conn *sql.Conn, saves []*save, refused error) {
	switch {
	case len(saves) == 1:
		saves[0].refuse(refused)
	case w.plugin.dialect.lock != "": // one may wait for others' locks: its caller goes on
		leaveAlone(saves)
	default:
		w.savepoints(conn, saves)
	}
}

// conclude gives saves the outcome of their COMMIT. If it was refused, one of them may
// have caused that, such as by a deferred constraint.
func (w *Writer) conclude(saves []*save, err error) {
	if err == nil || len(saves) == 1 || errors.Is(err, models.ErrUnavailable) {
		failAll(saves, err)
		return
	}
	leaveAlone(saves)
}

// leaveAlone leaves saves that have no error yet to their callers.
func leaveAlone(saves []*save) {
	for _, s := range saves {
		s.alone = s.err == nil
	}
}

// savepoints is one transaction with a savepoint for each save.
func (w *Writer) savepoints(conn *sql.Conn, saves []*save) {
	if err := w.end(conn, w.plugin.dialect.begin); err != nil {
		failAll(saves, err)
		return
	}
	for _, s := range saves {
		if err := w.saveIn(w.wrap(conn), s); err != nil {
			_ = w.end(conn, "ROLLBACK")
			failAll(saves, err)
			return
		}
	}
	w.conclude(saves, w.commit(conn))
}

// saveIn writes one save in a savepoint of the transaction that pool is. What is
// refused stays in the save; an error means that the savepoint itself failed.
func (w *Writer) saveIn(pool gorm.ConnPool, s *save) error {
	exec := func(query string) error {
		_, err := pool.ExecContext(context.WithoutCancel(s.ctx), query)
		return w.translate(err)
	}
	if err := exec("SAVEPOINT " + savepoint); err != nil {
		return err
	}
	if err := w.insert(s.ctx, pool, []*save{s}); err != nil {
		s.refuse(err)
		if err := exec("ROLLBACK TO SAVEPOINT " + savepoint); err != nil {
			return errors.Join(s.err, err)
		}
	}
	return exec("RELEASE SAVEPOINT " + savepoint)
}

// failAll gives an error, if it is one, to every save that has none yet.
func failAll(saves []*save, err error) {
	for _, s := range saves {
		if err != nil && s.err == nil {
			s.fail(err)
		}
	}
}

// leave writes the failed entries, each once, outside of any transaction.
func (w *Writer) leave(saves []*save) {
	for _, s := range saves {
		if s.failed == nil {
			continue
		}
		failures := []entry{*s.failed}
		s.failed = nil
		scope.AfterAttempts(s.ctx, func() {
			w.plugin.writeFailures(context.WithoutCancel(s.ctx), w.pool, w.log, failures)
		})
	}
}

// merge is the context of statements for several saves at once. Where they may wait
// for others' locks it ends with the first of theirs, and each is then tried alone.
func (w *Writer) merge(saves []*save) (context.Context, context.CancelFunc) {
	if len(saves) == 1 {
		return saves[0].ctx, func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	if w.plugin.dialect.lock == "" {
		return ctx, cancel
	}
	stops := make([]func() bool, len(saves))
	for i, s := range saves {
		stops[i] = context.AfterFunc(s.ctx, cancel)
	}
	return ctx, func() {
		for _, stop := range stops {
			stop()
		}
		cancel()
	}
}

// wrap makes the statements of a connection known to the logger. On an engine where
// none of them waits, no context interrupts one: drivers pay for that with a goroutine
// each.
func (w *Writer) wrap(pool gorm.ConnPool) gorm.ConnPool { return &conn{pool, w} }

type conn struct {
	gorm.ConnPool
	w *Writer
}

// ExecContext implements gorm.ConnPool.
func (c *conn) ExecContext(ctx context.Context, query string, args ...any) (result sql.Result, err error) {
	begun := time.Now()
	result, err = c.ConnPool.ExecContext(c.steady(ctx), query, args...)
	c.trace(ctx, begun, query, args, err)
	return result, err
}

// QueryContext implements gorm.ConnPool.
func (c *conn) QueryContext(ctx context.Context, query string, args ...any) (rows *sql.Rows, err error) {
	begun := time.Now()
	rows, err = c.ConnPool.QueryContext(c.steady(ctx), query, args...)
	traced := false
	defer func() {
		if !traced && err == nil { // open rows would keep the connection for ever
			rows.Close()
		}
	}()
	c.trace(ctx, begun, query, args, err)
	traced = true
	return rows, err
}

func (c *conn) steady(ctx context.Context) context.Context {
	if c.w.plugin.dialect.lock == "" {
		return context.WithoutCancel(ctx)
	}
	return ctx
}

func (c *conn) trace(ctx context.Context, begun time.Time, query string, args []any, err error) {
	if c.w.log == logger.Discard {
		return
	}
	c.w.log.Trace(ctx, begun, func() (string, int64) { return c.w.explain(query, args...), -1 }, err)
}
