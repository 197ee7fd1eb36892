// Package redact removes secrets from documents and error texts before they are stored.
// The key of a value decides whether it is secret, never the value itself.
package redact

import (
	"encoding/json"
	"strings"

	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Placeholder replaces a secret.
const Placeholder = "[redacted]"

// Redactor removes secrets. It is safe for use by many goroutines.
type Redactor struct{ also []func(key string) bool }

// New returns a Redactor of the usual keys and of those for which a function returns true.
func New(also ...func(key string) bool) *Redactor { return &Redactor{also} }

func (r *Redactor) other(key string) bool {
	for _, secret := range r.also {
		if secret(key) {
			return true
		}
	}
	return false
}

// secretWords are the last words of secret keys.
var secretWords = map[string]bool{
	"password": true, "passwd": true, "passphrase": true, "pwd": true, "secret": true, "token": true, "bearer": true,
	"apikey": true, "accesskey": true, "privatekey": true, "secretkey": true,
	"authorization": true, "credential": true, "credentials": true, "cookie": true,
}

// secretPairs are the last two words of secret keys, written as one.
var secretPairs = map[string]bool{
	"apikey": true, "accesskey": true, "privatekey": true, "secretkey": true, "password": true, "passphrase": true,
}

// stems are parts of all secret words, in any case.
var stems = [...]string{"pass", "pwd", "secret", "token", "key", "authorization", "credential", "cookie", "bearer"}

// Secret reports whether values under key are secrets.
func (r *Redactor) Secret(key string) bool {
	last, rest := lastWord(key)
	before, _ := lastWord(rest)
	return secretWords[last] || secretPairs[before+last] || r.other(key)
}

// lastWord splits off the last word of a key, in lower case. Words are separated by
// anything but letters and digits. A capital letter begins a word too; of several
// capitals, the last one does if a small letter follows (dbPassword, APIKey, X-Api-Key).
func lastWord(key string) (word, rest string) {
	end := len(key)
	for end > 0 && separates(key[end-1]) {
		end--
	}
	start := end
	for start > 0 && !separates(key[start-1]) {
		start--
		if capital(key[start]) && (start == 0 || !capital(key[start-1]) || start+1 < end && small(key[start+1])) {
			break
		}
	}
	return strings.ToLower(key[start:end]), key[:start]
}

func capital(c byte) bool { return 'A' <= c && c <= 'Z' }

func small(c byte) bool { return 'a' <= c && c <= 'z' }

func separates(c byte) bool {
	return c < 0x80 && !capital(c) && !small(c) && (c < '0' || c > '9')
}

// hasStem reports whether s may hold a secret word. Nearly every text holds none.
func hasStem(s string) bool {
	for i := range len(s) {
		switch c := s[i] | 0x20; c {
		case 'p', 's', 't', 'k', 'a', 'c', 'b':
			for _, stem := range stems {
				if stem[0] == c && len(s)-i >= len(stem) && strings.EqualFold(s[i:i+len(stem)], stem) {
					return true
				}
			}
		}
	}
	return false
}

// In returns s without the secrets that the given place may hold.
func (r *Redactor) In(place schema.Secrets, s string) string {
	switch place {
	case schema.InText:
		return r.Text(s)
	case schema.InDocument:
		return r.Document(s)
	}
	return s
}

// Record redacts the fields of a model, so that the caller sees the stored values. Bytes of
// the caller's documents are not modified.
func (r *Redactor) Record(record schema.Record) {
	for i, c := range record.Table.Columns {
		if c.Secrets == schema.Nowhere {
			continue
		}
		switch f := record.Fields[i].(type) {
		case *string:
			*f = r.In(c.Secrets, *f)
		case *models.JSON:
			if text := string(*f); *f != nil {
				if clean := r.In(c.Secrets, text); clean != text {
					*f = models.JSON(clean)
				}
			}
		}
	}
}

// Value returns the value of a stored column as an audit entry shows it.
func (r *Redactor) Value(column schema.Column, v any) any {
	if r.Secret(column.Name) {
		return Placeholder
	}
	text, ok := v.(string)
	switch {
	case !ok:
		return v
	case column.Secrets != schema.Nowhere:
		return r.In(column.Secrets, text)
	case strings.HasPrefix(text, "{"), strings.HasPrefix(text, "["):
		return r.Document(text)
	}
	return v
}

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
