package contract

import (
	"context"
	"sync/atomic"
	"time"

	"gorm.io/gorm/logger"
)

// point is a context that ends at its nth use. GORM, the hooks, database/sql and the drivers
// use it before and during each statement, and endings uses it afterwards. So a test can end
// a call at each of its points, one after another.
type point struct {
	context.Context
	cancel context.CancelFunc
	left   atomic.Int64 // uses until it ends
}

// endAt returns a context that ends at use n, or never if n is 0.
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

// reached reports whether use n has happened.
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

// Value implements context.Context; endings uses it to find the point below other contexts.
func (p *point) Value(key any) any {
	if key == (pointKey{}) {
		return p
	}
	return p.Context.Value(key)
}

// endings is a logger that uses the point of each statement after it has run, including
// statements that run even if their context has ended.
type endings struct{ logger.Interface }

// LogMode implements logger.Interface.
func (e endings) LogMode(logger.LogLevel) logger.Interface { return e }

// Trace implements logger.Interface.
func (endings) Trace(ctx context.Context, _ time.Time, _ func() (string, int64), _ error) {
	if p, ok := ctx.Value(pointKey{}).(*point); ok {
		p.look()
	}
}
