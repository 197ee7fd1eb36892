package hooks

import (
	"database/sql/driver"
	"maps"
	"reflect"
	"slices"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/callbacks"
	"gorm.io/gorm/clause"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// redacted stands where a secret was.
const redacted = "[redacted]"

// redactor takes secrets out of what is stored for others to read: entries, contexts of
// sessions and error texts. What a key says decides, never what a value looks like.
type redactor struct {
	also func(key string) bool // the caller's own keys; nil for none
}

// WithRedactor has the values under more keys redacted: those for which secret returns
// true, beside the ones that always are. It gets the key of a JSON object, column, or
// "key=value" in an error text as it is written there, is called by many goroutines at
// once, and must not call the store. Given several times, all of them count; nil adds
// none.
func WithRedactor(secret func(key string) bool) Option {
	return func(p *Plugin) {
		if before := p.redact.also; before != nil && secret != nil {
			p.redact.also = func(key string) bool { return before(key) || secret(key) }
		} else if secret != nil {
			p.redact.also = secret
		}
	}
}

// secretWords: a key is secret if its last word is one of these,
var secretWords = map[string]bool{
	"password": true, "passwd": true, "passphrase": true, "pwd": true, "secret": true, "token": true, "bearer": true,
	"apikey": true, "accesskey": true, "privatekey": true, "secretkey": true,
	"authorization": true, "credential": true, "credentials": true, "cookie": true,
}

// secretPairs: or its last two words are, written as one.
var secretPairs = map[string]bool{
	"apikey": true, "accesskey": true, "privatekey": true, "secretkey": true, "password": true, "passphrase": true,
}

// stems: a text that holds none of them, in any case, holds no secret word.
var stems = [...]string{"pass", "pwd", "secret", "token", "key", "authorization", "credential", "cookie", "bearer"}

// secret reports whether what stands under key is one.
func (r *redactor) secret(key string) bool {
	last, rest := lastWord(key)
	before, _ := lastWord(rest)
	return secretWords[last] || secretPairs[before+last] || r.also != nil && r.also(key)
}

// lastWord cuts the last word, in lower case, off a key: words end at whatever is no
// letter or digit, and begin at a capital letter, of several the last if a small one
// follows (dbPassword, APIKey, X-Api-Key).
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

// hasStem is what nearly every text is done with.
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

// redactedColumns are the columns that are redacted before they are stored.
var redactedColumns = map[string]map[string]func(*redactor, string) string{
	"audit_log":         {"context_json": (*redactor).document, "error_message": (*redactor).text},
	"workflow_sessions": {"context_json": (*redactor).document},
	"receipts":          {"error_message": (*redactor).text},
	"pipeline_metrics":  {"error_message": (*redactor).text},
	"agent_memory":      {"last_error": (*redactor).text},
}

// model redacts the caller's struct itself, so that it says what is stored.
func (r *redactor) model(m models.Model) {
	switch m := m.(type) {
	case *models.Receipt:
		m.ErrorMessage = r.text(m.ErrorMessage)
	case *models.AgentMemory:
		m.LastError = r.text(m.LastError)
	case *models.AuditEntry:
		m.ErrorMessage, m.ContextJSON = r.text(m.ErrorMessage), r.json(m.ContextJSON)
	case *models.WorkflowSession:
		m.ContextJSON = r.json(m.ContextJSON)
	case *models.PipelineMetric:
		m.ErrorMessage = r.text(m.ErrorMessage)
	}
}

// json leaves the caller's bytes as they are.
func (r *redactor) json(j models.JSON) models.JSON {
	if text := string(j); j != nil {
		if clean := r.document(text); clean != text {
			return models.JSON(clean)
		}
	}
	return j
}

// column is the value of a stored row as an entry tells it.
func (r *redactor) column(table, column string, v any) any {
	if r.secret(column) {
		return redacted
	}
	text, ok := v.(string)
	switch {
	case !ok:
		return v
	case redactedColumns[table][column] != nil:
		return redactedColumns[table][column](r, text)
	case strings.HasPrefix(text, "{"), strings.HasPrefix(text, "["):
		return r.document(text)
	}
	return v
}

// row is a stored row as an entry tells it.
func (r *redactor) row(table string, stored row) row {
	told := maps.Clone(stored)
	for column, v := range told {
		told[column] = r.column(table, column, v)
	}
	return told
}

// value redacts what a caller gave for a column, of whatever type. What the database
// computes, and what the column would refuse, stays as it is.
func (r *redactor) value(redact func(*redactor, string) string, v any) any {
	given := v
	switch expression := v.(type) {
	case nil, clause.Expression, *gorm.DB:
		return v
	case driver.Valuer:
		if p := reflect.ValueOf(v); p.Kind() == reflect.Pointer && p.IsNil() {
			return v
		}
		var err error
		if given, err = expression.Value(); err != nil {
			return v
		}
	}
	text := ""
	switch t := reflect.Indirect(reflect.ValueOf(given)); {
	case t.Kind() == reflect.String:
		text = t.String()
	case t.Kind() == reflect.Slice && t.Type().Elem().Kind() == reflect.Uint8:
		text = string(t.Bytes())
	}
	if clean := redact(r, text); clean != text {
		return clean
	}
	return v
}

// assignments are those of an UPDATE; the caller's stay as they are.
func (r *redactor) assignments(table string, set clause.Set) clause.Set {
	set = slices.Clone(set)
	for i, a := range set {
		if redact := redactedColumns[table][strings.ToLower(a.Column.Name)]; redact != nil {
			set[i].Value = r.value(redact, a.Value)
		}
	}
	return set
}

// values redacts the rows of an INSERT in place, and what it does on a conflict.
func (r *redactor) values(table string, s *gorm.Statement, values clause.Values) {
	for j, column := range values.Columns {
		if redact := redactedColumns[table][strings.ToLower(column.Name)]; redact != nil {
			for _, row := range values.Values {
				row[j] = r.value(redact, row[j])
			}
		}
	}
	if c, ok := s.Clauses["ON CONFLICT"]; ok {
		if on, ok := c.Expression.(clause.OnConflict); ok {
			on.DoUpdates = r.assignments(table, on.DoUpdates)
			c.Expression = on
			s.Clauses["ON CONFLICT"] = c
		}
	}
}

// redactUpdate makes the assignments of an UPDATE, as GORM would after it, and redacts
// them. The caller takes them away again.
func (w *write) redactUpdate() (restore func()) {
	s := w.db.Statement
	before, given := s.Clauses["SET"]
	set, ok := before.Expression.(clause.Set)
	if w.action != actionUpdate || redactedColumns[w.table] == nil || given && !ok || s.SQL.Len() > 0 {
		return func() {}
	}
	if !given {
		if set = callbacks.ConvertToAssignments(s); len(set) == 0 {
			return func() {}
		}
	}
	after := before
	after.Name, after.Expression = "SET", w.plugin.redact.assignments(w.table, set)
	s.Clauses["SET"] = after
	return func() {
		if delete(s.Clauses, "SET"); given {
			s.Clauses["SET"] = before
		}
	}
}
