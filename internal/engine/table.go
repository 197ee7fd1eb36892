package engine

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/seanchatmangpt/ggen/tier2/internal/canonical"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Type is what a column holds, the same on every engine.
type Type string

// The types, named as in the PostgreSQL schema.
const (
	Integer  Type = "bigint"           // int64
	Float    Type = "double precision" // float64
	Text     Type = "text"             // text, also of JSON that is evidence and never looked into
	JSONText Type = "json"             // JSON whose bytes are a contract
	Time     Type = "timestamptz"      // a time in UTC, to the microsecond
	Document Type = "jsonb"            // JSON that equals another of the same value
)

// Kind is what package canonical calls it.
func (t Type) Kind() canonical.Kind { return kinds[t] }

var kinds = map[Type]canonical.Kind{
	Integer: canonical.Integer, Float: canonical.Float, Text: canonical.Text,
	JSONText: canonical.Text, Time: canonical.Time, Document: canonical.Document,
}

// Column is a column of a Table.
type Column struct {
	Name string
	Type Type
	JSON bool // whether it holds JSON: a Document, JSONText, or Text with a CHECK
}

// datetimeLayout is how both drivers of SQLite write the times that are no
// models.Timestamp.
const datetimeLayout = "2006-01-02 15:04:05.999999999-07:00"

// TimeText is a value of the column as a SQLite file has it: in its own text if it has
// one, else as the store writes it there.
func (c Column) TimeText(at Instant) string {
	switch {
	case at.Text != "":
		return at.Text
	case c.Name == "timestamp": // as schema.sql says
		return models.At(at.Time).String()
	}
	return at.UTC().Format(datetimeLayout)
}

// Table is a table of the schema.
type Table struct {
	Name    string
	Columns []Column
	Key     []int // the primary key: indexes of Columns
	// Lenient tables are read whatever they hold: what is not of its column's type
	// comes as Unreadable, not as models.ErrCorrupt.
	Lenient bool
}

// Find is the table of that name, and whether it is among tables.
func Find(tables []Table, name string) (Table, bool) {
	for _, t := range tables {
		if t.Name == name {
			return t, true
		}
	}
	return Table{}, false
}

// Index is the place of a column, -1 if there is none of that name.
func (t *Table) Index(column string) int {
	return slices.IndexFunc(t.Columns, func(c Column) bool { return c.Name == column })
}

// Compare orders rows as both engines order their keys: numbers by value, text by its
// bytes. The keys hold no nil.
func (t *Table) Compare(a, b Row) int {
	for _, k := range t.Key {
		c := 0
		switch x := a[k].(type) {
		case int64:
			c = cmp.Compare(x, b[k].(int64))
		case string:
			c = cmp.Compare(x, b[k].(string))
		case Instant:
			c = x.Compare(b[k].(Instant).Time)
		}
		if c != 0 {
			return c
		}
	}
	return 0
}

// KeyNames are the columns of the key as messages name them.
func (t *Table) KeyNames() string { return strings.Join(t.keyNames(), ", ") }

// KeyText is the key of a row as messages show it.
func (t *Table) KeyText(row Row) string {
	key := make([]string, len(t.Key))
	for i, v := range t.KeyOf(row) {
		key[i] = fmt.Sprint(v)
	}
	return strings.Join(key, ", ")
}
