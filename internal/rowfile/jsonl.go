package rowfile

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"unicode/utf8"

	"github.com/seanchatmangpt/ggen/tier2/internal/jsontext"
	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
)

var mark = []byte("\ufeff") // the byte order mark

func readJSONL(in *bufio.Reader, t *schema.Table, maxBytes int) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		var buf []byte
		for n := 1; ; n++ {
			text, err := readLine(in, buf[:0], maxBytes)
			buf = text
			last := errors.Is(err, io.EOF)
			if err != nil && !last {
				yield(Line{Number: n}, err)
				return
			}
			if text = bytes.TrimSpace(text); len(text) > 0 {
				row, err := readObject(text, t)
				if !yield(Line{row, n}, err) || err != nil {
					return
				}
			}
			if last {
				return
			}
		}
	}
}

// readLine appends a line to text, of which it reads about maxBytes at most.
func readLine(in *bufio.Reader, text []byte, maxBytes int) ([]byte, error) {
	for {
		part, err := in.ReadSlice('\n')
		text = append(text, part...)
		if len(text) > maxBytes {
			return text, tooLong(maxBytes)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return text, err
		}
	}
}

// readObject parses a line.
func readObject(line []byte, t *schema.Table) (schema.Row, error) {
	whole := func(reason string) error { return refuse.Invalid(t.Name, "", nil, reason) }
	switch {
	case bytes.HasPrefix(line, mark):
		return nil, whole("begins with a byte order mark")
	case !utf8.Valid(line):
		return nil, whole("is not valid UTF-8")
	case line[0] != '{' && json.Valid(line):
		return nil, whole("is no JSON object")
	}
	in := json.NewDecoder(bytes.NewReader(line))
	broken := func(err error) error {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = errors.New("it was cut off")
		}
		return whole("is not valid JSON: " + strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := in.Token(); err != nil {
		return nil, broken(err)
	}
	row, read := make(schema.Row, len(t.Columns)), columns{t, make([]bool, len(t.Columns))}
	for in.More() {
		key, err := in.Token()
		if err != nil {
			return nil, broken(err)
		}
		name, _ := key.(string)
		i, err := read.add(name)
		if err != nil {
			return nil, err
		}
		var raw json.RawMessage
		if err := in.Decode(&raw); err != nil {
			return nil, broken(err)
		}
		if row[i], err = readMember(t.Columns[i], raw); err != nil {
			return nil, refuse.Invalid(t.Name, name, string(raw), err.Error())
		}
	}
	if _, err := in.Token(); err != nil { // the end of the object
		return nil, broken(err)
	}
	if _, err := in.Token(); !errors.Is(err, io.EOF) {
		return nil, whole("holds more than one JSON object")
	}
	return row, read.complete()
}

// readMember parses the value of a member. Its error is the end of a sentence.
func readMember(c schema.Column, raw json.RawMessage) (any, error) {
	number := c.Kind == schema.Integer || c.Kind == schema.Float
	switch {
	case string(raw) == "null":
		return nil, nil
	case raw[0] != '"':
		if !number || raw[0] != '-' && (raw[0] < '0' || raw[0] > '9') {
			return nil, fmt.Errorf("must be a %s, or null", map[bool]string{true: "number", false: "string"}[number])
		}
		return value(c, string(raw))
	}
	if _, half := jsontext.Escapes(raw[1 : len(raw)-1]); half {
		return nil, errors.New("holds half of a surrogate pair")
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, err
	}
	if number && (s == "" || s[len(s)-1] != 'N' && s[len(s)-1] != 'y') { // NaN, Infinity
		return nil, errors.New("must be a number, or null")
	}
	return value(c, s)
}
