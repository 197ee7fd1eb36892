package contract

import (
	"context"
	"sync/atomic"
	"time"

	"gorm.io/gorm/logger"
)

// point is a context that ends at the nth time that somebody looks at it: GORM, the
// hooks, database/sql and the drivers do so before each statement and while it runs, and
// endings looks after it. So a call can be ended at each of its points, one after another.
type point struct {
	context.Context
	cancel context.CancelFunc
	left   atomic.Int64 // looks until it ends
}

// endAt is a context that ends at look n; 0 is never.
func endAt(parent context.Context, n int64) *point {
	p := &point{}
	p.Context, p.cancel = context.WithCancel(parent)
	p.left.Store(n)
	return p
}

func (p *point) look() {
	if p.left.Add(-1) == 0 {
		p.cancel()
	}
}

// reached reports whether it came to look n.
func (p *point) reached() bool { return p.left.Load() <= 0 }

// Done implements context.Context.
func (p *point) Done() <-chan struct{} {
	p.look()
	return p.Context.Done()
}

// Err implements context.Context.
func (p *point) Err() error {
	p.look()
	return p.Context.Err()
}

type pointKey struct{}

// Value implements context.Context; endings finds the point below whatever wraps it.
func (p *point) Value(key any) any {
	if key == (pointKey{}) {
		return p
	}
	return p.Context.Value(key)
}

// endings is a logger that looks at the point of each statement when it has been run:
// also of those that run whether or not their context has ended.
type endings struct{ logger.Interface }

// LogMode implements logger.Interface.
func (e endings) LogMode(logger.LogLevel) logger.Interface { return e }

// Trace implements logger.Interface.
func (endings) Trace(ctx context.Context, _ time.Time, _ func() (string, int64), _ error) {
	if p, ok := ctx.Value(pointKey{}).(*point); ok {
		p.look()
	}
}
