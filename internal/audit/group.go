package audit

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/internal/scope"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// group is the queue of saves that wait for a transaction. A waiting goroutine that gets a
// token of leaders runs one transaction for all saves that wait by then. There is no
// background goroutine.
type group struct {
	leaders chan struct{} // one token per running leader
	mu      sync.Mutex
	queue   []*Save
	shared  atomic.Bool // whether the newest transaction had several saves
}

// join returns when s is done, or when its context ends before a leader has taken it.
func (g *group) join(ctx context.Context, s *Save, lead func(*Save)) error {
	g.mu.Lock()
	g.queue = append(g.queue, s)
	g.mu.Unlock()
	for {
		select {
		case <-s.done:
			return s.err
		case g.leaders <- struct{}{}:
			g.lead(s, lead)
		case <-ctx.Done():
			if g.withdraw(s) {
				return ctx.Err()
			}
			<-s.done
			return s.err
		}
	}
}

// lead runs a transaction and returns the token even if it panics.
func (g *group) lead(s *Save, lead func(*Save)) {
	defer func() { <-g.leaders }()
	if g.shared.Load() {
		g.gather()
	}
	if !s.isDone() {
		lead(s)
	}
}

// gather yields briefly so that goroutines woken by the last commit can queue their next
// save and join this one. If none comes, it costs some microseconds.
func (g *group) gather() {
	const patience = 50 // yields without a new save
	for waiting, idle := 0, 0; idle < patience; idle++ {
		runtime.Gosched()
		g.mu.Lock()
		n := len(g.queue)
		g.mu.Unlock()
		if n > waiting {
			waiting, idle = n, 0
		}
	}
}

// take removes and returns the waiting saves, in order of arrival.
func (g *group) take() []*Save {
	g.mu.Lock()
	defer g.mu.Unlock()
	saves := g.queue
	g.queue = nil
	g.shared.Store(len(saves) > 1)
	return saves
}

// fail ends s, and all saves that have waited since before then, with an error.
func (g *group) fail(s *Save, since time.Time, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.queue = slices.DeleteFunc(g.queue, func(waiting *Save) bool {
		if waiting != s && waiting.start.After(since) {
			return false
		}
		waiting.err = err
		close(waiting.done)
		return true
	})
}

// withdraw removes s and reports true, unless a leader has taken it.
func (g *group) withdraw(s *Save) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	i := slices.Index(g.queue, s)
	if i >= 0 {
		g.queue = slices.Delete(g.queue, i, i+1)
	}
	return i >= 0
}

func (s *Save) isDone() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

// lead runs one transaction for s and all saves that wait when it has begun.
func (l *Log) lead(s *Save) {
	since := time.Now()
	conn, err := l.begin(s.ctx)
	if err != nil {
		if s.ctx.Err() != nil { // join returns it; other saves may still have time
			return
		}
		l.group.fail(s, since, err)
		return
	}
	saves := l.group.take()
	defer func() {
		for _, s := range saves {
			close(s.done)
		}
	}()
	patience := time.Duration(0)
	if len(saves) > 1 { // a lock that blocks one save must not hold up the others
		patience = l.BusyTimeout / 10
	}
	l.run(conn, saves, patience)
}

// saveAlone saves s in a transaction of its own. The rest of its busy timeout limits how
// long it waits for locks.
func (l *Log) saveAlone(s *Save) error {
	conn, err := l.begin(s.ctx)
	if err != nil {
		l.fail(s, err)
		return s.err
	}
	l.run(conn, []*Save{s}, max(l.BusyTimeout-time.Since(s.start), l.BusyTimeout/10))
	return s.err
}

// begin begins a transaction that writes, on a connection that the caller closes.
func (l *Log) begin(ctx context.Context) (conn *sql.Conn, err error) {
	err = l.turns.take(ctx, func() (err error) {
		if conn, err = l.Pool.Conn(ctx); err != nil {
			return l.translate(err)
		}
		if _, err = conn.ExecContext(ctx, l.Dialect.Begin); err != nil {
			_ = l.end(conn, "ROLLBACK") // in case it began just before ctx ended
			release(conn)
		}
		return l.translate(err)
	})
	return conn, err
}

// release returns a connection to the pool. A broken one is closed, without an error to report.
func release(conn *sql.Conn) { _ = conn.Close() }

// end runs a statement that begins or ends a transaction of conn. No context interrupts it.
func (l *Log) end(conn *sql.Conn, how string) error {
	_, err := conn.ExecContext(context.Background(), how)
	return l.translate(err)
}

// commit commits the transaction of conn. If the connection breaks meanwhile, the server may
// have committed. SQLite continues a transaction whose COMMIT it rejected, so commit rolls
// it back.
func (l *Log) commit(conn *sql.Conn) error {
	err := l.end(conn, "COMMIT")
	if err != nil {
		_ = l.end(conn, "ROLLBACK")
	}
	var e *models.Error
	if errors.As(err, &e) && errors.Is(e.Kind, models.ErrUnavailable) {
		e.Reason = "the connection to the server was lost during COMMIT: the transaction may have been committed, look before writing again"
	}
	return err
}

