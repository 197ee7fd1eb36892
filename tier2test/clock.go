package tier2test

import (
	"sync"
	"time"
)

// Clock is a clock that only a test moves. The zero value shows 2026-01-01 12:00:00 UTC
// and stands still. It is safe for concurrent use.
//
//	clock := new(tier2test.Clock)
//	store := tier2test.Open(t, tier2.WithClock(clock.Now))
type Clock struct {
	// Step is how far each call of Now moves the clock, so that no two rows have the
	// same time. Which row has which is the same each time only where one goroutine writes.
	Step time.Duration

	mu     sync.Mutex
	passed time.Duration // since the first instant
}

// Now is the time that the clock shows; the first call shows the first instant.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC).Add(c.passed)
	c.passed += c.Step
	return now
}

// Advance moves the clock by d, back if d is negative.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.passed += d
}
