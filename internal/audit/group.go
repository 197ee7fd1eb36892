package audit

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
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
