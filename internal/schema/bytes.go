package schema

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Append appends the canonical bytes of a value that comes from a driver or a model: nil,
// int64, float64, string, []byte or time.Time. They begin with a tag for the type; texts
// have their length before them. A value that is not of the column's kind, stored by
// another program, counts by its own text.
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
			return appendText(b, 'j', canonicalJSON(v))
		case Text, JSONText:
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

// Append appends the canonical bytes of a row.
func (t *Table) Append(b []byte, row Row) []byte {
	for i, c := range t.Columns {
		b = Append(b, c.Kind, row.Value(i))
	}
	return b
}

// Digest returns the digest that an audit entry states for a row of one of the seven
// tables: the SHA-256, in 64 hex digits, of its canonical bytes without Derived columns
// and, of memory_json, without models.ActivityKey.
func (t *Table) Digest(row Row) string {
	b := make([]byte, 0, 512)
	for i, c := range t.Columns {
		switch v := row.Value(i); {
		case c.Derived:
		case t.Name == "agent_memory" && c.Name == "memory_json":
			b = Append(b, c.Kind, withoutActivity(v))
		default:
			b = Append(b, c.Kind, v)
		}
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// withoutActivity returns a memory_json without the part that the store keeps in it.
func withoutActivity(v any) any {
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

// Entry returns the hash of an audit entry: the SHA-256 of the canonical bytes of its
// columns except id.
func Entry(row Row) tlog.Hash {
	b := make([]byte, 0, 512)
	for i, c := range Named("audit_log").Columns {
		if i > 0 {
			b = Append(b, c.Kind, row.Value(i))
		}
	}
	return sha256.Sum256(b)
}

// Leaf returns the hash of a leaf of the audit log's tree: of the entry's id, in eight
// bytes, big end first, and its Entry.
func Leaf(id int64, entry tlog.Hash) tlog.Hash {
	return tlog.RecordHash(append(binary.BigEndian.AppendUint64(nil, uint64(id)), entry[:]...))
}

// EncodeJSON returns v as JSON without the escapes that only HTML needs.
func EncodeJSON(v any) (string, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return "", err
	}
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n"))), nil
}

// canonicalJSON returns a JSON document in a form in which equal values have equal bytes. Keys
// are sorted; of a repeated key the last one counts, as in PostgreSQL's jsonb. Numbers are
// written by their exact value. Text that Go cannot read is returned unchanged.
func canonicalJSON(text string) string {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		return text
	}
	return string(appendJSON(nil, v))
}

func appendJSON(b []byte, v any) []byte {
	switch v := v.(type) {
	case json.Number:
		return append(b, number(string(v))...)
	case string:
		return strconv.AppendQuote(b, v)
	case []any:
		b = append(b, '[')
		for _, element := range v {
			b = append(appendJSON(b, element), ',')
		}
		return append(b, ']')
	case map[string]any:
		b = append(b, '{')
		for _, key := range slices.Sorted(maps.Keys(v)) {
			b = append(strconv.AppendQuote(b, key), ':')
			b = append(appendJSON(b, v[key]), ',')
		}
		return append(b, '}')
	case bool:
		return strconv.AppendBool(b, v)
	}
	return append(b, "null"...)
}

// number returns the value of a JSON number as its digits, without zeros at either end, and
// the power of ten of the last digit: 1e2, 100 and 100.0 are "1e2". Zero has no sign.
func number(text string) string {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(text), "e")
	power := new(big.Int)
	if exponent != "" {
		power.SetString(strings.TrimPrefix(exponent, "+"), 10)
	}
	mantissa, negative := strings.CutPrefix(mantissa, "-")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimRight(whole+fraction, "0")
	power.Add(power, big.NewInt(int64(len(whole)-len(digits)))) // of the last digit kept
	digits = strings.TrimLeft(digits, "0")
	if digits == "" {
		return "0"
	}
	if negative {
		digits = "-" + digits
	}
	return digits + "e" + power.String()
}
