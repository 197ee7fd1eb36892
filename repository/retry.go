package repository

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/seanchatmangpt/ggen/tier2/internal/scope"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// maxTries is how often a transaction that always loses is run. The pauses in between start
// at about 5 ms and grow to half a second, which makes about three seconds.
const maxTries = 12

// pauses returns exponential pauses, each between half and one and a half times its length,
// so that transactions that collided once do not collide again.
func pauses() backoff.BackOff {
	return &backoff.ExponentialBackOff{
		InitialInterval: 5 * time.Millisecond, RandomizationFactor: 0.5, Multiplier: 2, MaxInterval: 500 * time.Millisecond,
	}
}

// retry runs a transaction and repeats it whole if it lost against another one
// (models.ErrRetry): a serialization failure or a deadlock. Inside a caller's transaction it
// runs once, because only the caller can repeat all of that.
//
// Of several attempts only the last leaves failed entries in the audit log.
func (h handle) retry(ctx context.Context, transaction func(ctx context.Context) error) error {
	if h.inside() {
		return transaction(ctx)
	}
	return scope.Attempts(ctx, func(ctx context.Context, again func()) error {
		last := transaction(ctx)
		if !errors.Is(last, models.ErrRetry) { // the usual case, without the cost of a retry
			return last
		}
		tries := 0
		_, err := backoff.Retry(ctx, func() (struct{}, error) {
			if tries++; tries > 1 {
				again()
				last = transaction(ctx)
			}
			if last != nil && !errors.Is(last, models.ErrRetry) {
				return struct{}{}, backoff.Permanent(last)
			}
			return struct{}{}, last
		}, backoff.WithBackOff(pauses()), backoff.WithMaxTries(maxTries))
		switch {
		case !errors.Is(last, models.ErrRetry):
			return last
		case ctx.Err() != nil && tries < maxTries:
			return errors.Join(ctx.Err(), last)
		}
		return fmt.Errorf("after %d tries: %w", tries, err)
	})
}

// keepChildren returns a function that restores receipts and their children.
func keepChildren(receipts []*models.Receipt) (restore func()) {
	saved := make([]models.Receipt, len(receipts))
	for i, r := range receipts {
		saved[i] = *r
		saved[i].Metrics, saved[i].Violations = slices.Clone(r.Metrics), slices.Clone(r.Violations)
	}
	return func() {
		for i, r := range receipts {
			metrics, violations := r.Metrics, r.Violations
			*r = saved[i]
			r.Metrics, r.Violations = metrics, violations
			copy(r.Metrics, saved[i].Metrics)
			copy(r.Violations, saved[i].Violations)
		}
	}
}
