// Package rowfile writes the rows of a table to a stream and reads them again, equal to
// the last byte: as JSONL, an object a line, or as CSV (RFC 4180) with a header. Rows come
// and go one by one, in ascending order of their keys.
//
// JSONL has for each column a member of its name: null, a number, or a string. Times and
// JSON are strings, with the text that the database holds; NaN and infinities, which JSON
// has no number for, are "NaN", "Infinity" and "-Infinity".
//
// CSV has the same texts. As with PostgreSQL's COPY, a field that is empty is NULL, and
// one that holds nothing but quotes ("") is the empty text. Lines end in CRLF.
package rowfile

import (
	"fmt"
	"iter"
	"math"
	"regexp"
	"slices"
	"strconv"

	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Format is how rows are written.
type Format string

// The formats. Each is also what names of its files end in.
const (
	JSONL Format = "jsonl"
	CSV   Format = "csv"
)

// Formats are all of them.
func Formats() []Format { return []Format{JSONL, CSV} }

// Valid reports whether it is one of Formats.
func (f Format) Valid() bool { return slices.Contains(Formats(), f) }

// DefaultMaxBytes is how long a row may be unless a reader says otherwise: 64 MiB.
const DefaultMaxBytes = 64 << 20

// Line is a row, and the number of the line that it begins in.
type Line struct {
	Row    schema.Row
	Number int
}

// inOrder holds that keys ascend, so that none is there twice.
func inOrder(t *schema.Table, lines iter.Seq2[Line, error]) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		var last Line
		for line, err := range lines {
			if err == nil {
				err = followed(t, last, line)
			}
			if err != nil {
				if line.Number > 0 {
					err = fmt.Errorf("line %d: %w", line.Number, err)
				}
				yield(line, err)
				return
			}
			if !yield(line, nil) {
				return
			}
			last = line
		}
	}
}

// followed refuses a row whose key does not come after the last one's.
func followed(t *schema.Table, last, line Line) error {
	for _, k := range t.Key {
		if line.Row[k] == nil {
			return &models.Error{Table: t.Name, Column: t.Columns[k].Name, Reason: "is the key, and must not be NULL", Kind: models.ErrInvalid}
		}
	}
	if last.Row == nil {
		return nil
	}
	refuse := func(reason string) error {
		return &models.Error{Table: t.Name, Column: t.KeyTitle(), Value: t.KeyText(line.Row), Kind: models.ErrInvalid, Reason: fmt.Sprintf(reason, last.Number)}
	}
	switch c := t.Compare(last.Row, line.Row); {
	case c == 0:
		return refuse("is the key of line %d as well")
	case c > 0:
		return refuse("comes after a larger key, in line %d; rows must be in ascending order")
	}
	return nil
}

// text is a value as both formats write it; quoted says whether JSON has it as a string.
func text(c schema.Column, v any) (text string, quoted bool) {
	switch v := v.(type) {
	case int64:
		return strconv.FormatInt(v, 10), false
	case float64:
		switch {
		case math.IsNaN(v):
			return "NaN", true
		case math.IsInf(v, 0):
			return map[bool]string{true: "Infinity", false: "-Infinity"}[v > 0], true
		}
		return strconv.FormatFloat(v, 'g', -1, 64), false
	case schema.Instant:
		return c.TimeText(v), true
	}
	return fmt.Sprint(v), true
}

// decimal is a number as JSON has it, and as text writes it.
var decimal = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?$`)

// value is the reverse of text. Its error is the end of a sentence.
func value(c schema.Column, text string) (any, error) {
	switch c.Kind {
	case schema.Integer:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || text[0] == '+' {
			return nil, fmt.Errorf("must be a whole number of 64 bits")
		}
		return n, nil
	case schema.Float:
		f, err := strconv.ParseFloat(text, 64)
		if special := text == "NaN" || text == "Infinity" || text == "-Infinity"; err != nil || !special && !decimal.MatchString(text) {
			return nil, fmt.Errorf(`must be a number, or "NaN", "Infinity" or "-Infinity"`)
		}
		return f, nil
	case schema.Time:
		at, err := models.ParseTimestamp(text)
		if err != nil {
			return nil, fmt.Errorf("is no ISO 8601 time such as 2026-01-29T12:34:56Z")
		}
		return schema.Instant{Time: at.Time, Text: text}, nil
	}
	return text, nil
}

// refuse is what is wrong with a value of a column.
func refuse(t *schema.Table, column string, value any, reason string) error {
	return &models.Error{Table: t.Name, Column: column, Value: value, Reason: reason, Kind: models.ErrInvalid}
}
