package term

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math"
	"strconv"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Column is a column of a list. In JSON and CSV it has a name, that of the column of the
// database if there is one, and in a table a title. A column without a name is missing in
// JSON and CSV, a column without a title in tables.
type Column[T any] struct {
	name, title string
	value       func(T) any
}

// Col returns a column. The type of its values must be one of those listed in cell.go.
func Col[T any](name, title string, value func(T) any) Column[T] {
	return Column[T]{name, title, value}
}

// Limit is the value of the flag --limit: how many rows to show at most.
type Limit struct {
	Rows  int
	Given bool // by the user; otherwise a note says that there are more rows
}

// NoLimit shows all rows.
var NoLimit = Limit{Rows: math.MaxInt, Given: true}

// Set implements pflag.Value.
func (l *Limit) Set(text string) error {
	n, err := strconv.Atoi(text)
	if text == "all" {
		n, err = math.MaxInt, nil
	}
	if err != nil || n < 1 {
		return errors.New("must be a number from 1 on, or all")
	}
	l.Rows, l.Given = n, true
	return nil
}

// Type implements pflag.Value.
func (*Limit) Type() string { return "number" }

// String implements pflag.Value.
func (l *Limit) String() string {
	if l.Rows == math.MaxInt {
		return "all"
	}
	return strconv.Itoa(l.Rows)
}

// List prints rows as a table, with JSON as an array of objects, with CSV as lines of RFC
// 4180. It holds a bounded number of them in memory. If rows yields an error, List returns
// it and leaves the output incomplete, so that JSON is not valid.
func List[T any](c *Console, limit Limit, rows iter.Seq2[T, error], columns ...Column[T]) error {
	names, cells := shown(c, columns)
	out := bufio.NewWriter(c.Out)
	form, n := c.lister(out, names), 0
	for row, err := range rows {
		if err != nil {
			return errors.Join(err, out.Flush())
		}
		if n == limit.Rows {
			if !limit.Given {
				c.Note("there are more than these %d: give --limit a number, or all", n)
			}
			break
		}
		n++
		if err := form.row(cells(row)); err != nil {
			return err
		}
	}
	if err := form.end(); err != nil {
		return err
	}
	return out.Flush()
}

// Live prints rows as List does, but each as soon as it comes, and with JSON as an object on
// a line of its own. It returns after as many rows as limit allows.
func Live[T any](c *Console, limit Limit, rows iter.Seq2[T, error], columns ...Column[T]) error {
	names, cells := shown(c, columns)
	c.Idle()
	out := bufio.NewWriter(c.Out)
	form := c.lister(out, names)
	switch {
	case c.JSON:
		form = &lineLister{out: out, names: names}
	case !c.CSV:
		form.(*table).live = true
	}
	if err := out.Flush(); err != nil { // the header of CSV
		return err
	}
	n := 0
	for row, err := range rows {
		if err == nil {
			err = errors.Join(form.row(cells(row)), out.Flush())
		}
		if n++; err != nil || n == limit.Rows {
			return err
		}
	}
	return nil
}

// One prints a row as List does, but with JSON as an object instead of an array.
func One[T any](c *Console, row T, columns ...Column[T]) error {
	if !c.JSON {
		return List(c, NoLimit, Each([]T{row}), columns...)
	}
	names, cells := shown(c, columns)
	text, err := object(names, cells(row))
	if err != nil {
		return err
	}
	return c.PrintJSON(json.RawMessage(text))
}

// Each yields rows that are in memory.
func Each[T any](rows []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
	}
}

// shown returns the names or titles of the columns that the form of the results includes,
// and a function that returns their values in a row.
func shown[T any](c *Console, columns []Column[T]) (names []string, cells func(T) []any) {
	var values []func(T) any
	for _, column := range columns {
		name := column.name
		if !c.JSON && !c.CSV {
			name = column.title
		}
		if name != "" {
			names, values = append(names, name), append(values, column.value)
		}
	}
	return names, func(row T) []any {
		cells := make([]any, len(values))
		for i, value := range values {
			cells[i] = value(row)
		}
		return cells
	}
}

