package hooks

import (
	"context"
	"maps"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// activity is the document under models.ActivityKey: as it is stored, and as the
// amount to add to what is stored.
type activity struct {
	Saves         int64          `json:"saves"` // rows created, updated or deleted
	Executions    executionCount `json:"executions"`
	LastSave      *lastSave      `json:"last_save"`
	LastExecution *lastExecution `json:"last_execution"`
}

// executionCount counts the outcomes recorded: receipts created, and updates that
// changed a receipt's status.
type executionCount struct {
	Passed    int64 `json:"passed"`
	Failed    int64 `json:"failed"`
	Partial   int64 `json:"partial"`
	Cancelled int64 `json:"cancelled"`
}

type lastSave struct {
	Table     string           `json:"table"`
	Action    string           `json:"action"`
	ID        int64            `json:"id"`
	Timestamp models.Timestamp `json:"timestamp"`
}

type lastExecution struct {
	ExecutionID string           `json:"execution_id"`
	Operation   string           `json:"operation"`
	Status      string           `json:"status"`
	Timestamp   models.Timestamp `json:"timestamp"`
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
func (m memories) add(agent, table string, at time.Time, c change) {
	r, own := c.row(), m.of(agent)
	own.at = at
	own.activity.Saves++
	own.activity.LastSave = &lastSave{Table: table, Action: c.action, ID: r.id(), Timestamp: models.At(at)}
	switch {
	case table == "receipts" && c.new != nil && (c.old == nil || c.old["status"] != c.new["status"]):
		own.outcome(r)
	case table == "collision_detection" && c.action == actionCreate:
		one, two := r.text("agent_id_1"), r.text("agent_id_2")
		m.of(one).meet(r, two, at)
		m.of(two).meet(r, one, at)
	}
}

func (m *memory) outcome(r row) {
	status := r.text("status")
	m.activity.LastExecution = &lastExecution{
		ExecutionID: r.text("execution_id"), Operation: r.text("operation"), Status: status,
	}
	_ = m.activity.LastExecution.Timestamp.Scan(r.text("timestamp"))
	count := &m.activity.Executions
	switch models.ReceiptStatus(status) {
	case models.ReceiptPassed:
		count.Passed++
		m.passed, m.failures = true, 0
	case models.ReceiptFailed:
		count.Failed++
		m.failures++
		message := r.text("error_message")
		if message == "" {
			message = "execution " + r.text("execution_id") + " failed"
		}
		m.lastError = &message
	case models.ReceiptPartial:
		count.Partial++
	case models.ReceiptCancelled:
		count.Cancelled++
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
	doc, err := encode(map[string]activity{models.ActivityKey: m.activity})
	if err != nil {
		return err
	}
	var history any
	if len(m.meetings) > 0 {
		if history, err = encode(m.meetings); err != nil {
			return err
		}
	}
	var lastError any
	if m.lastError != nil {
		lastError = *m.lastError
	}
	result, err := pool.ExecContext(ctx, d.upsertMemory, agent, doc, history, m.failures, lastError, at, at, m.passed)
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
