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

	"github.com/seanchatmangpt/ggen/tier2/internal/attempt"
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
		if r := recover(); r != nil {
			_ = w.end(conn, "ROLLBACK")
			failAll(saves, fmt.Errorf("tier2 hooks: panic while saving: %v", r))
		}
		conn.Close()
		for _, s := range saves {
			close(s.done)
		}
	}()
	w.run(conn, saves)
}

// begin begins a transaction that may write, on a connection that the caller closes.
func (w *Writer) begin(ctx context.Context) (*sql.Conn, error) {
	conn, err := w.pool.Conn(ctx)
	if err != nil {
		return nil, w.translate(err)
	}
	if _, err := conn.ExecContext(ctx, w.plugin.dialect.begin); err != nil {
		_ = w.end(conn, "ROLLBACK") // should it have begun just before ctx ended
		conn.Close()
		return nil, w.translate(err)
	}
	return conn, nil
}

// end ends the transaction of conn.
func (w *Writer) end(conn *sql.Conn, how string) error {
	_, err := conn.ExecContext(context.Background(), how)
	return w.translate(err)
}

// run writes and commits saves in the transaction that conn has begun, closes conn,
// and leaves in each save how it ended.
func (w *Writer) run(conn *sql.Conn, saves []*save) {
	valid := slices.DeleteFunc(slices.Clone(saves), func(s *save) bool { return s.err != nil })
	ctx, stop := w.merge(valid)
	err := w.insert(ctx, w.wrap(conn), valid)
	stop()
	if err == nil {
		failAll(valid, w.end(conn, "COMMIT"))
	} else {
		_ = w.end(conn, "ROLLBACK")
		w.separate(conn, valid, err)
	}
	conn.Close()
	w.leave(saves)
}

// separate tries again, each for itself, saves that were refused together.
func (w *Writer) separate(conn *sql.Conn, saves []*save, refused error) {
	switch {
	case len(saves) == 1:
		saves[0].refuse(refused)
	case w.plugin.dialect.lock != "": // one may wait for others' locks: it waits alone
		conn.Close()
		for _, s := range saves {
			if conn, err := w.begin(s.ctx); err != nil {
				s.err = err
			} else {
				w.run(conn, []*save{s})
			}
		}
	default:
		failAll(saves, w.savepoints(conn, saves))
	}
}

// savepoints is one transaction with a savepoint for each save. Its error is that of
// the transaction.
func (w *Writer) savepoints(conn *sql.Conn, saves []*save) error {
	if err := w.end(conn, w.plugin.dialect.begin); err != nil {
		return err
	}
	for _, s := range saves {
		if err := w.saveIn(w.wrap(conn), s); err != nil {
			_ = w.end(conn, "ROLLBACK")
			return err
		}
	}
	return w.end(conn, "COMMIT")
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
		attempt.AfterLast(s.ctx, func() {
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
	c.trace(ctx, begun, query, args, err)
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
