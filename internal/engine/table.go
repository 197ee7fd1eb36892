package engine

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
}
