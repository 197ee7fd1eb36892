// Package jsontext says which JSON documents every engine can store. It lies below package
// models and imports nothing of the module.
package jsontext

import (
	"bytes"
	"encoding/json"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// MaxDepth is how deep objects and arrays may be nested: the limit of SQLite's json_valid
// (JSON_MAX_DEPTH, https://www.sqlite.org/json1.html).
const MaxDepth = 1000

// The limits of numbers in PostgreSQL's jsonb
// (https://www.postgresql.org/docs/current/datatype-numeric.html).
const (
	maxWholeDigits    = 131072
	maxFractionDigits = 16383
)

// Fault says why some engine would not store the document, as the end of a sentence. It
// returns "" if all engines store it.
func Fault(doc []byte) string {
	switch {
	case TooDeep(doc): // first, since encoding/json itself stops at 10,000
		return "is nested more than " + strconv.Itoa(MaxDepth) + " deep"
	case !json.Valid(doc) || !utf8.Valid(doc):
		return "is not valid JSON"
	}
	for i := 0; i < len(doc); i++ {
		switch c := doc[i]; {
		case c == '"':
			end := i + 1 + closingQuote(doc[i+1:])
			switch nul, half := Escapes(doc[i+1 : end]); {
			case nul:
				return `holds the escape \u0000 (NUL)`
			case half:
				return "holds an escape that is half a surrogate pair"
			}
			i = end
		case c == '-' || '0' <= c && c <= '9':
			end := i + len(doc[i:]) - len(bytes.TrimLeft(doc[i:], "+-.0123456789eE"))
			if !fitsJSONB(doc[i:end]) {
				return "holds a number with too many digits"
			}
			i = end - 1
		}
	}
	return ""
}

// TooDeep reports whether objects and arrays are nested more than MaxDepth deep, also in
// text that is not valid JSON, such as a document that was cut.
func TooDeep(doc []byte) bool {
	depth, quoted := 0, false
	for i := 0; i < len(doc); i++ {
		switch c := doc[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > MaxDepth {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}

// closingQuote returns the index of the quote that ends a valid string.
func closingQuote(s []byte) int {
	for i := 0; ; i++ {
		switch s[i] {
		case '"':
			return i
		case '\\':
			i++
		}
	}
}

// Escapes reports whether the content of a valid JSON string escapes NUL, and whether it
// escapes half of a surrogate pair, which encoding/json would replace by U+FFFD.
func Escapes(s []byte) (nul, half bool) {
	for {
		i := bytes.IndexByte(s, '\\')
		if i < 0 {
			return nul, half
		}
		var r rune
		r, s = unescape(s[i:])
		nul = nul || r == 0
		if utf16.IsSurrogate(r) {
			low := rune(-1)
			if bytes.HasPrefix(s, []byte(`\u`)) {
				low, s = unescape(s)
			}
			half = half || utf16.DecodeRune(r, low) == utf8.RuneError
		}
	}
}

// unescape returns the code unit of the \u escape at the beginning of s, or -1 for another
// escape, and the text after it.
func unescape(s []byte) (r rune, rest []byte) {
	if s[1] != 'u' {
		return -1, s[2:]
	}
	n, _ := strconv.ParseUint(string(s[2:6]), 16, 16) // the document is valid: four hex digits
	return rune(n), s[6:]
}

// fitsJSONB reports whether jsonb can hold the number.
func fitsJSONB(number []byte) bool {
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
