package hooks

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/seanchatmangpt/ggen/tier2/internal/audit"
	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// write is one GORM create, update or delete of one of the tables.
type write struct {
	log    *audit.Log
	db     *gorm.DB
	next   func(*gorm.DB) // GORM's own callback
	action audit.Action
	table  *schema.Table
	at     time.Time
	start  time.Time
	failed *audit.Entry // a failed entry that no audit.Tx leaves
}

// around wraps one of GORM's callbacks.
func around(log *audit.Log, action audit.Action, next func(*gorm.DB)) func(*gorm.DB) {
	return func(db *gorm.DB) {
		table := tableOf(db.Statement)
		if db.Error != nil || db.DryRun || table == nil {
			next(db)
			return
		}
		if err := log.MayWrite(); err != nil {
			_ = db.AddError(err)
			return
		}
		w := &write{log: log, db: db, next: next, action: action, table: table, at: log.Now(), start: time.Now()}
		w.run()
	}
}

// run does the write in a transaction: GORM's, the caller's, or one of its own. In a
// caller's transaction, a savepoint undoes a refused write.
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
		_ = w.guarded()
		if w.db.Error != nil {
			begun.Rollback()
			w.leave(outer)
		} else if err := begun.Commit().Error; err != nil {
			_ = w.db.AddError(err)
		}
		s.ConnPool = outer
		return
	}
	if _, ok := w.db.InstanceGet("gorm:started_transaction"); ok {
		_ = w.guarded()
		if w.failed != nil {
			w.db.InstanceSet(failedKey, w) // until GORM has ended its transaction
		}
		return
	}
	_, broken := w.log.Savepoint(s.Context, s.ConnPool, w.guarded)
	w.leave(s.ConnPool)    // within the transaction, whose end the hooks cannot see
	if w.db.Error == nil { // GORM would make text of the first error
		_ = w.db.AddError(broken)
	}
}

// guarded does the write and returns the statement's error. A panic becomes an error, and
// an error leaves a failed entry.
func (w *write) guarded() (err error) {
	pool := w.db.Statement.ConnPool
	defer func() {
		if r := recover(); r != nil {
			_ = w.db.AddError(fmt.Errorf("tier2 hooks: panic in %s of %s: %v", w.action, w.table.Name, r))
		}
		w.db.Statement.ConnPool = pool
		if err = w.db.Error; err != nil {
			w.refused(audit.TxOf(pool))
		}
	}()
	err = w.check()
	if err == nil {
		err = w.perform()
	}
	if w.db.Error == nil { // GORM would make text of two errors
		_ = w.db.AddError(err)
	}
	return nil
}

// Settings of a statement.
const (
	poolKey   = "tier2:pool"   // the pool on which GORM begins a transaction, unless it is an audit.Pool
	failedKey = "tier2:failed" // the write that leaves a failed entry when GORM has ended that
)

// rememberPool is a callback that runs before GORM begins its own transaction.
func rememberPool(db *gorm.DB) {
	switch db.Statement.ConnPool.(type) {
	case *audit.Pool, gorm.TxCommitter:
	default:
		db.InstanceSet(poolKey, db.Statement.ConnPool)
	}
}

// leave writes the failed entry of a write on a pool of another plugin, or a connection that
// the caller took with db.Connection.
func (w *write) leave(pool gorm.ConnPool) {
	if w.failed != nil {
		w.log.WriteFailed(context.WithoutCancel(w.db.Statement.Context), pool, *w.failed)
		w.failed = nil
	}
}

// leaveFailed is a callback that runs after GORM has ended its own transaction.
func leaveFailed(db *gorm.DB) {
	if w, ok := db.InstanceGet(failedKey); ok {
		if pool, ok := db.InstanceGet(poolKey); ok {
			w.(*write).leave(pool.(gorm.ConnPool))
		}
	}
}

// refused leaves a failed entry that is written when the transaction has ended.
func (w *write) refused(tx *audit.Tx) {
	r := audit.Refusal{Table: w.table, Action: w.action, At: w.at, Start: w.start, Err: w.db.Error}
	for _, v := range elements(w.db.Statement.ReflectValue) {
		if m, _ := schema.ModelIn(addressable(v)); m != nil {
			r.Records = append(r.Records, schema.RecordOf(m))
		}
	}
	if rows := given(w.db.Statement.Dest); len(rows) == 1 {
		r.Given = func(column string) (any, bool) {
			v, ok := rows[0][column]
			if _, computed := v.(clause.Expression); computed {
				v = nil
			}
			return v, ok
		}
	}
	e := w.log.Refused(w.db.Statement.Context, r)
	if tx == nil {
		w.failed = &e
		return
	}
	tx.Leave(e)
}

