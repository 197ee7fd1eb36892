// Package schema describes every table once: its columns, keys and model. It also gives
// rows one form, whichever engine holds them. Equal values have equal canonical bytes, and
// unequal ones differ. All hashes of rows are taken from these bytes: the digests of a
// copy, those in audit entries, and the leaves of the audit log's Merkle tree.
package schema

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Kind says what a column holds, the same on every engine.
type Kind int

// The kinds.
const (
	Integer  Kind = iota // int64
	Float                // float64, without the sign of zero
	Text                 // text, byte by byte; also JSON that is evidence
	Time                 // a time in UTC, to the microsecond
	Document             // JSON that equals any JSON of the same value
	JSONText             // JSON whose bytes are a contract
)

// String returns the name of the kind's type in the PostgreSQL schema.
func (k Kind) String() string {
	return [...]string{"bigint", "double precision", "text", "timestamptz", "jsonb", "json"}[k]
}

// Secrets says where a column may hold secrets, which are redacted before it is stored.
type Secrets int

// The places.
const (
	Nowhere    Secrets = iota
	InText             // after the keys in "key=value" and the like
	InDocument         // under the keys of a JSON document
)

// Column is a column of a Table.
type Column struct {
	Name    string
	Kind    Kind
	JSON    bool // it holds JSON
	Derived bool // the store itself changes it beside the entries of the audit log
	Late    bool // in a Fixed table, it may be set once after the row was inserted
	Secrets Secrets
	fill    func() string // the value if the model's field is empty; nil for none
}

// Parent is the foreign key of a table.
type Parent struct {
	Table      string // the referenced table; its column has the same name
	Column     string
	Constraint string
}

// Table is a table of the schema.
type Table struct {
	Name       string
	Columns    []Column
	Key        []int    // the primary key: indexes of Columns
	NaturalKey string   // the unique column that names a row to a person; "" if only the id does
	Parent     Parent   // the zero value if the table has none
	Agents     []string // the columns that name agents, first the one that acts; nil for none
	TimeColumn string   // the column with the time of what a row records; "" for none
	Fixed      bool     // rows do not change after they were inserted
	// Lenient tables are read even if a value is not of its column's kind. Such a value is
	// a backend.Unreadable instead of a models.ErrCorrupt.
	Lenient bool

	fields  func(models.Model) []any           // pointers to the fields of a model, by column
	receipt func(models.Model) *models.Receipt // the loaded receipt of a model; nil if it has none
}

// Index returns the place of a column, or -1.
func (t *Table) Index(column string) int {
	return slices.IndexFunc(t.Columns, func(c Column) bool { return c.Name == column })
}

// Names returns the names of the columns.
func (t *Table) Names() []string {
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = c.Name
	}
	return names
}

// HasExecution reports whether each row of the table names its execution.
func (t *Table) HasExecution() bool {
	return t.NaturalKey == "execution_id" || t.Parent.Column == "execution_id"
}

// Row is one row: a value per column, in their order. A value is nil (NULL), int64,
// float64, string, Instant or time.Time; a row of a Lenient table also holds
// backend.Unreadable.
type Row []any

// Instant is a value of a Time column.
type Instant struct {
	time.Time        // in UTC, to the microsecond
	Text      string // the form in a SQLite file, where other programs write others; else ""
}

// Value returns the ith value as Append takes it.
func (r Row) Value(i int) any {
	if at, ok := r[i].(Instant); ok {
		return at.Time
	}
	return r[i]
}

// Text returns the text in a column, or "" if it holds none.
func (t *Table) Text(r Row, column string) string {
	if i := t.Index(column); i >= 0 && i < len(r) {
		s, _ := r[i].(string)
		return s
	}
	return ""
}

// ID returns the id of a row of one of the seven tables, or 0.
func (r Row) ID() int64 {
	if len(r) == 0 {
		return 0
	}
	id, _ := r[0].(int64)
	return id
}

// KeyOf returns the values of a row's primary key.
func (t *Table) KeyOf(row Row) []any {
	key := make([]any, len(t.Key))
	for i, k := range t.Key {
		key[i] = row[k]
	}
	return key
}

// KeyNames returns the columns of the primary key.
func (t *Table) KeyNames() []string {
	names := make([]string, len(t.Key))
	for i, k := range t.Key {
		names[i] = t.Columns[k].Name
	}
	return names
}

// KeyTitle returns the columns of the primary key as messages name them.
func (t *Table) KeyTitle() string { return strings.Join(t.KeyNames(), ", ") }

// KeyText returns the key of a row as messages show it.
func (t *Table) KeyText(row Row) string {
	key := make([]string, len(t.Key))
	for i, v := range t.KeyOf(row) {
		key[i] = fmt.Sprint(v)
	}
	return strings.Join(key, ", ")
}

// Compare orders rows as both engines order their keys: numbers by value, text by its
// bytes. Keys hold no nil.
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

// Equal reports whether two rows have the same canonical bytes.
func (t *Table) Equal(a, b Row) bool { return bytes.Equal(t.Append(nil, a), t.Append(nil, b)) }

// Succeeds reports whether two rows under one key are the same row at two times, of which
// old is the earlier. Such rows agree in the columns that no update touches: created_at and
// the natural key, and in a Fixed table all columns, except Late ones that old lacks.
func (t *Table) Succeeds(row, old Row) bool {
	for i, c := range t.Columns {
		touched := !t.Fixed && c.Name != "created_at" && c.Name != t.NaturalKey || c.Late && old[i] == nil
		if !touched && !bytes.Equal(Append(nil, c.Kind, row.Value(i)), Append(nil, c.Kind, old.Value(i))) {
			return false
		}
	}
	return true
}

// datetimeLayout is how both SQLite drivers write a time.Time.
const datetimeLayout = "2006-01-02 15:04:05.999999999-07:00"

// TimeText returns a time as a SQLite file holds it in the column: in its own text if it
// has one, else as the store writes it.
func (c Column) TimeText(at Instant) string {
	switch {
	case at.Text != "":
		return at.Text
	case c.Name == "timestamp": // a models.Timestamp
		return models.At(at.Time).String()
	}
	return at.UTC().Format(datetimeLayout)
}