// run writes and commits saves in the transaction of conn, and closes conn. Each save then
// has its outcome, or is marked to be saved alone. No statement waits longer than patience
// for a lock; 0 means the busy timeout.
func (l *Log) run(conn *sql.Conn, saves []*Save, patience time.Duration) {
	decided := false
	defer func() {
		// A logger of the application may panic or end the goroutine.
		if r := recover(); !decided {
			_ = l.end(conn, "ROLLBACK")
			l.failAll(saves, fmt.Errorf("tier2 hooks: panic, or runtime.Goexit, while saving: %v", r))
		}
		release(conn)
	}()
	valid := slices.DeleteFunc(slices.Clone(saves), func(s *Save) bool { return s.err != nil })
	ctx, stop := l.merge(valid)
	defer stop()
	err := l.limit(conn, patience)
	if err == nil {
		err = l.write(ctx, l.own(conn), valid)
	}
	stop()
	if err == nil {
		l.conclude(valid, l.commit(conn))
	} else {
		_ = l.end(conn, "ROLLBACK")
		l.separate(conn, valid, err)
	}
	decided = true
	release(conn)
	l.leave(saves)
}

// limit sets how long a statement of this transaction waits for locks.
func (l *Log) limit(conn *sql.Conn, patience time.Duration) error {
	if l.Dialect.LockTimeout == "" || patience <= 0 {
		return nil
	}
	return l.end(conn, fmt.Sprintf(l.Dialect.LockTimeout, max(patience.Milliseconds(), 1)))
}

// separate retries saves that were refused together one by one.
func (l *Log) separate(conn *sql.Conn, saves []*Save, refused error) {
	switch {
	case len(saves) == 1:
		l.refuse(saves[0], refused)
	case !l.Dialect.Exclusive(): // one may wait for a lock, so each caller retries its own
		leaveAlone(saves)
	default:
		l.savepoints(conn, saves)
	}
}

// conclude gives saves the outcome of their COMMIT. If it was refused, one of them may be
// the cause, for example by a deferred constraint, and each is retried alone.
func (l *Log) conclude(saves []*Save, err error) {
	if err == nil || len(saves) == 1 || errors.Is(err, models.ErrUnavailable) {
		l.failAll(saves, err)
		return
	}
	leaveAlone(saves)
}

// leaveAlone marks saves that have no error yet to be saved alone by their callers.
func leaveAlone(saves []*Save) {
	for _, s := range saves {
		s.alone = s.err == nil
	}
}

// savepoints writes the saves in one transaction with a savepoint per save.
func (l *Log) savepoints(conn *sql.Conn, saves []*Save) {
	if err := l.end(conn, l.Dialect.Begin); err != nil {
		l.failAll(saves, err)
		return
	}
	for _, s := range saves {
		if err := l.saveIn(l.own(conn), s); err != nil {
			_ = l.end(conn, "ROLLBACK")
			l.failAll(saves, err)
			return
		}
	}
	l.conclude(saves, l.commit(conn))
}

// saveIn writes a save in a savepoint of a transaction. A refusal is kept in the save; the
// returned error means that the savepoint itself failed.
func (l *Log) saveIn(pool gorm.ConnPool, s *Save) error {
	refused, broken := l.Savepoint(s.ctx, pool, func() error { return l.write(s.ctx, pool, []*Save{s}) })
	if refused != nil {
		l.refuse(s, refused)
	}
	if broken != nil {
		return errors.Join(s.err, broken)
	}
	return nil
}

// failAll sets the error, unless nil, of every save that has none yet.
func (l *Log) failAll(saves []*Save, err error) {
	for _, s := range saves {
		if err != nil && s.err == nil {
			l.fail(s, err)
		}
	}
}

// leave writes the failed entries of the saves, once, outside of any transaction.
func (l *Log) leave(saves []*Save) {
	for _, s := range saves {
		if s.failed == nil {
			continue
		}
		failed := *s.failed
		s.failed = nil
		scope.AfterAttempts(s.ctx, func() { l.WriteFailed(context.WithoutCancel(s.ctx), l.Pool, failed) })
	}
}

// merge returns the context of statements for several saves. If statements can wait for
// locks, it ends with the first of their contexts, and each save is then retried alone.
func (l *Log) merge(saves []*Save) (context.Context, context.CancelFunc) {
	if len(saves) == 1 {
		return saves[0].ctx, func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	if l.Dialect.Exclusive() {
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

// turns lets transactions begin one after the other if they share a single connection. When
// one finds the database busy, the transactions that have waited as long get the same error
// and do not each wait for another busy timeout. A nil *turns has no limit.
type turns struct {
	place chan struct{} // one token while a transaction begins
	since time.Time     // when the last rejected one began to wait
	busy  *models.Error // its error; nil if the last one could begin
}

func newTurns() *turns { return &turns{place: make(chan struct{}, 1)} }

// take calls begin, whose errors are translated, in this caller's turn.
func (t *turns) take(ctx context.Context, begin func() error) error {
	if t == nil {
		return begin()
	}
	arrived := time.Now()
	select {
	case t.place <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-t.place }()
	if t.busy != nil && arrived.Before(t.since) {
		busy := *t.busy // a copy, because callers complete their errors
		return &busy
	}
	since := time.Now()
	err := begin()
	t.since, t.busy = since, nil
	var e *models.Error
	if errors.As(err, &e) && errors.Is(e.Kind, models.ErrBusy) {
		busy := *e
		t.busy = &busy
	}
	return err
}
