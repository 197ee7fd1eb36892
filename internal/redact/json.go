package redact

import (
	"encoding/json"
	"strings"

	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
)

// Document returns a JSON text in which "[redacted]" replaces the values under secret keys, at
// any depth, also in strings that hold JSON themselves. All other bytes are unchanged. Text
// that is not JSON is returned unchanged.
func (r *Redactor) Document(s string) string {
	if len(r.also) == 0 && !hasStem(s) && !strings.Contains(s, `\u`) || !json.Valid([]byte(s)) {
		return s
	}
	var b []byte
	copied := 0
	put := func(start, end int, text string) {
		b = append(append(b, s[copied:start]...), text...)
		copied = end
	}
	for i := 0; i < len(s); {
		if s[i] != '"' {
			i++
			continue
		}
		end := valueEnd(s, i)
		value := skipSpace(s, end)
		switch {
		case value < len(s) && s[value] == ':': // only keys are followed by a colon
			value = skipSpace(s, value+1)
			if r.Secret(unquote(s[i:end])) {
				end = valueEnd(s, value)
				put(value, end, `"`+Placeholder+`"`)
				value = end
			}
			i = value
			continue
		case end-i > 2 && strings.IndexByte("{[\\ ", s[i+1]) >= 0:
			text := unquote(s[i:end])
			if clean := r.Document(text); clean != text {
				quoted, _ := schema.EncodeJSON(clean) // a string always encodes
				put(i, end, quoted)
			}
		}
		i = end
	}
	if copied == 0 {
		return s
	}
	return string(append(b, s[copied:]...))
}

// unquote returns the text of a JSON string.
func unquote(quoted string) (text string) {
	if strings.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1]
	}
	_ = json.Unmarshal([]byte(quoted), &text) // it is valid
	return text
}

func skipSpace(s string, i int) int { return len(s) - len(strings.TrimLeft(s[i:], " \t\r\n")) }

// valueEnd returns the index after the value that begins at i of a valid document.
func valueEnd(s string, i int) int {
	depth := 0
	for ; i < len(s); i++ {
		switch s[i] {
		case '"':
			for i++; s[i] != '"'; i++ {
				if s[i] == '\\' {
					i++
				}
			}
			if depth == 0 {
				return i + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			} else if depth < 0 { // the end of the surrounding value
				return i
			}
		case ',', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return i
			}
		}
	}
	return i
}
