package hooks

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"time"

	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// activity is what to add to the document under models.ActivityKey.
type activity struct {
	saves         int64 // rows created, updated or deleted
	executions    executionCount
	lastSave      *lastSave      // nil keeps the stored one
	lastExecution *lastExecution // likewise
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

// document is the activity as a whole memory_json of its own.
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

// appendTime appends a time as JSON; null if the database held none that can be read.
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

// memory is what one agent's row gains.
type memory struct {
	at        time.Time // of the newest change
	activity  activity
	meetings  []meeting
	passed    bool    // a receipt passed, so the retries counted before are over
	failures  int64   // failed receipts since
	lastError *string // nil keeps the stored one
}

// memories gathers what a statement's changes add, by agent.
type memories map[string]*memory

func (m memories) of(agent string) *memory {
	if m[agent] == nil {
		m[agent] = &memory{}
	}
	return m[agent]
}

// add counts one change for the agent who acted.
func (m memories) add(agent, table string, at time.Time, c change, redact *redactor) {
	r, own := c.row(), m.of(agent)
	own.at = at
	own.activity.saves++
	own.activity.lastSave = &lastSave{table: table, action: c.action, id: r.id(), timestamp: models.At(at)}
	switch {
	case table == "receipts" && c.new != nil && (c.old == nil || c.old["status"] != c.new["status"]):
		own.outcome(r, redact)
	case table == "collision_detection" && c.action == actionCreate:
		one, two := r.text("agent_id_1"), r.text("agent_id_2")
		m.of(one).meet(r, two, at)
		m.of(two).meet(r, one, at)
	}
}

func (m *memory) outcome(r row, redact *redactor) {
	status := r.text("status")
	m.activity.lastExecution = &lastExecution{executionID: r.text("execution_id"), operation: r.text("operation"), status: status}
	_ = m.activity.lastExecution.timestamp.Scan(r.text("timestamp"))
	count := &m.activity.executions
	switch models.ReceiptStatus(status) {
	case models.ReceiptPassed:
		count.passed++
		m.passed, m.failures = true, 0
	case models.ReceiptFailed:
		count.failed++
		m.failures++
		message := redact.text(r.text("error_message")) // another program may have stored it
		if message == "" {
			message = "execution " + r.text("execution_id") + " failed"
		}
		m.lastError = &message
	case models.ReceiptPartial:
		count.partial++
	case models.ReceiptCancelled:
		count.cancelled++
	}
}

// meet appends a collision; only the newest are kept.
func (m *memory) meet(r row, with string, at time.Time) {
	m.at = at
	m.meetings = append(m.meetings, meeting{
		ID: r.id(), SessionID: r.text("session_id"), With: with,
		Type: r.text("collision_type"), Severity: r.text("severity"), Timestamp: r.text("timestamp"),
	})
	if extra := len(m.meetings) - models.CollisionHistoryLimit; extra > 0 {
		m.meetings = m.meetings[extra:]
	}
}

// write sends one UPSERT an agent, in the order of names so that concurrent batches
// cannot deadlock.
func (m memories) write(ctx context.Context, pool gorm.ConnPool, d *dialect) error {
	for _, agent := range slices.Sorted(maps.Keys(m)) {
		if err := m[agent].upsert(ctx, pool, d, agent); err != nil {
			return err
		}
	}
	return nil
}

func (m *memory) upsert(ctx context.Context, pool gorm.ConnPool, d *dialect, agent string) error {
	at := models.At(m.at).Time
	var history any
	if len(m.meetings) > 0 {
		text, err := encode(m.meetings)
		if err != nil {
			return err
		}
		history = text
	}
	var lastError any
	if m.lastError != nil {
		lastError = *m.lastError
	}
	result, err := pool.ExecContext(ctx, d.upsertMemory, agent, m.activity.document(), history, m.failures, lastError, at, at, m.passed)
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
