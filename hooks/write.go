package hooks

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// savepoint guards one statement inside a caller's transaction, so that a refused
// write leaves nothing even if the caller ignores the error and commits.
const savepoint = "tier2_write"

// write is one GORM create, update or delete of one of our tables.
type write struct {
	plugin *Plugin
	db     *gorm.DB
	next   func(*gorm.DB) // GORM's own callback
	action string
	table  string
	key    string // the table's natural key column
	at     time.Time
	start  time.Time
}

// around wraps one of GORM's callbacks.
func (p *Plugin) around(action string, next func(*gorm.DB)) func(*gorm.DB) {
	return func(db *gorm.DB) {
		table := tableOf(db.Statement)
		if db.Error != nil || db.DryRun || !isOurs(table) {
			next(db)
			return
		}
		if err := p.mayWrite(); err != nil {
			_ = db.AddError(err)
			return
		}
		w := write{
			plugin: p, db: db, next: next, action: action,
			table: table, key: naturalKeys[table], at: p.now(), start: time.Now(),
		}
		w.run()
	}
}

// run does the write in a transaction: GORM's, the caller's, or one of its own.
func (w *write) run() {
	s := w.db.Statement
	if _, ok := s.ConnPool.(gorm.TxCommitter); !ok {
		outer := s.ConnPool
		begun := w.db.Begin()
		if begun.Error != nil {
			_ = w.db.AddError(begun.Error)
			return
		}
		s.ConnPool = begun.Statement.ConnPool
		w.guarded()
		if w.db.Error != nil {
			begun.Rollback()
		} else if err := begun.Commit().Error; err != nil {
			_ = w.db.AddError(err)
		}
		s.ConnPool = outer
		return
	}
	if _, ok := w.db.InstanceGet("gorm:started_transaction"); ok {
		w.guarded()
		return
	}
	if err := w.exec("SAVEPOINT " + savepoint); err != nil {
		_ = w.db.AddError(err)
		return
	}
	w.guarded()
	if w.db.Error != nil {
		_ = w.exec("ROLLBACK TO SAVEPOINT " + savepoint)
	}
	if err := w.exec("RELEASE SAVEPOINT " + savepoint); w.db.Error == nil { // GORM would make text of the first error
		_ = w.db.AddError(err)
	}
}

func (w *write) exec(query string) error {
	// The end of the context must not keep the savepoint: the transaction may have another.
	_, err := w.db.Statement.ConnPool.ExecContext(context.WithoutCancel(w.db.Statement.Context), query)
	return err
}

// guarded does the write; a panic becomes an error, and any error a failed entry.
func (w *write) guarded() {
	pool := w.db.Statement.ConnPool
	defer func() {
		if r := recover(); r != nil {
			_ = w.db.AddError(fmt.Errorf("tier2 hooks: panic in %s of %s: %v", w.action, w.table, r))
		}
		w.db.Statement.ConnPool = pool
		if w.db.Error != nil {
			w.refused(currentTx(pool))
		}
	}()
	if err := w.check(); err != nil {
		_ = w.db.AddError(err)
		return
	}
	changes, err := w.perform()
	if w.db.AddError(err) != nil || len(changes) == 0 || w.table == "audit_log" {
		return
	}
	_ = w.db.AddError(w.record(changes))
}

// refused remembers the failed entry until the transaction has ended.
func (w *write) refused(t *tx) {
	if t == nil {
		return
	}
	ctx := w.db.Statement.Context
	agent, r := Actor(ctx), row{}
	if list := elements(w.db.Statement.ReflectValue); len(list) > 0 {
		if m := modelOf(list[0]); m != nil {
			if agent == "" {
				agent = recordIn(list[0]).Agent()
			}
			if len(list) == 1 {
				r = rowOf(m)
			}
		}
	}
	w.blame(r)
	c := change{action: w.action, new: r, execution: Execution(ctx)}
	t.failures = append(t.failures, failedEntry(w.table, orSystem(agent), w.at, time.Since(w.start), c, w.db.Error, &w.plugin.redact))
}

// orSystem is the agent in a storable form, SystemActor if that is blank.
func orSystem(agent string) string {
	if agent = storable(agent); strings.TrimSpace(agent) == "" {
		return SystemActor
	}
	return agent
}

// perform runs the statement and says what it changed.
func (w *write) perform() ([]change, error) {
	s := w.db.Statement
	if w.action == actionCreate {
		if needsCapture(s) {
			return w.upsert()
		}
		w.next(w.db)
		if w.db.Error != nil {
			return nil, nil
		}
		return created(elements(s.ReflectValue)), nil
	}
	c := &capture{ConnPool: s.ConnPool, db: w.db, dialect: w.plugin.dialect, action: w.action}
	if w.table == "audit_log" && w.action == actionDelete {
		c.permit = func(ctx context.Context, pool gorm.ConnPool, rows []row) error {
			return w.plugin.dialect.permit(ctx, pool, rows, w.at)
		}
	}
	restore := w.redactUpdate()
	s.ConnPool = c
	w.next(w.db)
	s.ConnPool = c.ConnPool
	restore()
	if w.db.Error != nil {
		return nil, nil
	}
	return c.changes(w.key)
}

func created(list []reflect.Value) []change {
	changes := make([]change, len(list))
	for i, v := range list {
		changes[i] = createdModel(modelOf(v))
	}
	return changes
}

// modelOf is the struct v as a Model, or nil if it is none of ours. Of a struct that
// cannot be addressed it is a copy.
func modelOf(v reflect.Value) models.Model {
	v = addressable(v)
	m, exact := schema.ModelIn(v)
	if m != nil && !exact { // its own Validate counts
		m, _ = v.Addr().Interface().(models.Model)
	}
	return m
}

// recordIn returns the record of the model that the struct v is or embeds.
func recordIn(v reflect.Value) schema.Record {
	m, _ := schema.ModelIn(addressable(v))
	return schema.RecordOf(m)
}

// addressable returns v, or a copy of it if it cannot be addressed.
func addressable(v reflect.Value) reflect.Value {
	if v.CanAddr() {
		return v
	}
	c := reflect.New(v.Type()).Elem()
	c.Set(v)
	return c
}

// isModel reports whether the struct v is one of package models itself: one that embeds
// it has its methods and may have other columns.
func isModel(v reflect.Value) bool {
	m := modelOf(v)
	return m != nil && v.Type().PkgPath() == modelsPath
}

var modelsPath = reflect.TypeFor[models.Receipt]().PkgPath()