// lister prints rows in one of the forms.
type lister interface {
	row(values []any) error
	end() error // completes the output after the last row
}

// lister returns the lister of the form that the flags ask for.
func (c *Console) lister(out *bufio.Writer, names []string) lister {
	switch {
	case c.JSON:
		return &jsonLister{out: out, names: names}
	case c.CSV:
		return newCSV(out, names, isTerminal(c.stdout))
	}
	return newTable(c, out, names)
}

// jsonLister writes an array; without rows it is "[]".
type jsonLister struct {
	out   *bufio.Writer
	names []string
	open  bool
}

func (l *jsonLister) row(values []any) error {
	object, err := object(l.names, values)
	if err != nil {
		return err
	}
	separator := ",\n  "
	if !l.open {
		l.open, separator = true, "[\n  "
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, object, "  ", "  "); err != nil {
		return err
	}
	l.out.WriteString(separator)
	return escape(l.out, indented.Bytes())
}

func (l *jsonLister) end() error {
	text := "\n]\n"
	if !l.open {
		text = "[]\n"
	}
	_, err := l.out.WriteString(text)
	return err
}

// lineLister writes each row as an object on a line of its own (https://jsonlines.org).
type lineLister struct {
	out   *bufio.Writer
	names []string
}

func (l *lineLister) row(values []any) error {
	line, err := object(l.names, values)
	if err != nil {
		return err
	}
	return escape(l.out, append(line, '\n'))
}

func (*lineLister) end() error { return nil }

// object returns a compact JSON object with the members in the order of names.
func object(names []string, values []any) ([]byte, error) {
	object := bytes.NewBufferString("{")
	for i, v := range values {
		if i > 0 {
			object.WriteByte(',')
		}
		fmt.Fprintf(object, "%q:", names[i])
		enc := json.NewEncoder(object)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(JSONValue(v)); err != nil {
			return nil, err
		}
		object.Truncate(object.Len() - 1) // the newline of Encode
	}
	object.WriteByte('}')
	return object.Bytes(), nil
}

// escape writes JSON with characters that are not printable, and could move the cursor of a
// terminal, as \u escapes. The value stays the same.
func escape(w *bufio.Writer, text []byte) (err error) {
	for len(text) > 0 && err == nil {
		c, n := utf8.DecodeRune(text)
		if c == '\n' || unicode.IsPrint(c) && (c != utf8.RuneError || n > 1) {
			_, err = w.Write(text[:n])
		} else {
			for _, unit := range utf16.Encode([]rune{c}) {
				_, err = fmt.Fprintf(w, `\u%04x`, unit)
			}
		}
		text = text[n:]
	}
	return err
}

// csvLister writes lines of RFC 4180 after a header. NULL and the empty text are both an
// empty field. Texts are not changed: programs that take a text which begins with =, +, -
// or @ for a formula must be configured not to.
type csvLister struct {
	out      *bufio.Writer
	line     bytes.Buffer
	csv      *csv.Writer
	terminal bool
}

func newCSV(out *bufio.Writer, names []string, terminal bool) *csvLister {
	l := &csvLister{out: out, terminal: terminal}
	l.csv = csv.NewWriter(&l.line)
	_ = l.write(names) // out remembers the error
	return l
}

func (l *csvLister) row(values []any) error {
	record := make([]string, len(values))
	for i, v := range values {
		record[i] = csvText(v)
		if l.terminal {
			record[i] = Printable(record[i])
		}
	}
	return l.write(record)
}

// write ends the line with CRLF. csv.Writer would also write CRLF inside of fields.
func (l *csvLister) write(record []string) error {
	l.line.Reset()
	if err := l.csv.Write(record); err != nil {
		return err
	}
	l.csv.Flush()
	l.out.Write(bytes.TrimSuffix(l.line.Bytes(), []byte("\n")))
	_, err := l.out.WriteString("\r\n")
	return err
}

func (*csvLister) end() error { return nil }
