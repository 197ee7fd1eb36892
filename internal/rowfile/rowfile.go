// Package rowfile writes the rows of a table to a stream and reads them back, equal to the
// last byte, as JSONL with one object per line, or as CSV (RFC 4180) with a header. It
// handles one row at a time, in ascending order of keys.
//
// In JSONL each column is a member: null, a number, or a string. Times and JSON are strings
// that hold the stored text. NaN and infinities, for which JSON has no number, are "NaN",
// "Infinity" and "-Infinity".
//
// CSV has the same texts. As in PostgreSQL's COPY, an empty field is NULL, and a quoted
// empty field ("") is the empty text. Lines end in CRLF.
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

// Format is a file format for rows.
type Format string

// The formats. Each is also the extension of its files.
const (
	JSONL Format = "jsonl"
	CSV   Format = "csv"
)

// Formats returns all formats.
func Formats() []Format { return []Format{JSONL, CSV} }

// Valid reports whether f is one of Formats.
func (f Format) Valid() bool { return slices.Contains(Formats(), f) }

// DefaultMaxBytes is the default for the length of the longest row: 64 MiB.
const DefaultMaxBytes = 64 << 20

// Line is a row and the number of the line on which it begins.
type Line struct {
	Row    schema.Row
	Number int
}

// inOrder rejects keys that do not ascend, and so also duplicate keys.
func inOrder(t *schema.Table, lines iter.Seq2[Line, error]) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		var last Line
		for line, err := range lines {
			if err == nil {
				err = checkOrder(t, last, line)
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

// checkOrder rejects a row without a key, or whose key does not come after the last one.
func checkOrder(t *schema.Table, last, line Line) error {
	for _, k := range t.Key {
		if line.Row[k] == nil {
			return &models.Error{Table: t.Name, Column: t.Columns[k].Name, Reason: "is the key, and must not be NULL", Kind: models.ErrInvalid}
		}
	}
	if last.Row == nil {
		return nil
	}
	refuse := func(reason string) error {
		reason = fmt.Sprintf(reason, last.Number)
		return &models.Error{Table: t.Name, Column: t.KeyTitle(), Value: t.KeyText(line.Row), Kind: models.ErrInvalid, Reason: reason}
	}
	switch c := t.Compare(last.Row, line.Row); {
	case c == 0:
		return refuse("is the key of line %d as well")
	case c > 0:
		return refuse("comes after a larger key, in line %d; rows must be in ascending order")
	}
	return nil
}

// text returns a value as both formats write it, and whether JSONL writes it as a string.
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

// decimal matches numbers as JSON and text write them.
var decimal = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?$`)

// value parses what text wrote. Its error is the end of a sentence.
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

// refuse returns an error about a value of a column.
func refuse(t *schema.Table, column string, value any, reason string) error {
	return &models.Error{Table: t.Name, Column: column, Value: value, Reason: reason, Kind: models.ErrInvalid}
}
