// Package redact removes secrets from documents and error texts before they are stored.
// The key of a value decides whether it is secret, never the value itself.
package redact

import (
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
