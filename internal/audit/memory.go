package audit

import (
	"context"
	"maps"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/internal/redact"
	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// activity is an addition to the document under models.ActivityKey.
type activity struct {
	Saves         int64          `json:"saves"` // rows created, updated or deleted
	Executions    outcomes       `json:"executions"`
	LastSave      *lastSave      `json:"last_save"`      // nil keeps the stored one
	LastExecution *lastExecution `json:"last_execution"` // nil keeps the stored one
}

// outcomes counts receipts created, and updates that changed a receipt's status.
type outcomes struct {
	Passed    int64 `json:"passed"`
	Failed    int64 `json:"failed"`
	Partial   int64 `json:"partial"`
	Cancelled int64 `json:"cancelled"`
}

type lastSave struct {
	Table     string `json:"table"`
	Action    Action `json:"action"`
	ID        int64  `json:"id"`
	Timestamp string `json:"timestamp"`
}

type lastExecution struct {
	ExecutionID string  `json:"execution_id"`
	Operation   string  `json:"operation"`
	Status      string  `json:"status"`
	Timestamp   *string `json:"timestamp"` // nil if the stored one cannot be read
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
	own.activity.Saves++
	own.activity.LastSave = &lastSave{t.Name, c.Action, r.ID(), models.At(ev.at).String()}
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
	text := func(column string) string { return refuse.Clean(t.Text(r, column)) } // another program may have stored it
	last := &lastExecution{ExecutionID: text("execution_id"), Operation: text("operation"), Status: text("status")}
	if at, err := models.ParseTimestamp(t.Text(r, "timestamp")); err == nil {
		began := at.String()
		last.Timestamp = &began
	}
	m.activity.LastExecution = last
	count := &m.activity.Executions
	switch models.ReceiptStatus(last.Status) {
	case models.ReceiptPassed:
		count.Passed++
		m.passed, m.failures = true, 0
	case models.ReceiptFailed:
		count.Failed++
		m.failures++
		message := redactor.Text(t.Text(r, "error_message"))
		if message == "" {
			message = "execution " + t.Text(r, "execution_id") + " failed"
		}
		m.lastError = &message
	case models.ReceiptPartial:
		count.Partial++
	case models.ReceiptCancelled:
		count.Cancelled++
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
	document, err := schema.EncodeJSON(struct {
		Activity *activity `json:"_activity"` // models.ActivityKey
	}{&m.activity})
	if err != nil {
		return err
	}
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
	result, err := pool.ExecContext(ctx, upsert, agent, document, history, m.failures, lastError, at, at, m.passed)
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
