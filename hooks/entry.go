package hooks

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// ContextVersion is "v" in the context_json of the entries that the hooks write.
const ContextVersion = 1

type fromTo struct {
	From any `json:"from"`
	To   any `json:"to"`
}

// entry is a row of audit_log to be.
type entry struct {
	at         models.Timestamp
	created    time.Time
	agent      string
	operation  string
	status     models.AuditStatus
	durationMS int64
	message    any                // string, or nil for NULL
	context    any                // likewise
	of         *models.AuditEntry // the caller's own, if it is one
}

// values appends what the columns of audit_log get.
func (e *entry) values(args []any) []any {
	return append(args, e.at.String(), e.agent, e.operation, string(e.status), e.durationMS, e.message, e.context, e.created)
}

// entryOf is an entry that a caller made.
func entryOf(m *models.AuditEntry) entry {
	return entry{
		at: m.Timestamp, created: m.CreatedAt, agent: m.AgentID, operation: m.Operation, status: m.Status,
		durationMS: m.DurationMS, message: m.ErrorMessage, context: document(m.ContextJSON), of: m,
	}
}

// newEntry describes one change of a row.
func newEntry(table, agent string, at time.Time, took time.Duration, c change, redact *redactor, digest string) (entry, error) {
	text, err := contextJSON(table, c, redact, digest)
	return entry{
		at: models.At(at), created: models.At(at).Time, agent: agent, operation: table + "." + c.action, status: models.AuditCompleted,
		durationMS: took.Milliseconds(), context: text,
	}, err
}

// failedEntry describes a write that was refused. c has the row if there was just one.
func failedEntry(table, agent string, at time.Time, took time.Duration, c change, cause error, redact *redactor) entry {
	c.execution = storable(c.execution)
	e, err := newEntry(table, agent, at, took, c, redact, "")
	if err != nil {
		e.context = "{}"
	}
	e.status, e.message = models.AuditFailed, redact.text(clean(cause.Error()))
	return e
}

// contextJSON is the documented shape of audit_log.context_json. Its bytes are a
// contract: a golden file fixes them.
//
//	{"v":1,"table":..,"action":..,"id":..,"key":..,"execution_id":..,"session_id":..,
//	 "changes":{column:{"from":..,"to":..}},"row":{column:value},"digest":..}
//
// Members that are empty are left out. execution_id is the row's, or else of the context
// (WithExecution), if the table has none. A create has no "changes" but in agent_memory,
// where they tell memory_json, so that the log alone knows what an agent remembered; "row" is what a delete removed, and "digest" is
// that of the row after a create or an update (canonical.Digest). Secrets are redacted.
func contextJSON(table string, c change, redact *redactor, digest string) (string, error) {
	r := c.row()
	b := make([]byte, 0, 288)
	b = append(b, `{"v":`...)
	b = strconv.AppendInt(b, ContextVersion, 10)
	b = appendMember(b, "table", table)
	b = appendMember(b, "action", c.action)
	if id := r.id(); id != 0 {
		b = append(b, `,"id":`...)
		b = strconv.AppendInt(b, id, 10)
	}
	b = appendMember(b, "key", r.text(naturalKeys[table]))
	if execution := r.text("execution_id"); execution != "" || ofAnExecution(table) {
		b = appendMember(b, "execution_id", execution)
	} else {
		b = appendMember(b, "execution_id", c.execution)
	}
	b = appendMember(b, "session_id", r.text("session_id"))
	changes := c.differs()
	if table == "agent_memory" && c.action == actionCreate && digest != "" { // not of a refused one
		changes = map[string]fromTo{"memory_json": {nil, c.memory()}}
	}
	if len(changes) > 0 {
		for column, values := range changes {
			changes[column] = fromTo{redact.column(table, column, values.From), redact.column(table, column, values.To)}
		}
		text, err := encode(changes)
		if err != nil {
			return "", err
		}
		b = append(append(b, `,"changes":`...), text...)
	}
	if c.action == actionDelete && c.old != nil {
		text, err := encode(redact.row(table, c.old))
		if err != nil {
			return "", err
		}
		b = append(append(b, `,"row":`...), text...)
	}
	b = appendMember(b, "digest", digest)
	return string(append(b, '}')), nil
}

// ofAnExecution reports whether each row of a table belongs to an execution, which it names.
func ofAnExecution(table string) bool {
	return table == "receipts" || parents[table].column == "execution_id"
}

// appendMember appends ,"name":"value" unless the value is empty.
func appendMember(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	b = append(append(append(b, `,"`...), name...), `":`...)
	return appendText(b, value)
}

// appendText appends a JSON string, the same bytes as encode.
func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			text, _ := encode(clean(s)) // a string always encodes
			return append(b, text...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

// clean makes any text storable: valid UTF-8 without NUL.
func clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// encode is json.Marshal without the escapes that only HTML needs.
func encode(v any) (string, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return "", fmt.Errorf("audit context: %w", err)
	}
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n"))), nil
}
