package hooks

import (
	"database/sql/driver"
	"errors"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/seanchatmangpt/ggen/tier2/internal/audit"
	"github.com/seanchatmangpt/ggen/tier2/internal/redact"
	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// check fills, validates and redacts the values of the statement, before any SQL.
func (w *write) check() error {
	s := w.db.Statement
	if w.table.Name == "audit_log" && (w.action != audit.Delete || !audit.Retaining(s.Context)) {
		if _, upsert := s.Clauses["ON CONFLICT"]; w.action != audit.Create || upsert {
			return &models.Error{
				Table: w.table.Name, Kind: models.ErrAppendOnly,
				Reason: "entries are append-only: they are never changed, and deleted only by retention (hooks.WithRetention)",
			}
		}
	}
	if err := w.checkMaps(); err != nil {
		return err
	}
	switch w.action {
	case audit.Create:
		if isPlain(s, w.table) { // Save does it
			return nil
		}
		return w.checkAll(elements(s.ReflectValue))
	case audit.Update:
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

// checkAll fills, validates and redacts the caller's own structs.
func (w *write) checkAll(list []reflect.Value) error {
	for i, v := range list {
		if !v.CanAddr() {
			return notAddressable(w.table, v)
		}
		m, _ := schema.ModelIn(v)
		if m == nil {
			return nil
		}
		if err := w.log.Fill(schema.RecordOf(m), w.at, validator(v, m)); err != nil {
			return audit.RowError(i, len(list), err)
		}
	}
	return nil
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

// validator returns the Validate method of v, or that of the model in it.
func validator(v reflect.Value, m models.Model) func() error {
	if own, ok := v.Addr().Interface().(interface{ Validate() error }); ok {
		return own.Validate
	}
	return m.Validate
}

// checkUpdate validates the struct from which an update takes its values: all of it for
// Save, else the selected fields or, without Select, the non-zero ones, which GORM writes.
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
	v = addressable(v)
	m, _ := schema.ModelIn(v)
	if m == nil {
		return nil
	}
	if all {
		return validator(v, m)()
	}
	chosen, restricted := s.SelectAndOmitColumns(false, true)
	var errs []error
	for _, err := range split(validator(v, m)()) {
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

// split returns the parts of an error that Validate joined.
func split(err error) []error {
	switch joined := err.(type) { //nolint:errorlint // only the outermost error is of interest
	case *models.Error:
		return []error{err}
	case interface{ Unwrap() []error }:
		return joined.Unwrap()
	}
	return []error{err}
}

// given returns the rows of a statement that takes its values from maps.
func given(dest any) []map[string]any {
	switch dest := dest.(type) {
	case map[string]any:
		return []map[string]any{dest}
	case *map[string]any:
		return []map[string]any{*dest}
	case []map[string]any:
		return dest
	case *[]map[string]any:
		return *dest
	}
	return nil
}

// checkMaps rejects values of maps that SQLite would put into any column and PostgreSQL into
// none: bytes that are not text, and text where a number, time or document belongs. Rules of
// a column's content, such as an enum, are left to its CHECK.
func (w *write) checkMaps() error {
	for _, values := range given(w.db.Statement.Dest) {
		for name, v := range values {
			column := name
			if s := w.db.Statement.Schema; s != nil && s.LookUpField(name) != nil {
				column = s.LookUpField(name).DBName
			}
			i := w.table.Index(column)
			if i < 0 {
				continue
			}
			if reason := unfit(w.table.Columns[i], v); reason != "" {
				return refuse.Invalid(w.table.Name, column, v, reason)
			}
		}
	}
	return nil
}

// unfit returns why a value is unfit for a column, or "". NULL and expressions are left to the
// database.
func unfit(c schema.Column, v any) string {
	switch expression := v.(type) {
	case clause.Expression, *gorm.DB:
		return ""
	case driver.Valuer:
		value, err := expression.Value()
		if err != nil {
			var e *models.Error
			if errors.As(err, &e) {
				return e.Reason
			}
			return err.Error()
		}
		v = value
	}
	value := reflect.Indirect(reflect.ValueOf(v))
	if !value.IsValid() {
		return ""
	}
	switch kind := value.Kind(); {
	case kind == reflect.String:
		return unfitText(c, value.String())
	case kind == reflect.Slice && value.Type().Elem().Kind() == reflect.Uint8:
		return unfitText(c, string(value.Bytes()))
	case value.CanFloat():
		return unfitNumber(c, value.Float())
	case kind == reflect.Bool, c.Kind == schema.Text && !c.JSON && (value.CanInt() || value.CanUint()):
		return "has the wrong type for its column"
	}
	return ""
}

func unfitText(c schema.Column, s string) string {
	switch {
	case c.JSON:
		var e *models.Error
		if _, err := models.JSON(s).Value(); errors.As(err, &e) {
			return e.Reason
		}
		return ""
	case !utf8.ValidString(s):
		return "is not valid UTF-8"
	case strings.IndexByte(s, 0) >= 0:
		return "contains a NUL character"
	}
	switch c.Kind {
	case schema.Time:
		if _, err := models.ParseTimestamp(s); err != nil {
			return "is no ISO 8601 time"
		}
	case schema.Integer:
		if _, err := strconv.ParseInt(s, 10, 64); err != nil {
			return "is no whole number"
		}
	case schema.Float:
		if f, err := strconv.ParseFloat(s, 64); err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return "is no finite number"
		}
	}
	return ""
}

func unfitNumber(c schema.Column, f float64) string {
	switch {
	case math.IsNaN(f) || math.IsInf(f, 0):
		return "must be a finite number"
	case c.Kind == schema.Float, c.Kind == schema.Integer && f == math.Trunc(f):
		return ""
	}
	return "has the wrong type for its column"
}

// redactor redacts the values of a statement that writes a table.
type redactor struct {
	*redact.Redactor
	table *schema.Table
}

// place returns where a column of the table may hold secrets.
func (r redactor) place(column string) schema.Secrets {
	if i := r.table.Index(strings.ToLower(column)); i >= 0 {
		return r.table.Columns[i].Secrets
	}
	return schema.Nowhere
}

// value redacts a caller's value for a column, of any type. Expressions, and values that the
// column would reject, are returned unchanged.
func (r redactor) value(column string, v any) any {
	place, given := r.place(column), v
	if place == schema.Nowhere {
		return v
	}
	switch expression := v.(type) {
	case nil, clause.Expression, *gorm.DB:
		return v
	case driver.Valuer:
		if p := reflect.ValueOf(v); p.Kind() == reflect.Pointer && p.IsNil() {
			return v
		}
		var err error
		if given, err = expression.Value(); err != nil {
			return v
		}
	}
	text := ""
	switch t := reflect.Indirect(reflect.ValueOf(given)); {
	case t.Kind() == reflect.String:
		text = t.String()
	case t.Kind() == reflect.Slice && t.Type().Elem().Kind() == reflect.Uint8:
		text = string(t.Bytes())
	}
	if clean := r.In(place, text); clean != text {
		return clean
	}
	return v
}

// set returns assignments without secrets, and leaves the caller's as they are.
func (r redactor) set(set clause.Set) clause.Set {
	set = slices.Clone(set)
	for i, a := range set {
		set[i].Value = r.value(a.Column.Name, a.Value)
	}
	return set
}

// insert redacts the rows of an INSERT in place, and its assignments on a conflict.
func (r redactor) insert(values clause.Values, clauses map[string]clause.Clause) {
	for j, column := range values.Columns {
		for _, row := range values.Values {
			row[j] = r.value(column.Name, row[j])
		}
	}
	if c, ok := clauses["ON CONFLICT"]; ok {
		if on, ok := c.Expression.(clause.OnConflict); ok {
			on.DoUpdates = r.set(on.DoUpdates)
			c.Expression = on
			clauses["ON CONFLICT"] = c
		}
	}
}

// redactSets makes db redact the assignments of every UPDATE of our tables when GORM builds
// them. So GORM, the types of the fields and other plugins choose the assignments first.
func redactSets(db *gorm.DB, log *audit.Log) {
	before := db.ClauseBuilders["SET"]
	db.ClauseBuilders["SET"] = func(c clause.Clause, b clause.Builder) {
		s, ok := b.(*gorm.Statement)
		if set, isSet := c.Expression.(clause.Set); ok && isSet {
			if table := tableOf(s); table != nil {
				c.Expression = redactor{log.Redact, table}.set(set)
			}
		}
		if before != nil {
			before(c, b)
			return
		}
		c.Build(b)
	}
}
