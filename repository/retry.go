package repository

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/seanchatmangpt/ggen/tier2/internal/scope"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// maxTries is how often a transaction is run that always loses against others. With
// the pauses between, which begin at about 5 ms and grow to half a second, that is
// about three seconds.
const maxTries = 12

// pauses are exponential, each between half of and one and a half times its length, so
// that those who met once do not meet again.
func pauses() backoff.BackOff {
	return &backoff.ExponentialBackOff{
		InitialInterval: 5 * time.Millisecond, RandomizationFactor: 0.5, Multiplier: 2, MaxInterval: 500 * time.Millisecond,
	}
}

// retry runs a transaction, and runs it again, whole, when it lost against another one
// (models.ErrRetry): a serialization failure or a deadlock. Inside a caller's transaction it
// runs once, since all of that must be run again, which only the caller can do.
//
// Of several attempts the last alone leaves failed entries in the audit log.
func (h Handle) retry(ctx context.Context, transaction func(ctx context.Context) error) error {
	if h.inside() {
		return transaction(ctx)
	}
	return scope.Attempts(ctx, func(ctx context.Context, begin func()) error {
		last := transaction(ctx)
		if !errors.Is(last, models.ErrRetry) { // as nearly always, so without what it takes to try again
			return last
		}
		tries := 0
		_, err := backoff.Retry(ctx, func() (struct{}, error) {
			if tries++; tries > 1 {
				begin()
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

// inside reports whether h is in a caller's transaction.
func (h Handle) inside() bool {
	_, inside := h.Write.Statement.ConnPool.(gorm.TxCommitter)
	return inside
}

// create is insert for rows of several tables, parents first; h has a Creator.
func (h Handle) create(ctx context.Context, rows ...models.Model) error {
	return h.retry(ctx, func(ctx context.Context) error { return h.Creator.Create(ctx, h.Write, rows...) })
}

// insert creates rows without their associations, all of them or none. Whatever did
// not come about leaves them without the ids that it had given them.
func insert[T any](ctx context.Context, h Handle, rows ...*T) error {
	if h.Creator != nil {
		return h.create(ctx, asModels(rows)...)
	}
	restore := keep(rows)
	err := h.retry(ctx, func(ctx context.Context) error {
		restore()
		db := h.write(ctx).Omit(clause.Associations)
		if len(rows) == 1 {
			return db.Create(rows[0]).Error
		}
		return db.CreateInBatches(rows, batchSize).Error
	})
	if err != nil {
		restore()
	}
	return err
}

func asModels[T any](rows []*T) []models.Model {
	list := make([]models.Model, len(rows))
	for i, row := range rows {
		list[i] = any(row).(models.Model)
	}
	return list
}

// keep remembers rows as they are now.
func keep[T any](rows []*T) (restore func()) {
	kept := make([]T, len(rows))
	for i, row := range rows {
		kept[i] = *row
	}
	return func() {
		for i, row := range rows {
			*row = kept[i]
		}
	}
}

// keepReceipts is keep for receipts with their children.
func keepReceipts(receipts []*models.Receipt) (restore func()) {
	type children struct {
		metrics    []models.PipelineMetric
		violations []models.SLOViolation
	}
	kept := make([]children, len(receipts))
	for i, r := range receipts {
		kept[i] = children{slices.Clone(r.Metrics), slices.Clone(r.Violations)}
	}
	rows := keep(receipts)
	return func() {
		rows()
		for i, r := range receipts {
			copy(r.Metrics, kept[i].metrics)
			copy(r.Violations, kept[i].violations)
		}
	}
}