// perform runs the statement and writes the entries and memory for its changes.
func (w *write) perform() error {
	if w.action == audit.Create && isPlain(w.db.Statement, w.table) {
		return w.create()
	}
	changes, err := w.change()
	if err != nil || w.table.Name == "audit_log" {
		return err
	}
	return w.log.Record(w.db.Statement.Context, w.db.Statement.ConnPool, w.at, w.start, changes)
}

// create inserts plain models as repositories do. The statement gets the SQL, so that
// loggers and other plugins see it.
func (w *write) create() error {
	s := w.db.Statement
	list := elements(s.ReflectValue)
	rows := make([]models.Model, len(list))
	for i, v := range list {
		rows[i], _ = schema.ModelIn(v)
	}
	save, err := w.log.NewSave(s.Context, rows)
	if save == nil {
		return err
	}
	query, args := save.Statement(w.log.Dialect)
	s.SQL.WriteString(query)
	s.Vars = args
	if err := w.log.WriteIn(s.ConnPool, save); err != nil {
		return err
	}
	w.setAffected(len(rows))
	return nil
}

// setAffected sets how many rows the statement wrote.
func (w *write) setAffected(n int) {
	w.db.RowsAffected = int64(n)
	if result := w.db.Statement.Result; result != nil {
		result.RowsAffected = int64(n)
	}
}

// change runs a statement that may do more than insert its models, and returns what it
// changed.
func (w *write) change() ([]audit.Change, error) {
	if w.action == audit.Create {
		return w.upsert()
	}
	s := w.db.Statement
	none := audit.Set{Table: w.table}
	c := &capture{ConnPool: s.ConnPool, write: w, before: none, after: none}
	s.ConnPool = c
	w.next(w.db)
	s.ConnPool = c.ConnPool
	if w.db.Error != nil {
		return nil, w.db.Error
	}
	return c.changes()
}

func invalid(table *schema.Table, reason string) error {
	return refuse.Invalid(table.Name, "", nil, reason)
}

// isPlain reports whether a create only inserts models of package models, whole. Other
// creates may do something else, such as an upsert, or do not show their rows: maps, structs
// of the caller's own types or of another type than Model, nil elements, some columns only,
// another schema or a modified INSERT.
func isPlain(s *gorm.Statement, table *schema.Table) bool {
	for _, name := range s.BuildClauses {
		if _, ok := s.Clauses[name]; ok {
			return false
		}
	}
	if s.TableExpr != nil || s.Table != table.Name || len(s.Selects) > 0 {
		return false
	}
	for _, name := range s.Omits {
		if name != clause.Associations {
			return false
		}
	}
	list := elements(s.ReflectValue)
	if len(list) == 0 || s.ReflectValue.Kind() != reflect.Struct && len(list) < s.ReflectValue.Len() { // GORM rejects nil
		return false
	}
	for _, v := range list {
		if !v.CanAddr() || s.Schema == nil || v.Type() != s.Schema.ModelType {
			return false
		}
		if _, exact := schema.ModelIn(v); !exact {
			return false
		}
	}
	return true
}

// elements returns the structs that a statement writes; none if it writes maps.
func elements(v reflect.Value) []reflect.Value {
	switch v.Kind() {
	case reflect.Struct:
		return []reflect.Value{v}
	case reflect.Slice, reflect.Array:
		list := make([]reflect.Value, 0, v.Len())
		for i := range v.Len() {
			if e := reflect.Indirect(v.Index(i)); e.Kind() == reflect.Struct {
				list = append(list, e)
			}
		}
		return list
	}
	return nil
}

// tableOf returns the table that a statement writes, or nil if it is not one of the seven.
func tableOf(s *gorm.Statement) *schema.Table {
	name := s.Table
	if s.TableExpr != nil {
		built := gorm.Statement{DB: s.DB, Clauses: map[string]clause.Clause{}}
		s.TableExpr.Build(&built)
		if fields := strings.Fields(built.SQL.String()); len(fields) > 0 {
			name = fields[0]
		}
	}
	name = name[strings.LastIndexByte(name, '.')+1:]
	return schema.Audited(strings.ToLower(strings.Trim(name, "`\"[]")))
}
