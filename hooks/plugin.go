// Package hooks is a GORM plugin. Every GORM call that changes rows of tier2's tables also
// writes the audit_log entries that describe exactly those rows, and the agent_memory of
// the acting agent, in the same transaction. Either all of it is stored or none.
//
// The plugin wraps GORM's create, update and delete callbacks. So it covers every way in
// which GORM writes: structs, slices, maps, conditions, upserts and associations, with
// SkipHooks, without default transactions, and through Table().
//
// db.Exec and db.Raw bypass the callbacks and are not audited. Callers that need them should
// add their own audit entry in the same transaction.
package hooks

import (
	"errors"
	"fmt"
	"reflect"
	"time"

	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/internal/audit"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
)

// Plugin writes audit entries and agent memory. Install it with db.Use.
type Plugin struct{ cfg audit.Config }

// Option changes how a Plugin works.
type Option func(*Plugin)

// WithClock sets the clock that dates entries and fills empty times. Default: GORM's NowFunc.
func WithClock(now func() time.Time) Option { return func(p *Plugin) { p.cfg.Now = now } }

// WithRedactor redacts additional keys: values whose key makes secret return true, besides
// passwords, tokens and similar keys. secret gets the key of a JSON object, a column, or the
// key of "key=value" in an error text, as written there. Many goroutines call it at once,
// and it must not call the store. Several redactors add up; nil adds none.
func WithRedactor(secret func(key string) bool) Option {
	return func(p *Plugin) {
		if secret != nil {
			p.cfg.Secrets = append(p.cfg.Secrets, secret)
		}
	}
}

// New returns a plugin.
func New(opts ...Option) *Plugin {
	p := &Plugin{}
	for _, opt := range opts {
		opt(p)
	}
	return p
}

// Name implements gorm.Plugin.
func (*Plugin) Name() string { return "tier2:hooks" }

// begin and commit are GORM's callbacks that begin and end its default transaction.
const (
	begin  = "gorm:begin_transaction"
	commit = "gorm:commit_or_rollback_transaction"
)

// Initialize implements gorm.Plugin. It fails on an engine other than SQLite and PostgreSQL.
func (p *Plugin) Initialize(db *gorm.DB) error {
	log := audit.Of(db) // package tier2 brings its own
	if log == nil {
		var err error
		if log, err = audit.Install(db, p.cfg); err != nil {
			return err
		}
	}
	pool := log.Wrap(db.ConnPool)
	db.ConnPool, db.Statement.ConnPool = pool, pool
	redactSets(db, log)

	if err := wrap(db, log); err != nil {
		return err
	}
	return db.Callback().Create().Before(begin).Register("tier2:refuse", refuseUnaddressable)
}

// wrap wraps GORM's callbacks of writes. Those around the statement are only guarded.
func wrap(db *gorm.DB, log *audit.Log) error {
	type register = func(string, func(*gorm.DB)) error
	cb := db.Callback()
	for _, step := range []struct {
		action        audit.Action
		get           func(string) func(*gorm.DB)
		replace       register
		before, after register
		around        []string
	}{
		{audit.Create, cb.Create().Get, cb.Create().Replace, cb.Create().Before(begin).Register, cb.Create().After(commit).Register,
			[]string{"before_create", "save_before_associations", "save_after_associations", "after_create"}},
		{audit.Update, cb.Update().Get, cb.Update().Replace, cb.Update().Before(begin).Register, cb.Update().After(commit).Register,
			[]string{"before_update", "save_before_associations", "save_after_associations", "after_update"}},
		{audit.Delete, cb.Delete().Get, cb.Delete().Replace, cb.Delete().Before(begin).Register, cb.Delete().After(commit).Register,
			[]string{"before_delete", "delete_before_associations", "after_delete"}},
	} {
		name := "gorm:" + string(step.action)
		next := step.get(name)
		if next == nil {
			return fmt.Errorf("tier2 hooks: callback %s is not registered", name)
		}
		err := errors.Join(step.replace(name, guarded(string(step.action), around(log, step.action, next))),
			step.before(poolKey, rememberPool), step.after(failedKey, leaveFailed))
		for _, name := range step.around {
			if next := step.get("gorm:" + name); next != nil {
				err = errors.Join(err, step.replace("gorm:"+name, guarded(name, next)))
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// refuseUnaddressable rejects a struct that is not passed by pointer, on which GORM panics.
func refuseUnaddressable(db *gorm.DB) {
	table := tableOf(db.Statement)
	if db.Error != nil || db.DryRun || table == nil {
		return
	}
	if v := db.Statement.ReflectValue; v.IsValid() && v.Kind() == reflect.Struct && !v.CanAddr() {
		_ = db.AddError(notAddressable(table, v))
	}
}

func notAddressable(table *schema.Table, v reflect.Value) error {
	return invalid(table, fmt.Sprintf("pass a pointer to %s, not the value", v.Type()))
}

// guarded makes a panic in a callback, such as a model's own BeforeCreate, an error of its
// write. GORM does not recover: a caller that does would continue with the default
// transaction open and, on one connection, wait for ever.
func guarded(name string, next func(*gorm.DB)) func(*gorm.DB) {
	return func(db *gorm.DB) {
		table := tableOf(db.Statement)
		if table == nil {
			next(db)
			return
		}
		defer func() {
			if r := recover(); r != nil {
				_ = db.AddError(fmt.Errorf("tier2 hooks: panic in %s of %s: %v", name, table.Name, r))
			}
		}()
		next(db)
	}
}
