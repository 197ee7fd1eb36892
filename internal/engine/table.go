package engine

import (
	"slices"

	"github.com/seanchatmangpt/ggen/tier2/internal/canonical"
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
