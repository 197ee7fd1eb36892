package models

import (
	"bytes"
	"encoding/json"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// MaxJSONDepth is how deep objects and arrays may be nested: what SQLite's json_valid
// reads (JSON_MAX_DEPTH, https://www.sqlite.org/json1.html).
const MaxJSONDepth = 1000

var nestedTooDeep = "is nested more than " + strconv.Itoa(MaxJSONDepth) + " deep"

// What a number of PostgreSQL's jsonb may have
// (https://www.postgresql.org/docs/current/datatype-numeric.html).
const (
	maxWholeDigits    = 131072
	maxFractionDigits = 16383
)

// fault says why an engine would not store the document, as the end of a sentence; ""
// if all do.
func (j JSON) fault() string {
	if !json.Valid(j) || !utf8.Valid(j) {
		if j.TooDeep() { // encoding/json itself stops at 10,000
			return nestedTooDeep
		}
		return "is not valid JSON"
	}
	depth := 0
	for i := 0; i < len(j); i++ {
		switch c := j[i]; {
		case c == '{' || c == '[':
			if depth++; depth > MaxJSONDepth {
				return nestedTooDeep
			}
		case c == '}' || c == ']':
			depth--
		case c == '"':
			end := i + 1 + closing(j[i+1:])
			if fault := escapesFault(j[i+1 : end]); fault != "" {
				return fault
			}
			i = end
		case c == '-' || '0' <= c && c <= '9':
			end := i + len(j[i:]) - len(bytes.TrimLeft(j[i:], "+-.0123456789eE"))
			if !storable(j[i:end]) {
				return "holds a number with too many digits"
			}
			i = end - 1
		}
	}
	return ""
}

// TooDeep reports whether objects and arrays are nested more than MaxJSONDepth deep,
// also in what is no JSON, such as a document that was cut.
func (j JSON) TooDeep() bool {
	depth, quoted := 0, false
	for i := 0; i < len(j); i++ {
		switch c := j[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > MaxJSONDepth {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}

// closing is the index of the quote that ends a valid string.
func closing(s []byte) int {
	for i := 0; ; i++ {
		switch s[i] {
		case '"':
			return i
		case '\\':
			i++
		}
	}
}

// escapesFault looks for escapes that stand for no text.
func escapesFault(s []byte) string {
	for {
		i := bytes.IndexByte(s, '\\')
		if i < 0 {
			return ""
		}
		r, rest := escaped(s[i:])
		s = rest
		if r == 0 {
			return `holds the escape \u0000 (NUL)`
		}
		if utf16.IsSurrogate(r) {
			low := rune(-1)
			if bytes.HasPrefix(rest, []byte(`\u`)) {
				low, s = escaped(rest)
			}
			if utf16.DecodeRune(r, low) == utf8.RuneError {
				return "holds an escape that is half a surrogate pair"
			}
		}
	}
}

// escaped reads the escape that s begins with: the code unit of one with \u, else -1.
func escaped(s []byte) (r rune, rest []byte) {
	if s[1] != 'u' {
		return -1, s[2:]
	}
	n, _ := strconv.ParseUint(string(s[2:6]), 16, 16) // the document is valid: four hex digits
	return rune(n), s[6:]
}

// storable reports whether jsonb can hold the number.
func storable(number []byte) bool {
	mantissa, exponent := bytes.TrimLeft(number, "-"), 0
	if i := bytes.IndexAny(number, "eE"); i >= 0 {
		var err error
		if exponent, err = strconv.Atoi(string(number[i+1:])); err != nil {
			return false
		}
		mantissa = bytes.TrimLeft(number[:i], "-")
	}
	whole, fraction, _ := bytes.Cut(mantissa, []byte("."))
	return len(whole)+exponent <= maxWholeDigits && len(fraction)-exponent <= maxFractionDigits
}
