package hooks

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// group is the queue of the saves that wait for a transaction. Whoever waits and
// finds a place among the leaders runs one, for all that wait by then; there is no
// goroutine of its own.
type group struct {
	leaders chan struct{} // holds a token for each that is at work
	mu      sync.Mutex
	queue   []*save
	shared  atomic.Bool // whether the newest transaction had several saves
}

// join returns when s is done, or given up because its context ended before a leader
// took it.
func (g *group) join(ctx context.Context, s *save, lead func(*save)) error {
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

// lead gives the place among the leaders back, whatever happens.
func (g *group) lead(s *save, lead func(*save)) {
	defer func() { <-g.leaders }()
	if g.shared.Load() {
		g.gather()
	}
	if !s.isDone() {
		lead(s)
	}
}

// gather lets those who shared the last transaction, who are just waking up and may save
// again, have their turn on the processors first, as long as they come: some
// microseconds more if none does.
func (g *group) gather() {
	const patience = 50 // turns without a newcomer
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

// take removes and returns what waits, in order of arrival.
func (g *group) take() []*save {
	g.mu.Lock()
	defer g.mu.Unlock()
	saves := g.queue
	g.queue = nil
	g.shared.Store(len(saves) > 1)
	return saves
}

// fail ends s, and all that waited since before then, with an error.
func (g *group) fail(s *save, since time.Time, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.queue = slices.DeleteFunc(g.queue, func(waiting *save) bool {
		if waiting != s && waiting.start.After(since) {
			return false
		}
		waiting.err = err
		close(waiting.done)
		return true
	})
}

// withdraw removes s, unless a leader has taken it.
func (g *group) withdraw(s *save) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	i := slices.Index(g.queue, s)
	if i >= 0 {
		g.queue = slices.Delete(g.queue, i, i+1)
	}
	return i >= 0
}

func (s *save) isDone() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}
