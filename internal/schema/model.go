package schema

import (
	"reflect"
	"time"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Record is a model together with the pointers to its fields, by column.
type Record struct {
	Model  models.Model
	Table  *Table
	Fields []any
}

// RecordOf returns the record of one of the seven models.
func RecordOf(m models.Model) Record {
	t := Of(m)
	return Record{m, t, t.fields(m)}
}

// Prepare fills empty fields: an id, times, defaults. Times get UTC and microseconds, the
// precision that both engines keep. Preparing a model again changes nothing.
func Prepare(m models.Model, now time.Time) { RecordOf(m).Prepare(now) }

// Prepare fills the fields of the record as the function does.
func (r Record) Prepare(now time.Time) {
	for i, field := range r.Fields {
		switch f := field.(type) {
		case *models.Timestamp:
			if f.IsZero() {
				f.Time = now
			}
			*f = models.At(f.Time)
		case *time.Time:
			fillTime(f, now)
		case **time.Time:
			if *f != nil {
				fillTime(*f, now)
			}
		case *string:
			if fill := r.Table.Columns[i].fill; fill != nil && *f == "" {
				*f = fill()
			}
		case *models.JSON:
			if fill := r.Table.Columns[i].fill; fill != nil && *f == nil {
				*f = models.JSON(fill())
			}
		}
	}
}

func fillTime(t *time.Time, now time.Time) {
	if t.IsZero() {
		*t = now
	}
	*t = t.UTC().Truncate(time.Microsecond)
}

// ID returns where the model keeps its id.
func (r Record) ID() *int64 { return r.Fields[0].(*int64) }

// Agent returns the agent that the model itself names, or "": that of its own column, or
// that of its receipt if it is loaded.
func (r Record) Agent() string {
	if len(r.Table.Agents) > 0 {
		return *r.Fields[r.Table.Index(r.Table.Agents[0])].(*string)
	}
	if r.Table.receipt != nil {
		if receipt := r.Table.receipt(r.Model); receipt != nil {
			return receipt.AgentID
		}
	}
	return ""
}

// Row returns the values of the record's columns.
func (r Record) Row() Row { return r.AppendTo(make(Row, 0, len(r.Fields))) }

// AppendTo appends the values of the record's columns to row.
func (r Record) AppendTo(row Row) Row {
	for _, field := range r.Fields {
		row = append(row, value(field))
	}
	return row
}

func value(field any) any {
	switch f := field.(type) {
	case *string:
		return *f
	case *int64:
		return *f
	case *float64:
		return *f
	case *models.Timestamp:
		return f.String()
	case *time.Time:
		return *f
	case **time.Time:
		if *f != nil {
			return **f
		}
	case **int64:
		if *f != nil {
			return **f
		}
	case *models.JSON:
		if *f != nil {
			return string(*f)
		}
	}
	return nil
}

// structs holds the types of the seven models.
var structs = func() map[reflect.Type]bool {
	types := map[reflect.Type]bool{}
	for _, m := range models.All() {
		types[reflect.TypeOf(m).Elem()] = true
	}
	return types
}()

// ModelIn returns the model in an addressable struct: the struct itself if its type is one
// of the seven, in which case exact is true, or the model that it embeds. It returns nil if
// there is none, or if the struct embeds two at the same depth, whose methods Go does not
// promote either.
func ModelIn(v reflect.Value) (m models.Model, exact bool) {
	if structs[v.Type()] {
		return v.Addr().Interface().(models.Model), true
	}
	seen := map[reflect.Type]bool{}
	for level := []reflect.Value{v}; len(level) > 0 && m == nil; {
		var deeper []reflect.Value
		for _, e := range level {
			seen[e.Type()] = true // a struct may embed a pointer to its own type
			for _, inner := range embedded(e) {
				switch {
				case structs[inner.Type()] && m != nil:
					return nil, false
				case structs[inner.Type()]:
					m = inner.Addr().Interface().(models.Model)
				case !seen[inner.Type()]:
					deeper = append(deeper, inner)
				}
			}
		}
		level = deeper
	}
	return m, false
}

// embedded returns the structs that a struct embeds, also those behind pointers. GORM
// ignores models that are embedded under a name that is not exported.
func embedded(v reflect.Value) (list []reflect.Value) {
	for i := range v.NumField() {
		e := v.Field(i)
		if e.Kind() == reflect.Pointer {
			e = e.Elem()
		}
		if v.Type().Field(i).Anonymous && e.Kind() == reflect.Struct && (e.CanInterface() || !structs[e.Type()]) {
			list = append(list, e)
		}
	}
	return list
}
