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
	"reflect"
	"strconv"
	"strings"
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

// Col returns a list of one column, for slices.Concat. The type of its values must be one of
// those listed in cell.go.
func Col[T any](name, title string, value func(T) any) []Column[T] {
	return []Column[T]{{name, title, value}}
}

// Fields returns a column per field of T: its name, and after a space its title if it has
// one, as in "agent_id AGENT". The field has the name of the column without underscores, in
// any case. A nil pointer is NULL, a name that ends in "_ms" stands for a duration, and
// "share" for a ratio. Fields panics if T has no such field.
func Fields[T any](columns ...string) (list []Column[T]) {
	for _, column := range columns {
		name, title, _ := strings.Cut(column, " ")
		field, ok := reflect.TypeFor[T]().FieldByNameFunc(func(field string) bool {
			return strings.EqualFold(field, strings.ReplaceAll(name, "_", ""))
		})
		if !ok {
			panic(fmt.Sprintf("%v has no field for the column %s", reflect.TypeFor[T](), name))
		}
		list = append(list, Column[T]{name, title, func(row T) any {
			value := reflect.ValueOf(row).FieldByIndex(field.Index)
			switch {
			case value.Kind() == reflect.Pointer && value.IsNil():
				return nil
			case strings.HasSuffix(name, "_ms"):
				return MS(reflect.Indirect(value).Int())
			case name == "share":
				return Share(value.Float())
			}
			return reflect.Indirect(value).Interface()
		}})
	}
	return list
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
	form, n := c.form(out, names), 0
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
	form := c.form(out, names)
	switch form := form.(type) {
	case *jsonForm:
		form.lines = true
	case *table:
		form.live = true
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

// form prints rows in one of the forms. end completes the output after the last row.
type form interface {
	row(values []any) error
	end() error
}

// form returns the form that the flags ask for.
func (c *Console) form(out *bufio.Writer, names []string) form {
	switch {
	case c.JSON:
		return &jsonForm{out: out, names: names}
	case c.CSV:
		return newCSV(out, names, isTerminal(c.stdout))
	}
	return newTable(c, out, names)
}

// jsonForm writes an array, or for Live each object on a line of its own
// (https://jsonlines.org).
type jsonForm struct {
	out   *bufio.Writer
	names []string
	lines bool
	open  bool // the array has a row
}

func (j *jsonForm) row(values []any) error {
	object, err := object(j.names, values)
	if err != nil {
		return err
	}
	if j.lines {
		return escape(j.out, append(object, '\n'))
	}
	separator := ",\n  "
	if !j.open {
		j.open, separator = true, "[\n  "
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, object, "  ", "  "); err != nil {
		return err
	}
	j.out.WriteString(separator)
	return escape(j.out, indented.Bytes())
}

func (j *jsonForm) end() error {
	text := "\n]\n"
	if !j.open {
		text = "[]\n"
	}
	_, err := j.out.WriteString(text)
	return err
}

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

// csvForm writes lines of RFC 4180 after a header. NULL and the empty text are both an
// empty field. Texts are not changed: programs that take a text which begins with =, +, -
// or @ for a formula must be configured not to.
type csvForm struct {
	out      *bufio.Writer
	line     bytes.Buffer
	csv      *csv.Writer
	terminal bool
}

func newCSV(out *bufio.Writer, names []string, terminal bool) *csvForm {
	f := &csvForm{out: out, terminal: terminal}
	f.csv = csv.NewWriter(&f.line)
	_ = f.write(names) // out remembers the error
	return f
}

func (f *csvForm) row(values []any) error {
	record := make([]string, len(values))
	for i, v := range values {
		record[i] = csvText(v)
		if f.terminal {
			record[i] = Printable(record[i])
		}
	}
	return f.write(record)
}

// write ends the line with CRLF. csv.Writer would also write CRLF inside of fields.
func (f *csvForm) write(record []string) error {
	f.line.Reset()
	if err := f.csv.Write(record); err != nil {
		return err
	}
	f.csv.Flush()
	f.out.Write(bytes.TrimSuffix(f.line.Bytes(), []byte("\n")))
	_, err := f.out.WriteString("\r\n")
	return err
}

func (*csvForm) end() error { return nil }
