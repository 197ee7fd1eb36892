package rowfile

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"unicode/utf8"

	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

func readCSV(in *bufio.Reader, t *schema.Table, largest int) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		r := &records{in: in, line: 1, largest: largest}
		columns, err := readHeader(r, t)
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
				row, err = readRecord(fields, columns, t)
			}
			if !yield(Line{row, n}, err) || err != nil {
				return
			}
		}
	}
}

// readHeader gives the column of each field.
func readHeader(r *records, t *schema.Table) ([]int, error) {
	fields, err := r.next()
	switch {
	case errors.Is(err, io.EOF):
		return nil, refuse(t, "", nil, "the file is empty; it must begin with the names of the columns")
	case err != nil:
		return nil, err
	case bytes.HasPrefix(fields[0].text, mark):
		return nil, refuse(t, "", nil, "begins with a byte order mark")
	}
	columns, seen := make([]int, len(fields)), make([]bool, len(t.Columns))
	for i, field := range fields {
		name := string(field.text)
		at := t.Index(name)
		switch {
		case at < 0:
			return nil, refuse(t, "", name, "is no column of this table")
		case seen[at]:
			return nil, refuse(t, name, nil, "is there twice")
		}
		columns[i], seen[at] = at, true
	}
	return columns, allThere(t, seen)
}

func readRecord(fields []field, columns []int, t *schema.Table) (schema.Row, error) {
	if len(fields) != len(columns) {
		return nil, refuse(t, "", nil, fmt.Sprintf("has %d fields instead of %d", len(fields), len(columns)))
	}
	row := make(schema.Row, len(columns))
	for i, field := range fields {
		if field.null() {
			continue
		}
		c := t.Columns[columns[i]]
		v, err := value(c, string(field.text))
		if err != nil {
			return nil, refuse(t, c.Name, string(field.text), err.Error())
		}
		row[columns[i]] = v
	}
	return row, nil
}

// field is a field of a record.
type field struct {
	text   []byte
	quoted bool
}

// null: only quotes tell the empty text from nothing.
func (f field) null() bool { return !f.quoted && len(f.text) == 0 }

// records reads the records of a CSV file. encoding/csv tells "" and nothing apart no
// more than it keeps a CR before an LF, in a field between quotes.
type records struct {
	in      *bufio.Reader
	line    int // that the next record begins in
	largest int
	read    int    // bytes of the record
	buf     []byte // of its fields
	fields  []field
	ends    []int // of the fields in buf
}

// mostFields is how many fields of a record are read: some times those of any table.
const mostFields = 100

func malformed(reason string, args ...any) error {
	return &models.Error{Kind: models.ErrInvalid, Reason: fmt.Sprintf(reason, args...)}
}

// errCut: nothing tells a record that ends without a line break from half of one.
var errCut = malformed("ends without a line break: the file was cut off")

// next reads a record, whose fields hold until the next one; io.EOF is the end.
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
		case len(r.fields) == mostFields:
			return nil, malformed("has more than %d fields", mostFields)
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

// plain reads the rest of a field without quotes, and gives what ended it: a comma or LF.
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

// quoted reads a field after its first quote, likewise.
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

// byte reads a byte of a record that is not too long.
func (r *records) byte() (byte, error) {
	if r.read >= r.largest {
		return 0, tooLong(r.largest)
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
