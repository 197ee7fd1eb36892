package hooks

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// turns lets transactions begin one after the other, where they share one connection
// anyway. When one found the database busy, those who have waited as long need not find
// it out in their turn, each for another busy timeout. A nil *turns lets all begin.
type turns struct {
	place chan struct{} // holds a token while one begins
	since time.Time     // when the last one that was refused began to wait
	busy  *models.Error // what it was told; nil if the last one could begin
}

// newTurns is nil unless pool has a single connection.
func newTurns(pool gorm.ConnPool) *turns {
	if db, err := sqlDB(pool); err != nil || db.Stats().MaxOpenConnections != 1 {
		return nil
	}
	return &turns{place: make(chan struct{}, 1)}
}

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
		told := *t.busy // errors are completed by those who get them
		return &told
	}
	since := time.Now()
	err := begin()
	t.since, t.busy = since, nil
	var e *models.Error
	if errors.As(err, &e) && e.Kind == models.ErrBusy {
		told := *e
		t.busy = &told
	}
	return err
}
