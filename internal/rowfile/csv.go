package rowfile

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"unicode/utf8"

	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

func readCSV(in *bufio.Reader, t *schema.Table, maxBytes int) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		r := &records{in: in, line: 1, maxBytes: maxBytes}
		header, err := readHeader(r, t)
		if err != nil {
			yield(Line{Number: 1}, err)
			return
		}
		for {
			n := r.line
			fields, err := r.next()
			if errors.Is(err, io.EOF) {
				return
			}
			var row schema.Row
			if err == nil {
				row, err = readRecord(fields, header, t)
			}
			if !yield(Line{row, n}, err) || err != nil {
				return
			}
		}
	}
}

// readHeader returns the column of each field.
func readHeader(r *records, t *schema.Table) ([]int, error) {
	fields, err := r.next()
	switch {
	case errors.Is(err, io.EOF):
		return nil, refuse.Invalid(t.Name, "", nil, "the file is empty; it must begin with the names of the columns")
	case err != nil:
		return nil, err
	case bytes.HasPrefix(fields[0].text, mark):
		return nil, refuse.Invalid(t.Name, "", nil, "begins with a byte order mark")
	}
	header, read := make([]int, len(fields)), columns{t, make([]bool, len(t.Columns))}
	for i, field := range fields {
		if header[i], err = read.add(string(field.text)); err != nil {
			return nil, err
		}
	}
	return header, read.complete()
}

func readRecord(fields []field, header []int, t *schema.Table) (schema.Row, error) {
	if len(fields) != len(header) {
		return nil, refuse.Invalid(t.Name, "", nil, fmt.Sprintf("has %d fields instead of %d", len(fields), len(header)))
	}
	row := make(schema.Row, len(header))
	for i, field := range fields {
		if field.null() {
			continue
		}
		c := t.Columns[header[i]]
		v, err := value(c, string(field.text))
		if err != nil {
			return nil, refuse.Invalid(t.Name, c.Name, string(field.text), err.Error())
		}
		row[header[i]] = v
	}
	return row, nil
}

// field is a field of a record.
type field struct {
	text   []byte
	quoted bool
}

// null reports whether the field is NULL: only quotes distinguish the empty text from it.
func (f field) null() bool { return !f.quoted && len(f.text) == 0 }

// records reads the records of a CSV file. encoding/csv cannot be used: it does not distinguish ""
// from an empty field, and drops a CR before an LF in quoted fields.
type records struct {
	in       *bufio.Reader
	line     int // the line on which the next record begins
	maxBytes int
	buf      []byte // the record
	fields   []field
	open     bool // whether the record ended within quotes
}

// maxFields is the number of fields of a record that are read, more than any table has.
const maxFields = 100

// next reads a record. Its fields are valid until the next call; io.EOF is the end.
func (r *records) next() ([]field, error) {
	first := r.line
	r.buf, r.fields, r.open = r.buf[:0], r.fields[:0], false
	var err error
	for quotes := 0; err == nil && (len(r.buf) == 0 || quotes%2 == 1); r.line++ { // a line break within quotes is text
		start := len(r.buf)
		r.buf, err = readLine(r.in, r.buf, r.maxBytes)
		quotes += bytes.Count(r.buf[start:], []byte{'"'})
	}
	long, ended := errors.Is(err, models.ErrInvalid), errors.Is(err, io.EOF)
	if len(r.buf) == 0 || err != nil && !long && !ended {
		return nil, err
	}
	if err != nil {
		r.buf = append(r.buf, '\n') // which split expects
	}
	fault := r.split(first)
	switch {
	case long && (fault == nil || r.open):
		return nil, err
	case fault != nil:
		return nil, fault
	case ended:
		return nil, malformed("ends without a line break: the file was cut off")
	case slices.ContainsFunc(r.fields, func(f field) bool { return !utf8.Valid(f.text) }):
		return nil, malformed("is not valid UTF-8")
	}
	return r.fields, nil
}

// split splits the record, which begins on a line and ends in LF, into fields.
func (r *records) split(line int) error {
	for rest := r.buf; len(rest) > 0; {
		if len(r.fields) == maxFields {
			return malformed("has more than %d fields", maxFields)
		}
		f := field{quoted: rest[0] == '"'}
		if f.quoted {
			if f.text, rest, r.open = unquote(rest[1:]); r.open {
				return malformed("the quotes that open in line %d are not closed: the file was cut off", line)
			}
			line += bytes.Count(f.text, []byte{'\n'})
		}
		end := bytes.IndexAny(rest, ",\n")
		text := rest[:end]
		if rest[end] == '\n' {
			text = bytes.TrimSuffix(text, []byte{'\r'})
		}
		rest = rest[end+1:]
		switch {
		case f.quoted && len(text) > 0:
			return malformed("has text behind the quotes that end a field")
		case bytes.IndexByte(text, '"') >= 0:
			return malformed("has a quote in a field that does not begin with one")
		case bytes.IndexByte(text, '\r') >= 0:
			return malformed("has a CR without LF in a field without quotes")
		case !f.quoted:
			f.text = text
		}
		r.fields = append(r.fields, f)
	}
	return nil
}

// unquote returns the text up to the quote that ends a field, and the rest after it. It reuses the
// memory of b.
func unquote(b []byte) (text, rest []byte, open bool) {
	text = b[:0]
	for {
		i := bytes.IndexByte(b, '"')
		if i < 0 {
			return nil, nil, true
		}
		text, b = append(text, b[:i]...), b[i+1:]
		if b[0] != '"' { // a record ends in LF
			return text, b, false
		}
		text, b = append(text, '"'), b[1:]
	}
}
