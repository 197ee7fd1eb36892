package schema

import (
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
