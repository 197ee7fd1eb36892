package models

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/seanchatmangpt/ggen/tier2/internal/jsontext"
)

// MaxKeyBytes is the largest length, in bytes, of the id of an agent, execution or session
// and of the name of a metric. PostgreSQL indexes at most 2,704 bytes, for two agents
// together (https://www.postgresql.org/docs/current/btree.html).
const MaxKeyBytes = 1000

// rules collects the faults of one row.
type rules struct {
	table string
	errs  []error
}

func (r *rules) refuse(column string, value any, reason string, allowed ...string) {
	r.errs = append(r.errs, &Error{
		Table: r.table, Column: column, Value: value, Reason: reason, Allowed: allowed, Kind: ErrInvalid,
	})
}

func (r *rules) err() error { return errors.Join(r.errs...) }

// text requires valid UTF-8 without NUL, which PostgreSQL cannot store.
func (r *rules) text(column, s string) bool {
	switch {
	case !utf8.ValidString(s):
		r.refuse(column, s, "is not valid UTF-8")
	case strings.IndexByte(s, 0) >= 0:
		r.refuse(column, s, "contains a NUL character")
	default:
		return true
	}
	return false
}

// required requires text that is not blank.
func (r *rules) required(column, s string) {
	if r.text(column, s) && strings.TrimSpace(s) == "" {
		r.refuse(column, s, "must not be blank")
	}
}

// key requires text that is not blank and short enough for the index of every engine.
func (r *rules) key(column, s string) {
	r.required(column, s)
	if len(s) > MaxKeyBytes {
		r.refuse(column, s, fmt.Sprintf("is longer than %d bytes", MaxKeyBytes))
	}
}

// count requires a duration, count or size that is not negative.
func (r *rules) count(column string, n int64) {
	if n < 0 {
		r.refuse(column, n, "must not be negative")
	}
}

// number requires a finite float.
func (r *rules) number(column string, f float64) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		r.refuse(column, f, "must be a finite number")
	}
}

// hash requires empty text, or SHA-256 in 64 lower-case hex digits.
func (r *rules) hash(column, s string) {
	if s == "" {
		return
	}
	if len(s) != 64 || strings.Trim(s, "0123456789abcdef") != "" {
		r.refuse(column, s, "must be 64 lower-case hex digits (SHA-256)")
	}
}

// json requires nil, or a document that every engine stores.
func (r *rules) json(column string, doc JSON) {
	if doc == nil {
		return
	}
	if fault := jsontext.Fault(doc); fault != "" {
		r.refuse(column, string(doc), fault)
	}
}

// jsonKind requires nil, or a document that starts with open.
func (r *rules) jsonKind(column string, doc JSON, open byte, reason string) {
	r.json(column, doc)
	trimmed := strings.TrimLeft(string(doc), " \t\r\n")
	if doc != nil && json.Valid(doc) && trimmed[0] != open {
		r.refuse(column, string(doc), reason)
	}
}

// when requires a time whose year has four digits in ISO 8601.
func (r *rules) when(column string, t time.Time) {
	if t.IsZero() {
		r.refuse(column, nil, "must be set")
	} else if y := t.UTC().Year(); y < 1 || y > 9999 {
		r.refuse(column, t, "must lie in the years 1 to 9999")
	}
}

// enum requires one of the allowed values.
func enum[T ~string](r *rules, column string, v T, allowed []T) {
	if !slices.Contains(allowed, v) {
		r.refuse(column, string(v), "is not an allowed value", texts(allowed)...)
	}
}
