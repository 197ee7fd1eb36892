// Package repository provides the operations of tier2, with one type per table and the
// types Executions and Reports for operations across tables.
//
// Every method takes a context first and lists its errors. A method that returns an error
// leaves the database unchanged, apart from the failed audit entry of a rejected write.
//
// Lists are sorted newest first and read in pages by keyset cursor. The All methods
// iterate over a whole list in constant memory. Filters by time are half-open:
// Since <= t < Until.
//
// The package imports neither the hooks nor an engine. The audit entries and memory
// updates that a write requires are written below it.
package repository

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"
	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/internal/audit"
	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/internal/scope"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Repositories are all repositories of one database.
type Repositories struct {
	Receipts   *Receipts   // the outcome of each execution
	Memory     *Memory     // the memory of each agent
	Audit      *Audit      // the changes, and the agents that made them
	Sessions   *Sessions   // runs of several agents
	Collisions *Collisions // conflicts between agents
	Metrics    *Metrics    // the timings of the five stages
	Violations *Violations // SLO targets that were missed
	Executions *Executions // a whole run of the pipeline: Begin, Stage, Finish; Import, ImportLog
	Reports    *Reports    // the views and the usual questions
}

// New returns the repositories over a database that has tier2's tables and the plugin of
// package hooks (db.Use(hooks.New())), or over a transaction of such a database. tier2.Open
// returns a store that has them already. Errors: models.ErrInvalid without the plugin.
func New(db *gorm.DB) (*Repositories, error) {
	log := audit.Of(db)
	if log == nil {
		return nil, &models.Error{Kind: models.ErrInvalid, Reason: "the hooks are not installed; call db.Use(hooks.New()) first"}
	}
	h := handle{Write: db, Read: db, log: log}
	if log.Read != nil && !h.inside() {
		h.Read = log.Read
	}
	return &Repositories{
		Receipts: &Receipts{h}, Memory: &Memory{h}, Audit: &Audit{h}, Sessions: &Sessions{h}, Collisions: &Collisions{h},
		Metrics: &Metrics{h}, Violations: &Violations{h}, Executions: &Executions{h}, Reports: &Reports{h},
	}, nil
}

// handle is the database of a repository. Inside a transaction Write and Read are both that
// transaction.
type handle struct {
	Write *gorm.DB // writes, with the hooks
	Read  *gorm.DB // reads; a pool of its own in a store
	log   *audit.Log
}

// in returns h inside the transaction tx.
func (h handle) in(tx *gorm.DB) handle {
	h.Write, h.Read = tx, tx
	return h
}

// inside reports whether h is in a caller's transaction.
func (h handle) inside() bool {
	_, inside := h.Write.Statement.ConnPool.(gorm.TxCommitter)
	return inside
}

// now returns the time in UTC, to the microsecond that both engines keep.
func (h handle) now() time.Time { return models.At(h.log.Now()).Time }

func (h handle) write(ctx context.Context) *gorm.DB { return h.Write.WithContext(ctx) }

func (h handle) read(ctx context.Context) *gorm.DB { return h.Read.WithContext(ctx) }

// transaction runs fn in one transaction and repeats it from the beginning if it lost against
// another one. In a caller's transaction, fn runs in a savepoint.
func (h handle) transaction(ctx context.Context, fn func(tx *gorm.DB) error) error {
	return h.retry(ctx, func(ctx context.Context) error { return h.write(ctx).Transaction(fn) })
}

// affected does one write as transaction does, and returns how many rows it changed.
func (h handle) affected(ctx context.Context, write func(db *gorm.DB) *gorm.DB) (n int64, err error) {
	err = h.retry(ctx, func(ctx context.Context) error {
		res := write(h.write(ctx))
		n = res.RowsAffected
		return res.Error
	})
	return n, err
}

// existing writes to the row with that key. Errors: also models.ErrInvalid for a blank key;
// models.ErrNotFound.
func (h handle) existing(ctx context.Context, table, column, key string, write func(db *gorm.DB) *gorm.DB) error {
	if err := refuse.Blank(table, column, key); err != nil {
		return err
	}
	n, err := h.affected(ctx, func(db *gorm.DB) *gorm.DB { return write(db.Where(column+" = ?", key)) })
	if err == nil && n == 0 {
		return refuse.NotFound(table, column, key)
	}
	return err
}

// insert creates rows without their associations, parents before children, all of them or
// none. Rows that were not created have no ids afterwards.
func (h handle) insert(ctx context.Context, rows ...models.Model) error {
	return h.retry(ctx, func(ctx context.Context) error { return h.log.Create(ctx, h.Write, rows...) })
}

// insert creates rows of one table.
func insert[T models.Model](ctx context.Context, h handle, rows ...T) error {
	return h.insert(ctx, asModels(rows)...)
}

func asModels[T models.Model](rows []T) []models.Model {
	list := make([]models.Model, len(rows))
	for i, row := range rows {
		list[i] = row
	}
	return list
}

// maxTries is how often a transaction that always loses is run. The pauses in between start
// at about 5 ms and grow to half a second, which makes about three seconds.
const maxTries = 12

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
		// Pauses are random, so that transactions that collided once do not collide again.
		pauses := backoff.ExponentialBackOff{
			InitialInterval: 5 * time.Millisecond, RandomizationFactor: 0.5, Multiplier: 2, MaxInterval: 500 * time.Millisecond,
		}
		for try := 1; ; try++ {
			err := transaction(ctx)
			switch {
			case !errors.Is(err, models.ErrRetry):
				return err
			case try == maxTries:
				return fmt.Errorf("after %d tries: %w", try, err)
			}
			select {
			case <-ctx.Done():
				return errors.Join(ctx.Err(), err)
			case <-time.After(pauses.NextBackOff()):
			}
			again()
		}
	})
}

// failure returns an error of the given kind about one column.
func failure(kind error, table, column string, value any, reason string) *models.Error {
	return &models.Error{Table: table, Column: column, Value: value, Reason: reason, Kind: kind}
}

// found replaces gorm.ErrRecordNotFound by an error that names the key. It returns other
// errors unchanged.
func found(err error, table, column string, value any) error {
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return refuse.NotFound(table, column, value)
	}
	return err
}

// blame adds to an error of the given kind the column, value and reason that the database
// did not report.
func blame(err, kind error, table, column string, value any, reason string) error {
	var e *models.Error
	if !errors.Is(err, kind) || !errors.As(err, &e) {
		return err
	}
	e.Table, e.Column, e.Reason = cmp.Or(e.Table, table), cmp.Or(e.Column, column), cmp.Or(reason, e.Reason)
	if e.Value == nil && e.Column == column {
		e.Value = value
	}
	return err
}
