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
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
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

// Read returns the rows that a Writer wrote, up to the first error. Columns and members may come in
// any order, each exactly once. Lines end in CRLF or LF; blank lines of JSONL are skipped. A row of
// more than maxBytes is rejected without reading all of it; 0 means DefaultMaxBytes. Errors of a
// row are models.ErrInvalid and name its line, and its column if they concern one.
func Read(r io.Reader, f Format, t *schema.Table, maxBytes int) iter.Seq2[Line, error] {
	in, lines := bufio.NewReaderSize(r, 64<<10), readJSONL
	if f == CSV {
		lines = readCSV
	}
	return inOrder(t, lines(in, t, cmp.Or(maxBytes, DefaultMaxBytes)))
}

// inOrder rejects keys that do not ascend, including duplicate keys.
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
			return refuse.Invalid(t.Name, t.Columns[k].Name, nil, "is the key, and must not be NULL")
		}
	}
	if last.Row == nil || t.Compare(last.Row, line.Row) < 0 {
		return nil
	}
	reason := fmt.Sprintf("comes after a larger key, in line %d; rows must be in ascending order", last.Number)
	if t.Compare(last.Row, line.Row) == 0 {
		reason = fmt.Sprintf("is the key of line %d as well", last.Number)
	}
	return refuse.Invalid(t.Name, t.KeyTitle(), t.KeyText(line.Row), reason)
}

// columns are the columns of a header or of a JSON object that were read.
type columns struct {
	table *schema.Table
	seen  []bool
}

// add returns the index of a column. Unknown and repeated names are errors.
func (c *columns) add(name string) (int, error) {
	i := c.table.Index(name)
	switch {
	case i < 0:
		return i, refuse.Invalid(c.table.Name, "", name, "is no column of this table")
	case c.seen[i]:
		return i, refuse.Invalid(c.table.Name, name, nil, "is there twice")
	}
	c.seen[i] = true
	return i, nil
}

// complete rejects a missing column.
func (c *columns) complete() error {
	if i := slices.Index(c.seen, false); i >= 0 {
		return refuse.Invalid(c.table.Name, c.table.Columns[i].Name, nil, "is missing")
	}
	return nil
}

func malformed(reason string, args ...any) error {
	return refuse.Because(models.ErrInvalid, reason, args...)
}

func tooLong(maxBytes int) error { return malformed("is a row of more than %d bytes", maxBytes) }

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
			return nil, errors.New("must be a whole number of 64 bits")
		}
		return n, nil
	case schema.Float:
		f, err := strconv.ParseFloat(text, 64)
		if special := text == "NaN" || text == "Infinity" || text == "-Infinity"; err != nil || !special && !decimal.MatchString(text) {
			return nil, errors.New(`must be a number, or "NaN", "Infinity" or "-Infinity"`)
		}
		return f, nil
	case schema.Time:
		at, err := models.ParseTimestamp(text)
		if err != nil {
			return nil, errors.New("is no ISO 8601 time such as 2026-01-29T12:34:56Z")
		}
		return schema.Instant{Time: at.Time, Text: text}, nil
	}
	return text, nil
}

// Writer writes rows of a table.
type Writer struct {
	out    *bufio.Writer
	table  *schema.Table
	format Format
	names  []string // the encoded names of the members of JSONL
	field  bytes.Buffer
	encode *json.Encoder // writes to field
}

// NewWriter returns a Writer to out, after writing the header of CSV.
func NewWriter(out io.Writer, f Format, t *schema.Table) *Writer {
	w := &Writer{out: bufio.NewWriterSize(out, 64<<10), table: t, format: f}
	w.encode = json.NewEncoder(&w.field)
	w.encode.SetEscapeHTML(false)
	if f == CSV {
		w.out.WriteString(strings.Join(t.Names(), ",") + "\r\n")
		return w
	}
	for _, name := range t.Names() {
		w.names = append(w.names, `"`+name+`":`)
	}
	return w
}

// Write writes a row. Errors: models.ErrCorrupt for text that is not UTF-8, which neither
// format can hold; the errors of the stream.
func (w *Writer) Write(row schema.Row) error {
	for i, v := range row {
		if s, ok := v.(string); ok && !utf8.ValidString(s) {
			return &models.Error{
				Table: w.table.Name, Column: w.table.Columns[i].Name, Value: s, Kind: models.ErrCorrupt,
				Reason: "is not UTF-8, and cannot be written, in row " + w.table.KeyText(row),
			}
		}
	}
	if w.format == CSV {
		return w.writeCSV(row)
	}
	return w.writeJSON(row)
}

// Flush writes buffered rows to the stream.
func (w *Writer) Flush() error { return w.out.Flush() }

func (w *Writer) writeJSON(row schema.Row) error {
	for i, v := range row {
		separator := byte(',')
		if i == 0 {
			separator = '{'
		}
		w.out.WriteByte(separator)
		w.out.WriteString(w.names[i])
		if v == nil {
			w.out.WriteString("null")
			continue
		}
		s, quoted := text(w.table.Columns[i], v)
		if !quoted {
			w.out.WriteString(s)
			continue
		}
		w.field.Reset()
		if err := w.encode.Encode(s); err != nil {
			return err
		}
		w.out.Write(bytes.TrimSuffix(w.field.Bytes(), []byte("\n")))
	}
	_, err := w.out.WriteString("}\n") // bufio.Writer returns earlier errors here
	return err
}

func (w *Writer) writeCSV(row schema.Row) error {
	for i, v := range row {
		if i > 0 {
			w.out.WriteByte(',')
		}
		if v == nil {
			continue
		}
		s, _ := text(w.table.Columns[i], v)
		if s != "" && !strings.ContainsAny(s, "\",\r\n") {
			w.out.WriteString(s)
			continue
		}
		w.out.WriteByte('"')
		w.out.WriteString(strings.ReplaceAll(s, `"`, `""`))
		w.out.WriteByte('"')
	}
	_, err := w.out.WriteString("\r\n")
	return err
}
