package tier2test

import (
	"sync"
	"time"
)

// Clock is a clock that only the test advances. The zero value shows 2026-01-01 12:00:00 UTC.
// It is safe for concurrent use.
//
//	clock := new(tier2test.Clock)
//	store := tier2test.Open(t, tier2.WithClock(clock.Now))
type Clock struct {
	// Step is added to the clock by each call of Now, so that no two rows have the same
	// time. The times of rows are reproducible if only one goroutine writes.
	Step time.Duration

	mu     sync.Mutex
	passed time.Duration // since the first time
}

// Now returns the time of the clock, and then adds Step to it.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC).Add(c.passed)
	c.passed += c.Step
	return now
}

// Advance adds d to the clock. d may be negative.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.passed += d
}
