package hooks

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"gorm.io/gorm/clause"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// check prepares and validates what is to be written, before any SQL.
func (w *write) check() error {
	s := w.db.Statement
	if w.table == "audit_log" && !(w.action == actionDelete && retaining(s.Context)) {
		if _, upsert := s.Clauses["ON CONFLICT"]; w.action != actionCreate || upsert {
			return &models.Error{
				Table: w.table, Kind: models.ErrAppendOnly,
				Reason: "entries are append-only: they are never changed, and deleted only by retention (hooks.WithRetention)",
			}
		}
	}
	if err := w.checkValues(); err != nil {
		return err
	}
	switch w.action {
	case actionCreate:
		return w.checkAll(elements(s.ReflectValue))
	case actionUpdate:
		if _, ok := s.Clauses["FROM"]; ok {
			return invalid(w.table, "UPDATE ... FROM is not supported: the rows it changes could not be recorded")
		}
		if u, ok := s.Clauses["UPDATE"].Expression.(clause.Update); ok && strings.Contains(strings.ToUpper(u.Modifier), "REPLACE") {
			return invalid(w.table, "UPDATE OR REPLACE is not supported: the rows it removes could not be recorded")
		}
		return w.checkUpdate()
	}
	return nil
}

// checkAll prepares, validates and redacts the caller's own structs.
func (w *write) checkAll(list []reflect.Value) error {
	for i, v := range list {
		if !v.CanAddr() {
			return invalid(w.table, fmt.Sprintf("pass a pointer to %s, not the value", v.Type()))
		}
		m := modelOf(v)
		if m == nil {
			return nil
		}
		recordIn(v).Prepare(w.at)
		if err := m.Validate(); err != nil {
			if len(list) > 1 {
				return fmt.Errorf("row %d of %d: %w", i+1, len(list), err)
			}
			return err
		}
		w.plugin.redact.model(m)
	}
	return nil
}

// checkUpdate validates a struct that an update takes its values from: all of it for
// Save, else the fields that are selected or, without Select, set: GORM writes no others.
func (w *write) checkUpdate() error {
	s := w.db.Statement
	v := reflect.Indirect(reflect.ValueOf(s.Dest))
	if s.Schema == nil || v.Kind() != reflect.Struct || v.Type() != s.Schema.ModelType {
		return nil
	}
	all := len(s.Selects) == 1 && s.Selects[0] == "*"
	if all && v.CanAddr() {
		return w.checkAll([]reflect.Value{v})
	}
	m := modelOf(v)
	if m == nil {
		return nil
	}
	if all {
		return m.Validate()
	}
	chosen, restricted := s.SelectAndOmitColumns(false, true)
	var errs []error
	for _, err := range flatten(m.Validate()) {
		var e *models.Error
		if !errors.As(err, &e) {
			continue
		}
		if field := s.Schema.LookUpField(e.Column); field != nil {
			_, zero := field.ValueOf(s.Context, v)
			if selected, named := chosen[e.Column]; (named && selected) || (!named && !restricted && !zero) {
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}

// flatten takes errors.Join apart.
func flatten(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		if _, leaf := err.(*models.Error); !leaf {
			return joined.Unwrap()
		}
	}
	if err == nil {
		return nil
	}
	return []error{err}
}

func invalid(table, reason string) error {
	return &models.Error{Table: table, Kind: models.ErrInvalid, Reason: reason}
}
