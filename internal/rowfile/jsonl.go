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

	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

var mark = []byte("\ufeff") // the byte order mark

// Read returns the rows that a Writer wrote, up to the first error. Columns and members may
// come in any order, each exactly once. Lines end in CRLF or LF; blank lines of JSONL are
// skipped. A row of more than maxBytes is rejected without reading all of it; 0 means
// DefaultMaxBytes. Errors of a row are models.ErrInvalid and name its line, and its column
// if they concern one.
func Read(r io.Reader, f Format, t *schema.Table, maxBytes int) iter.Seq2[Line, error] {
	if maxBytes == 0 {
		maxBytes = DefaultMaxBytes
	}
	in := bufio.NewReaderSize(r, 64<<10)
	if f == CSV {
		return inOrder(t, readCSV(in, t, maxBytes))
	}
	return inOrder(t, readJSONL(in, t, maxBytes))
}

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

func tooLong(maxBytes int) error {
	return &models.Error{Kind: models.ErrInvalid, Reason: fmt.Sprintf("is a row of more than %d bytes", maxBytes)}
}

// readObject parses a line.
func readObject(line []byte, t *schema.Table) (schema.Row, error) {
	whole := func(reason string, args ...any) error { return refuse(t, "", nil, fmt.Sprintf(reason, args...)) }
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
		switch {
		case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
			err = errors.New("it was cut off")
		}
		return whole("is not valid JSON: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := in.Token(); err != nil {
		return nil, broken(err)
	}
	row, seen := make(schema.Row, len(t.Columns)), make([]bool, len(t.Columns))
	for in.More() {
		key, err := in.Token()
		if err != nil {
			return nil, broken(err)
		}
		name, _ := key.(string)
		i := t.Index(name)
		switch {
		case i < 0:
			return nil, refuse(t, "", name, "is no column of this table")
		case seen[i]:
			return nil, refuse(t, name, nil, "is there twice")
		}
		seen[i] = true
		var raw json.RawMessage
		if err := in.Decode(&raw); err != nil {
			return nil, broken(err)
		}
		if row[i], err = readMember(t.Columns[i], raw); err != nil {
			return nil, refuse(t, name, string(raw), err.Error())
		}
	}
	if _, err := in.Token(); err != nil { // the end of the object
		return nil, broken(err)
	}
	if _, err := in.Token(); !errors.Is(err, io.EOF) {
		return nil, whole("holds more than one JSON object")
	}
	return row, checkComplete(t, seen)
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
	if halfPair(raw) {
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

// halfPair reports whether a JSON string escapes half of a surrogate pair, which
// encoding/json would replace by U+FFFD.
func halfPair(raw []byte) bool {
	high := false // whether the last escape was a first half
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			if high {
				return true
			}
			continue
		}
		i++
		half := raw[i] == 'u' && (raw[i+1] == 'd' || raw[i+1] == 'D') && raw[i+2] >= '8'
		second := half && raw[i+2] != '8' && raw[i+2] != '9' && raw[i+2]|0x20 != 'a' && raw[i+2]|0x20 != 'b'
		if second != high {
			return true
		}
		high = half && !second
		if raw[i] == 'u' {
			i += 4
		}
	}
	return false
}

// checkComplete rejects a row or a header that lacks a column.
func checkComplete(t *schema.Table, seen []bool) error {
	for i, c := range t.Columns {
		if !seen[i] {
			return refuse(t, c.Name, nil, "is missing")
		}
	}
	return nil
}
