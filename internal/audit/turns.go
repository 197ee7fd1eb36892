package audit

import (
	"context"
	"errors"
	"time"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

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
