// Package canonical gives a row one form, whichever engine holds it: values that mean
// the same give the same bytes, and others do not. What is hashed of rows is hashed in
// this form: the digests of a copy, those in audit entries, and the leaves of the audit
// log's Merkle tree.
package canonical

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Kind is what a column holds.
type Kind int

// The kinds.
const (
	Integer  Kind = iota
	Float         // without the sign of zero
	Text          // byte by byte, also JSON whose bytes are a contract
	Time          // in UTC, to the microsecond
	Document      // JSON by its value
)

// Append appends a value that a driver gave or that a model has: nil, int64, float64,
// string, []byte or time.Time. A tag says what it is, and of texts the length. What
// another program has stored and is not of the column's kind counts by its own text.
func Append(b []byte, kind Kind, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, '0')
	case int64:
		if kind == Float {
			return appendFloat(b, float64(v))
		}
		return binary.BigEndian.AppendUint64(append(b, 'i'), uint64(v))
	case float64:
		return appendFloat(b, v)
	case time.Time:
		return binary.BigEndian.AppendUint64(append(b, 't'), uint64(v.UnixMicro()))
	case []byte:
		return Append(b, kind, string(v))
	case string:
		switch kind {
		case Document:
			return appendText(b, 'j', string(appendDocument(nil, v)))
		case Text:
			return appendText(b, 's', v)
		case Time:
			if at, err := models.ParseTimestamp(v); err == nil {
				return Append(b, kind, at.Time)
			}
		}
	}
	return appendText(b, 'x', fmt.Sprint(v))
}

func appendFloat(b []byte, f float64) []byte {
	if f == 0 {
		f = 0 // SQLite keeps no sign of zero
	}
	return binary.BigEndian.AppendUint64(append(b, 'f'), math.Float64bits(f))
}

func appendText(b []byte, tag byte, s string) []byte {
	return append(binary.BigEndian.AppendUint64(append(b, tag), uint64(len(s))), s...)
}

// Column is a column of one of the seven tables.
type Column struct {
	Name string
	Kind Kind
	// Derived: the store itself changes it beside the entries of the audit log.
	Derived bool
}

// Columns are the columns of a table in the order of the schema, id first; nil if it is
// none of the seven.
func Columns(table string) []Column { return columns[table] }

// Row appends the canonical bytes of a row of one of the seven tables. value gives the
// value of the ith of Columns.
func Row(b []byte, table string, value func(i int) any) []byte {
	for i, c := range columns[table] {
		b = Append(b, c.Kind, value(i))
	}
	return b
}

// Digest is the SHA-256, in 64 hex digits, of what an audit entry vouches for: the
// canonical bytes of the row, without what is Derived and, of memory_json, without
// models.ActivityKey. value gives the value of the ith of Columns.
func Digest(table string, value func(i int) any) string {
	b := make([]byte, 0, 512)
	for i, c := range columns[table] {
		switch v := value(i); {
		case c.Derived:
		case table == "agent_memory" && c.Name == "memory_json":
			b = Append(b, c.Kind, own(v))
		default:
			b = Append(b, c.Kind, v)
		}
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// own is a memory_json without what the store counts in it.
func own(v any) any {
	var text string
	switch v := v.(type) {
	case string:
		text = v
	case []byte: // as some drivers give a jsonb
		text = string(v)
	default:
		return v
	}
	var doc map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &doc); err != nil || doc == nil {
		return v
	}
	delete(doc, models.ActivityKey)
	rest, err := json.Marshal(doc)
	if err != nil {
		return v
	}
	return string(rest)
}
