package repository

import (
	"context"
	"errors"

	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/internal/scope"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// ImportOutcome says what became of a document of a batch.
type ImportOutcome struct {
	ImportResult
	Err error // why it was refused
}

// ImportBatch is Import of one document after the other, with an outcome for each: one that
// is refused stops no other. As long as the database takes them, all share a transaction,
// which is some times faster; if it does not, none of that is kept, and each has one of
// its own.
//
// The error is of what would stop every other document as well: options that make no
// sense, models.ErrClosed, models.ErrReadOnly and the end of the context. The outcomes are then those of
// the documents before it, which are stored; what comes after may be stored only if the
// error says that it may have been committed.
func (r *Executions) ImportBatch(ctx context.Context, docs [][]byte, opts ImportOptions) ([]ImportOutcome, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := opts.validate(); err != nil {
		return nil, err
	}
	runs, outcomes := make([]*run, len(docs)), make([]ImportOutcome, len(docs))
	for i, raw := range docs {
		runs[i], outcomes[i].Err = r.readRun(raw, opts)
	}
	if len(docs) > 1 && !r.h.inside() {
		if err := r.storeAll(ctx, runs, docs, outcomes); err == nil {
			return outcomes, nil
		} else if ctx.Err() != nil {
			return nil, ended(ctx, err)
		}
	}
	for i, run := range runs {
		if run == nil {
			continue
		}
		result, err := r.store(ctx, run, docs[i])
		outcomes[i] = ImportOutcome{result, err}
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return outcomes[:i], ended(ctx, err)
		case errors.Is(err, models.ErrClosed), errors.Is(err, models.ErrReadOnly):
			return outcomes[:i], err
		}
	}
	return outcomes, nil
}

// ended is the end of the context: err, if that says so, since it may say besides that
// COMMIT was under way.
func ended(ctx context.Context, err error) error {
	if errors.Is(err, ctx.Err()) {
		return err
	}
	return ctx.Err()
}

// storeAll stores all runs in one transaction, or none, and then leaves no trace of the
// attempt. What is found stored is an outcome and no error, for nothing was written for it.
func (r *Executions) storeAll(ctx context.Context, runs []*run, docs [][]byte, outcomes []ImportOutcome) error {
	return scope.Attempts(ctx, func(ctx context.Context, begin func()) error {
		err := r.h.write(ctx).Transaction(func(tx *gorm.DB) error {
			for i, run := range runs {
				if run == nil {
					continue
				}
				result, err := r.storeIn(tx, run, docs[i])
				outcomes[i] = ImportOutcome{result, err}
				if err != nil && (!errors.Is(err, models.ErrDuplicate) || errors.Is(err, models.ErrRetry)) {
					return err
				}
			}
			return nil
		})
		if err != nil {
			begin()
		}
		return err
	})
}
