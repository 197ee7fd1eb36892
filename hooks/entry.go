package hooks

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// ContextVersion is "v" in the context_json of the entries that the hooks write.
const ContextVersion = 1

// entryContext is the documented shape of audit_log.context_json. Its bytes are a
// contract: a golden file fixes them.
type entryContext struct {
	V           int               `json:"v"`
	Table       string            `json:"table"`
	Action      string            `json:"action"`
	ID          int64             `json:"id,omitempty"`
	Key         string            `json:"key,omitempty"`
	ExecutionID string            `json:"execution_id,omitempty"`
	SessionID   string            `json:"session_id,omitempty"`
	Changes     map[string]fromTo `json:"changes,omitempty"`
	Row         row               `json:"row,omitempty"`
}

type fromTo struct {
	From any `json:"from"`
	To   any `json:"to"`
}

// entry is a row of audit_log to be.
type entry struct {
	at         time.Time
	agent      string
	operation  string
	status     models.AuditStatus
	durationMS int64
	message    any // string, or nil for NULL
	context    string
}

// newEntry describes one change of a row.
func newEntry(table, agent string, at time.Time, took time.Duration, c change) (entry, error) {
	r := c.row()
	doc := contextOf(table, c.action, r)
	doc.Changes = c.differs()
	if c.action == actionDelete {
		doc.Row = c.old
	}
	text, err := encode(doc)
	return entry{
		at: at, agent: agent, operation: table + "." + c.action, status: models.AuditCompleted,
		durationMS: took.Milliseconds(), context: text,
	}, err
}

// failedEntry describes a write that was refused. r is the row if there was just one.
func failedEntry(table, action, agent string, at time.Time, took time.Duration, r row, cause error) entry {
	text, err := encode(contextOf(table, action, r))
	if err != nil {
		text = "{}"
	}
	return entry{
		at: at, agent: agent, operation: table + "." + action, status: models.AuditFailed,
		durationMS: took.Milliseconds(), message: clean(cause.Error()), context: text,
	}
}

func contextOf(table, action string, r row) entryContext {
	return entryContext{
		V: ContextVersion, Table: table, Action: action, ID: r.id(), Key: clean(r.text(naturalKeys[table])),
		ExecutionID: clean(r.text("execution_id")), SessionID: clean(r.text("session_id")),
	}
}

// clean makes any text storable: valid UTF-8 without NUL.
func clean(s string) string {
	return string(bytes.ReplaceAll(bytes.ToValidUTF8([]byte(s), []byte("\uFFFD")), []byte{0}, []byte("\uFFFD")))
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

// insertEntry writes one entry with constant SQL, which never passes GORM.
func (p *Plugin) insertEntry(ctx context.Context, pool gorm.ConnPool, e entry) error {
	at := models.At(e.at)
	_, err := pool.ExecContext(ctx, p.dialect.insertEntry,
		at.String(), e.agent, e.operation, string(e.status), e.durationMS, e.message, e.context, at.Time)
	return err
}
