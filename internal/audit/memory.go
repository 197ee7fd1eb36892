package audit

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"time"

	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/internal/redact"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// activity is an addition to the document under models.ActivityKey.
type activity struct {
	saves         int64 // rows created, updated or deleted
	executions    executionCount
	lastSave      *lastSave      // nil keeps the stored one
	lastExecution *lastExecution // nil keeps the stored one
}

// executionCount counts the outcomes recorded: receipts created, and updates that
// changed a receipt's status.
type executionCount struct{ passed, failed, partial, cancelled int64 }

type lastSave struct {
	table, action string
	id            int64
	timestamp     models.Timestamp
}

type lastExecution struct {
	executionID, operation, status string
	timestamp                      models.Timestamp
}

// document returns the activity as a memory_json of its own.
func (a *activity) document() string {
	b := make([]byte, 0, 384)
	b = strconv.AppendInt(append(b, `{"`+models.ActivityKey+`":{"saves":`...), a.saves, 10)
	b = strconv.AppendInt(append(b, `,"executions":{"passed":`...), a.executions.passed, 10)
	b = strconv.AppendInt(append(b, `,"failed":`...), a.executions.failed, 10)
	b = strconv.AppendInt(append(b, `,"partial":`...), a.executions.partial, 10)
	b = strconv.AppendInt(append(b, `,"cancelled":`...), a.executions.cancelled, 10)
	b = append(b, `},"last_save":`...)
	if s := a.lastSave; s == nil {
		b = append(b, "null"...)
	} else {
		b = appendText(append(b, `{"table":`...), s.table)
		b = appendText(append(b, `,"action":`...), s.action)
		b = strconv.AppendInt(append(b, `,"id":`...), s.id, 10)
		b = append(appendTime(append(b, `,"timestamp":`...), s.timestamp), '}')
	}
	b = append(b, `,"last_execution":`...)
	if e := a.lastExecution; e == nil {
		b = append(b, "null"...)
	} else {
		b = appendText(append(b, `{"execution_id":`...), e.executionID)
		b = appendText(append(b, `,"operation":`...), e.operation)
		b = appendText(append(b, `,"status":`...), e.status)
		b = append(appendTime(append(b, `,"timestamp":`...), e.timestamp), '}')
	}
	return string(append(b, "}}"...))
}

// appendTime appends a time as JSON, or null if the stored one could not be read.
func appendTime(b []byte, t models.Timestamp) []byte {
	if t.IsZero() {
		return append(b, "null"...)
	}
	return appendText(b, t.String())
}

// meeting is an element of collision_history.
type meeting struct {
	ID        int64  `json:"id"` // of the row in collision_detection
	SessionID string `json:"session_id"`
	With      string `json:"with"` // the other agent
	Type      string `json:"type"`
	Severity  string `json:"severity"`
	Timestamp string `json:"timestamp"`
}

// memory is what the row of one agent gains.
type memory struct {
	at        time.Time // of the newest change
	activity  activity
	meetings  []meeting
	passed    bool    // a receipt passed, which ends the retries counted before
	failures  int64   // failed receipts since then
	lastError *string // nil keeps the stored one
}

// memories collects the additions of a set of changes, by agent.
type memories map[string]*memory

func (m memories) of(agent string) *memory {
	if m[agent] == nil {
		m[agent] = &memory{}
	}
	return m[agent]
}

// add counts one change for the acting agent.
func (m memories) add(c Change, ev event, redactor *redact.Redactor) {
	t, r, own := c.Table, c.row(), m.of(ev.agent)
	own.at = ev.at
	own.activity.saves++
	own.activity.lastSave = &lastSave{table: t.Name, action: string(c.Action), id: r.ID(), timestamp: models.At(ev.at)}
	switch t.Name {
	case "receipts":
		if c.New != nil && (c.Old == nil || t.Text(c.Old, "status") != t.Text(c.New, "status")) {
			own.outcome(t, r, redactor)
		}
	case "collision_detection":
		if c.Action == Create {
			one, two := t.Text(r, "agent_id_1"), t.Text(r, "agent_id_2")
			m.of(one).meet(t, r, two, ev.at)
			m.of(two).meet(t, r, one, ev.at)
		}
	}
}

// outcome counts the outcome of a receipt.
func (m *memory) outcome(t *schema.Table, r schema.Row, redactor *redact.Redactor) {
	id, status := t.Text(r, "execution_id"), t.Text(r, "status")
	m.activity.lastExecution = &lastExecution{executionID: id, operation: t.Text(r, "operation"), status: status}
	_ = m.activity.lastExecution.timestamp.Scan(t.Text(r, "timestamp"))
	count := &m.activity.executions
	switch models.ReceiptStatus(status) {
	case models.ReceiptPassed:
		count.passed++
		m.passed, m.failures = true, 0
	case models.ReceiptFailed:
		count.failed++
		m.failures++
		message := redactor.Text(t.Text(r, "error_message")) // another program may have stored it
		if message == "" {
			message = "execution " + id + " failed"
		}
		m.lastError = &message
	case models.ReceiptPartial:
		count.partial++
	case models.ReceiptCancelled:
		count.cancelled++
	}
}

// meet appends a collision; only the newest are kept.
func (m *memory) meet(t *schema.Table, r schema.Row, with string, at time.Time) {
	m.at = at
	m.meetings = append(m.meetings, meeting{
		ID: r.ID(), SessionID: t.Text(r, "session_id"), With: with,
		Type: t.Text(r, "collision_type"), Severity: t.Text(r, "severity"), Timestamp: t.Text(r, "timestamp"),
	})
	if extra := len(m.meetings) - models.CollisionHistoryLimit; extra > 0 {
		m.meetings = m.meetings[extra:]
	}
}

// write sends one UPSERT per agent, in the order of names, so that concurrent batches
// cannot deadlock.
func (m memories) write(ctx context.Context, pool gorm.ConnPool, upsert string) error {
	for _, agent := range slices.Sorted(maps.Keys(m)) {
		if err := m[agent].write(ctx, pool, upsert, agent); err != nil {
			return err
		}
	}
	return nil
}

func (m *memory) write(ctx context.Context, pool gorm.ConnPool, upsert, agent string) error {
	at := models.At(m.at).Time
	var history, lastError any
	if len(m.meetings) > 0 {
		text, err := schema.EncodeJSON(m.meetings)
		if err != nil {
			return err
		}
		history = text
	}
	if m.lastError != nil {
		lastError = *m.lastError
	}
	result, err := pool.ExecContext(ctx, upsert, agent, m.activity.document(), history, m.failures, lastError, at, at, m.passed)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 1 {
		return err
	}
	return &models.Error{
		Table: "agent_memory", Column: "memory_json, collision_history", Kind: models.ErrCorrupt,
		Reason: "the memory of agent " + agent + " was left by another program as something else than a JSON object " +
			"with a JSON array of collisions; nothing was written, mend or delete that row first",
	}
}
