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
	"gorm.io/gorm/callbacks"
	"gorm.io/gorm/clause"

	"github.com/seanchatmangpt/ggen/tier2/internal/audit"
	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

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

// redactValue redacts a caller's value for a column, of any type. Expressions, and values
// that the column would reject, are returned unchanged.
func (w *write) redactValue(place schema.Secrets, v any) any {
	given := v
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
	if clean := w.log.Redact.In(place, text); clean != text {
		return clean
	}
	return v
}

// secrets returns where a column of the table may hold secrets.
func (w *write) secrets(column string) schema.Secrets {
	if i := w.table.Index(strings.ToLower(column)); i >= 0 {
		return w.table.Columns[i].Secrets
	}
	return schema.Nowhere
}

// redactSet returns the assignments of an UPDATE without secrets. It leaves the caller's as
// they are.
func (w *write) redactSet(set clause.Set) clause.Set {
	set = slices.Clone(set)
	for i, a := range set {
		if place := w.secrets(a.Column.Name); place != schema.Nowhere {
			set[i].Value = w.redactValue(place, a.Value)
		}
	}
	return set
}

// redactValues redacts the rows of an INSERT in place, and its assignments on a conflict.
func (w *write) redactValues(values clause.Values) {
	for j, column := range values.Columns {
		if place := w.secrets(column.Name); place != schema.Nowhere {
			for _, row := range values.Values {
				row[j] = w.redactValue(place, row[j])
			}
		}
	}
	clauses := w.db.Statement.Clauses
	if c, ok := clauses["ON CONFLICT"]; ok {
		if on, ok := c.Expression.(clause.OnConflict); ok {
			on.DoUpdates = w.redactSet(on.DoUpdates)
			c.Expression = on
			clauses["ON CONFLICT"] = c
		}
	}
}

// redactUpdate builds the assignments of an UPDATE as GORM would, and redacts them. The
// caller restores the clause.
func (w *write) redactUpdate() (restore func()) {
	s := w.db.Statement
	before, given := s.Clauses["SET"]
	set, ok := before.Expression.(clause.Set)
	if w.action != audit.Update || !w.table.HasSecrets() || given && !ok || s.SQL.Len() > 0 {
		return func() {}
	}
	if !given {
		if set = callbacks.ConvertToAssignments(s); len(set) == 0 {
			return func() {}
		}
	}
	after := before
	after.Name, after.Expression = "SET", w.redactSet(set)
	s.Clauses["SET"] = after
	return func() {
		if delete(s.Clauses, "SET"); given {
			s.Clauses["SET"] = before
		}
	}
}
