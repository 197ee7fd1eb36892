package main

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// field is a column of what a verb lists: by its name in JSON and CSV, which is that of
// the database's column if there is one, and by its title in a table. Where it has no
// name, or no title, it is left out.
type field[T any] struct {
	name, title string
	value       func(T) any // a kind that cell.go knows
}

// lister prints rows in one of the three forms.
type lister interface {
	row(values []any) error
	end() error // prints what stands behind the last row
}

// list prints rows: as a table, with --json as an array of objects, with --csv as lines
// of RFC 4180. It holds few of them at once.
func list[T any](a *app, most amount, rows iter.Seq2[T, error], fields ...field[T]) error {
	names, cells := shown(a, fields)
	out := bufio.NewWriter(a.output())
	form, n := a.lister(out, names), 0
	for row, err := range rows {
		if err != nil {
			return errors.Join(err, out.Flush()) // without its end nobody takes it for all
		}
		if n == most.n {
			if !most.given {
				a.note("there are more than these %d: give --limit a number, or all", n)
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

// live prints rows as list does, but each at once, and with --json as a line of its own.
// It ends after so many.
func live[T any](a *app, most amount, rows iter.Seq2[T, error], fields ...field[T]) error {
	names, cells := shown(a, fields)
	a.calm()
	out := bufio.NewWriter(a.output())
	form := a.lister(out, names)
	switch {
	case a.json:
		form = &lineLister{out: out, names: names}
	case !a.csv:
		form.(*table).live = true
	}
	if err := out.Flush(); err != nil { // the names of CSV
		return err
	}
	n := 0
	for row, err := range rows {
		if err == nil {
			err = errors.Join(form.row(cells(row)), out.Flush())
		}
		if n++; err != nil || n == most.n {
			return err
		}
	}
	return nil
}

// one prints a row as list does, but with --json as an object of its own.
func one[T any](a *app, row T, fields ...field[T]) error {
	if !a.json {
		return list(a, everything, each([]T{row}), fields...)
	}
	names, cells := shown(a, fields)
	text, err := object(names, cells(row))
	if err != nil {
		return err
	}
	return a.printJSON(json.RawMessage(text))
}

// shown are the columns that the form which the flags ask for shows.
func shown[T any](a *app, fields []field[T]) (names []string, cells func(T) []any) {
	var values []func(T) any
	for _, f := range fields {
		name := f.name
		if !a.json && !a.csv {
			name = f.title
		}
		if name != "" {
			names, values = append(names, name), append(values, f.value)
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

// lister is the form that the flags ask for.
func (a *app) lister(out *bufio.Writer, names []string) lister {
	switch {
	case a.json:
		return &jsonLister{out: out, names: names}
	case a.csv:
		return newCSV(out, names, isTerminal(a.stdout))
	}
	return a.newTable(out, names)
}

// pages yields the rows of a list, one page after the other.
func pages[T any](most amount, list func(repository.Page) ([]T, string, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		p := most.page()
		for {
			rows, next, err := list(p)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, row := range rows {
				if !yield(row, nil) {
					return
				}
			}
			if next == "" {
				return
			}
			p.Cursor = next
		}
	}
}

// each yields rows that are in memory.
func each[T any](rows []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
	}
}

// jsonLister writes an array, of no rows "[]".
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
	return escaped(l.out, indented.Bytes())
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
	text, err := object(l.names, values)
	if err != nil {
		return err
	}
	var line bytes.Buffer
	if err := json.Compact(&line, text); err != nil {
		return err
	}
	line.WriteByte('\n')
	return escaped(l.out, line.Bytes())
}

func (*lineLister) end() error { return nil }

// object is a JSON object with the names in that order.
func object(names []string, values []any) ([]byte, error) {
	object := bytes.NewBufferString("{")
	for i, v := range values {
		if i > 0 {
			object.WriteByte(',')
		}
		fmt.Fprintf(object, "%q:", names[i])
		enc := json.NewEncoder(object)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(jsonValue(v)); err != nil {
			return nil, err
		}
	}
	object.WriteByte('}')
	return object.Bytes(), nil
}

// escaped writes JSON with \u escapes, which mean the same, for what is not printable and
// could move the cursor of a terminal.
func escaped(w *bufio.Writer, text []byte) (err error) {
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

// csvLister writes lines of RFC 4180, the names first. NULL and the empty text are both
// an empty field. Texts stay as they are: a program that takes one which begins with =,
// +, - or @ for a formula must be told not to.
type csvLister struct {
	out      *bufio.Writer
	line     bytes.Buffer
	csv      *csv.Writer
	terminal bool
}

func newCSV(out *bufio.Writer, names []string, terminal bool) *csvLister {
	l := &csvLister{out: out, terminal: terminal}
	l.csv = csv.NewWriter(&l.line)
	_ = l.write(names) // out keeps the error
	return l
}

func (l *csvLister) row(values []any) error {
	record := make([]string, len(values))
	for i, v := range values {
		record[i] = csvText(v)
		if l.terminal {
			record[i] = printable(record[i])
		}
	}
	return l.write(record)
}

// write ends the line with CRLF, which csv.Writer would also put into the fields.
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
