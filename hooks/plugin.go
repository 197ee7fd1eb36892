// Package hooks keeps one promise: whatever a GORM call changes in tier2's tables,
// the audit_log entries that name exactly the changed rows, and the agent_memory of
// who acted, are written in the same transaction, or nothing is.
//
// It is a gorm.Plugin. It wraps GORM's own create, update and delete callbacks, so
// it sees every way GORM can write: structs, slices, maps, conditions, upserts,
// associations, with SkipHooks, without default transactions, through Table().
//
// It cannot see db.Exec and db.Raw, whose SQL never passes those callbacks. Whoever
// needs them writes an entry of their own beside, in the same transaction.
package hooks

import (
	"context"
	"fmt"
	"reflect"
	"sync/atomic"
	"time"

	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Plugin writes audit entries and agent memory. Install it with db.Use.
type Plugin struct {
	now      func() time.Time
	dialect  *dialect
	turns    *turns
	redact   redactor
	inserted func(ctx context.Context, tx gorm.ConnPool, table string, id int64) // may be nil
	wrote    atomic.Bool
	readOnly string // why nothing may be written; "" if it may
}

// Wrote reports whether anything was written to tier2's tables, or was about to be.
func (p *Plugin) Wrote() bool { return p.wrote.Load() }

// Option changes how a Plugin works.
type Option func(*Plugin)

// WithClock sets the clock that dates entries and fills empty times. Without it the
// plugin takes GORM's NowFunc.
func WithClock(now func() time.Time) Option { return func(p *Plugin) { p.now = now } }

// WithInserted has a function called in the transaction of every create, with the
// largest id that it gave.
func WithInserted(f func(ctx context.Context, tx gorm.ConnPool, table string, id int64)) Option {
	return func(p *Plugin) { p.inserted = f }
}

// WithReadOnly refuses every write with models.ErrReadOnly, for a reason that ends a
// sentence about the database.
func WithReadOnly(reason string) Option { return func(p *Plugin) { p.readOnly = reason } }

// mayWrite notes that something is about to be written, or refuses it.
func (p *Plugin) mayWrite() error {
	if p.readOnly != "" {
		return &models.Error{Kind: models.ErrReadOnly, Reason: "the database " + p.readOnly}
	}
	p.wrote.Store(true)
	return nil
}

// New makes a plugin for one *gorm.DB.
func New(opts ...Option) *Plugin {
	p := &Plugin{}
	for _, opt := range opts {
		opt(p)
	}
	return p
}

// Name implements gorm.Plugin.
func (*Plugin) Name() string { return "tier2:hooks" }

// Initialize implements gorm.Plugin. It fails on an engine that tier2 has no SQL for.
func (p *Plugin) Initialize(db *gorm.DB) error {
	if p.dialect = dialects[db.Dialector.Name()]; p.dialect == nil {
		return fmt.Errorf("tier2 hooks: no support for %q, only for sqlite and postgres", db.Dialector.Name())
	}
	if p.now == nil {
		p.now = db.NowFunc
	}
	p.turns = newTurns(db.ConnPool)
	pool := &pool{ConnPool: db.ConnPool, plugin: p, log: db.Logger, translate: translator(db)}
	db.ConnPool, db.Statement.ConnPool = pool, pool

	cb := db.Callback()
	for _, step := range []struct {
		action  string
		get     func(string) func(*gorm.DB)
		replace func(string, func(*gorm.DB)) error
	}{
		{actionCreate, cb.Create().Get, cb.Create().Replace},
		{actionUpdate, cb.Update().Get, cb.Update().Replace},
		{actionDelete, cb.Delete().Get, cb.Delete().Replace},
	} {
		name := "gorm:" + step.action
		next := step.get(name)
		if next == nil {
			return fmt.Errorf("tier2 hooks: callback %s is not registered", name)
		}
		if err := step.replace(name, guarded(step.action, p.around(step.action, next))); err != nil {
			return err
		}
	}
	if err := guardCallbacks(db); err != nil {
		return err
	}
	return cb.Create().Before("gorm:begin_transaction").Register("tier2:refuse", refuseUnaddressable)
}

// refuseUnaddressable refuses what GORM panics on, with a sentence.
func refuseUnaddressable(db *gorm.DB) {
	if db.Error != nil || db.DryRun || !isOurs(tableOf(db.Statement)) {
		return
	}
	if v := db.Statement.ReflectValue; v.IsValid() && v.Kind() == reflect.Struct && !v.CanAddr() {
		_ = db.AddError(invalid(tableOf(db.Statement), fmt.Sprintf("pass a pointer to %s, not the value", v.Type())))
	}
}
