package hooks

import (
	"database/sql/driver"
	"errors"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// given are the rows of a statement that takes its values from maps.
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

// checkValues refuses what SQLite would put into any column and PostgreSQL into none:
// text that is no text, or is no number, time or document where one belongs. Rules of a
// column's content, such as an enum, are left to its CHECK.
func (w *write) checkValues() error {
	var fields map[string]reflect.Type
	for _, values := range given(w.db.Statement.Dest) {
		if fields == nil {
			fields = columnTypes(w.db, w.table)
		}
		for name, v := range values {
			column := name
			if s := w.db.Statement.Schema; s != nil && s.LookUpField(name) != nil {
				column = s.LookUpField(name).DBName
			}
			t, known := fields[column]
			if !known {
				continue
			}
			if reason := unfit(t, v); reason != "" {
				return &models.Error{Table: w.table, Column: column, Value: v, Reason: reason, Kind: models.ErrInvalid}
			}
		}
	}
	return nil
}

// columnTypes are the Go types of a table's columns, in the model that package models
// has for it.
func columnTypes(db *gorm.DB, table string) map[string]reflect.Type {
	types := map[string]reflect.Type{}
	for _, m := range models.All() {
		s := &gorm.Statement{DB: db}
		if m.TableName() != table || s.Parse(m) != nil {
			continue
		}
		for _, f := range s.Schema.Fields {
			types[f.DBName] = f.IndirectFieldType
		}
	}
	return types
}

var (
	jsonType      = reflect.TypeFor[models.JSON]()
	timestampType = reflect.TypeFor[models.Timestamp]()
	timeType      = reflect.TypeFor[time.Time]()
)

// unfit says why a value is none for a column of type t, "" if it may be one. NULL and
// what the database computes are left to it.
func unfit(t reflect.Type, v any) string {
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
		return unfitText(t, value.String())
	case kind == reflect.Slice && value.Type().Elem().Kind() == reflect.Uint8:
		return unfitText(t, string(value.Bytes()))
	case value.CanFloat():
		return unfitNumber(t, value.Float())
	case kind == reflect.Bool, t.Kind() == reflect.String && (value.CanInt() || value.CanUint()):
		return "has the wrong type for its column"
	}
	return ""
}

func unfitText(t reflect.Type, s string) string {
	if t != jsonType {
		if !utf8.ValidString(s) {
			return "is not valid UTF-8"
		}
		if strings.IndexByte(s, 0) >= 0 {
			return "contains a NUL character"
		}
	}
	var err error
	switch {
	case t == jsonType:
		var e *models.Error
		if _, err := models.JSON(s).Value(); errors.As(err, &e) {
			return e.Reason
		}
	case t == timestampType, t == timeType:
		if _, err = models.ParseTimestamp(s); err != nil {
			return "is no ISO 8601 time"
		}
	case t.Kind() == reflect.Int64:
		if _, err = strconv.ParseInt(s, 10, 64); err != nil {
			return "is no whole number"
		}
	case t.Kind() == reflect.Float64:
		f, err := strconv.ParseFloat(s, 64)
		if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return "is no finite number"
		}
	}
	return ""
}

func unfitNumber(t reflect.Type, f float64) string {
	switch {
	case math.IsNaN(f) || math.IsInf(f, 0):
		return "must be a finite number"
	case t.Kind() == reflect.Float64, t.Kind() == reflect.Int64 && f == math.Trunc(f):
		return ""
	}
	return "has the wrong type for its column"
}
