package rowfile

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"unicode/utf8"

	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
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

// records reads the records of a CSV file. encoding/csv cannot be used: it does not
// distinguish "" from an empty field, and drops a CR before an LF in quoted fields.
type records struct {
	in       *bufio.Reader
	line     int // the line on which the next record begins
	maxBytes int
	read     int    // bytes read of the record
	buf      []byte // the text of its fields
	fields   []field
	ends     []int // where each field ends in buf
}

// maxFields is the number of fields of a record that are read, more than any table has.
const maxFields = 100

// errCut reports a record without a line break, which may be half of one.
var errCut = malformed("ends without a line break: the file was cut off")

// next reads a record. Its fields are valid until the next call; io.EOF is the end.
func (r *records) next() ([]field, error) {
	r.read, r.buf, r.fields, r.ends = 0, r.buf[:0], r.fields[:0], r.ends[:0]
	for more := true; more; {
		c, err := r.byte()
		if errors.Is(err, io.EOF) && r.read == 0 {
			return nil, io.EOF
		}
		switch {
		case err != nil:
			return nil, cut(err)
		case len(r.fields) == maxFields:
			return nil, malformed("has more than %d fields", maxFields)
		}
		quoted := c == '"'
		if quoted {
			c, err = r.quoted()
		} else {
			c, err = r.plain(c)
		}
		if err != nil {
			return nil, err
		}
		r.fields, r.ends = append(r.fields, field{quoted: quoted}), append(r.ends, len(r.buf))
		more = c == ','
	}
	r.line++
	for start, i := 0, 0; i < len(r.ends); i++ {
		r.fields[i].text, start = r.buf[start:r.ends[i]], r.ends[i]
		if !utf8.Valid(r.fields[i].text) {
			return nil, malformed("is not valid UTF-8")
		}
	}
	return r.fields, nil
}

// plain reads an unquoted field whose first byte is c, and returns the comma or LF that ended it.
func (r *records) plain(c byte) (byte, error) {
	for {
		switch c {
		case ',', '\n':
			return c, nil
		case '"':
			return 0, malformed("has a quote in a field that does not begin with one")
		case '\r':
			return r.lf()
		}
		r.buf = append(r.buf, c)
		var err error
		if c, err = r.byte(); err != nil {
			return 0, cut(err)
		}
	}
}

// quoted reads the rest of a field after its opening quote, and returns the comma or LF that
// ended it.
func (r *records) quoted() (byte, error) {
	began := r.line
	for {
		c, err := r.byte()
		if errors.Is(err, io.EOF) {
			return 0, malformed("the quotes that open in line %d are not closed: the file was cut off", began)
		}
		if err != nil {
			return 0, err
		}
		if c == '"' {
			switch c, err = r.byte(); {
			case err != nil:
				return 0, cut(err)
			case c == ',' || c == '\n':
				return c, nil
			case c == '\r':
				return r.lf()
			case c != '"':
				return 0, malformed("has text behind the quotes that end a field")
			}
		}
		if c == '\n' {
			r.line++
		}
		r.buf = append(r.buf, c)
	}
}

// lf reads the LF that follows a CR.
func (r *records) lf() (byte, error) {
	c, err := r.byte()
	if err == nil && c != '\n' {
		err = malformed("has a CR without LF in a field without quotes")
	}
	return c, cut(err)
}

// byte reads a byte, unless the record is too long.
func (r *records) byte() (byte, error) {
	if r.read >= r.maxBytes {
		return 0, tooLong(r.maxBytes)
	}
	c, err := r.in.ReadByte()
	if err == nil {
		r.read++
	}
	return c, err
}

func cut(err error) error {
	if errors.Is(err, io.EOF) {
		return errCut
	}
	return err
}
