package audit

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/internal/redact"
	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/internal/scope"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// ContextVersion is "v" in the context_json of the entries that this package writes.
const ContextVersion = 1

// SystemActor acts where neither the context nor the row names an agent.
const SystemActor = "system"

var auditLog = schema.Named("audit_log")

// Entry is a row of audit_log to be written. id receives its id, unless nil.
type Entry struct {
	row schema.Row
	id  *int64
}

// event is what an entry says besides the change.
type event struct {
	agent     string
	at        time.Time
	took      time.Duration
	execution string // the execution at work, for tables that have none
}

func newEntry(ev event, operation string, status models.AuditStatus, message, document any) Entry {
	at := models.At(ev.at)
	return Entry{row: schema.Row{
		nil, at.String(), ev.agent, operation, string(status), ev.took.Milliseconds(), message, document, at.Time,
	}}
}

// describe returns the entry of a change. The digest is "" for a refused one.
func describe(c Change, ev event, redactor *redact.Redactor, digest string) (Entry, error) {
	text, err := contextJSON(c, ev.execution, redactor, digest)
	return newEntry(ev, c.Table.Name+"."+string(c.Action), models.AuditCompleted, nil, text), err
}

// contextJSON returns the documented form of audit_log.context_json. Its bytes are a
// contract: a golden file fixes them.
//
//	{"v":1,"table":..,"action":..,"id":..,"key":..,"execution_id":..,"session_id":..,
//	 "changes":{column:{"from":..,"to":..}},"row":{column:value},"digest":..}
//
// Empty members are omitted. execution_id is the row's, or that of the context
// (WithExecution) if the table has none. A create has no "changes", except in
// agent_memory: its memory_json is there, so that the log alone knows what an agent
// remembered. "row" is a deleted row. "digest" is that of the row after a create or an
// update (schema.Table.Digest). Secrets are redacted.
func contextJSON(c Change, execution string, redactor *redact.Redactor, digest string) (string, error) {
	t, r := c.Table, c.row()
	b := make([]byte, 0, 288)
	b = append(b, `{"v":`...)
	b = strconv.AppendInt(b, ContextVersion, 10)
	b = appendMember(b, "table", t.Name)
	b = appendMember(b, "action", string(c.Action))
	if id := r.ID(); id != 0 {
		b = append(b, `,"id":`...)
		b = strconv.AppendInt(b, id, 10)
	}
	b = appendMember(b, "key", t.Text(r, t.NaturalKey))
	if t.HasExecution() {
		execution = t.Text(r, "execution_id")
	}
	b = appendMember(b, "execution_id", execution)
	b = appendMember(b, "session_id", t.Text(r, "session_id"))
	var err error
	if changes := c.differences(redactor, digest != ""); len(changes) > 0 {
		if b, err = appendDocument(b, "changes", changes); err != nil {
			return "", err
		}
	}
	if c.Action == Delete && c.Old != nil {
		values := make(map[string]any, len(c.Old))
		for i, v := range c.Old {
			column := c.column(i)
			values[column.Name] = redactor.Value(column, v)
		}
		if b, err = appendDocument(b, "row", values); err != nil {
			return "", err
		}
	}
	b = appendMember(b, "digest", digest)
	return string(append(b, '}')), nil
}

// differences returns the changed columns of an update, and the memory_json of a stored
// agent_memory.
func (c Change) differences(redactor *redact.Redactor, stored bool) map[string]fromTo {
	diff := map[string]fromTo{}
	add := func(i int, from, to any) {
		column := c.column(i)
		diff[column.Name] = fromTo{redactor.Value(column, from), redactor.Value(column, to)}
	}
	if c.Action == Create && stored && c.Table.Name == "agent_memory" {
		i := c.Table.Index("memory_json")
		add(i, nil, c.New[i])
	}
	if c.Old != nil && c.New != nil {
		for i, to := range c.New {
			if from := c.Old[i]; from != to {
				add(i, from, to)
			}
		}
	}
	return diff
}

// appendDocument appends ,"name":value.
func appendDocument(b []byte, name string, value any) ([]byte, error) {
	text, err := schema.EncodeJSON(value)
	if err != nil {
		return nil, fmt.Errorf("audit context: %w", err)
	}
	return append(append(append(append(b, `,"`...), name...), `":`...), text...), nil
}

// appendMember appends ,"name":"value" unless the value is empty.
func appendMember(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	b = append(append(append(b, `,"`...), name...), `":`...)
	return appendText(b, value)
}

// appendText appends a JSON string, the same bytes as schema.EncodeJSON.
func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			text, _ := schema.EncodeJSON(refuse.Clean(s)) // a string always encodes
			return append(b, text...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

// orSystem returns the agent in a storable form, or SystemActor if it is blank.
func orSystem(agent string) string {
	if agent = refuse.CleanKey(agent); strings.TrimSpace(agent) == "" {
		return SystemActor
	}
	return agent
}

// CheckContext rejects an actor that agent_id cannot hold, and an execution that no
// execution_id can.
func CheckContext(ctx context.Context) error {
	for _, v := range []struct{ column, what, value string }{
		{"agent_id", "an actor", scope.Actor(ctx)}, {"context_json", "the execution of a context", scope.Execution(ctx)},
	} {
		if refuse.CleanKey(v.value) != v.value {
			return &models.Error{
				Table: "audit_log", Column: v.column, Value: v.value, Kind: models.ErrInvalid,
				Reason: fmt.Sprintf("%s must be UTF-8 text without NUL, of at most %d bytes", v.what, models.MaxKeyBytes),
			}
		}
	}
	return nil
}

// pending collects the audit entries and memory updates that a set of changes must write.
type pending struct {
	log     *Log
	pool    gorm.ConnPool
	entries []Entry
	memory  memories
	agents  map[string]string // of executions
}

// add adds what one change must write.
func (p *pending) add(ctx context.Context, c Change, ev event) error {
	ev.execution = scope.Execution(ctx)
	var err error
	if ev.agent, err = p.agentOf(ctx, c); err != nil {
		return err
	}
	digest := ""
	if c.New != nil {
		digest = c.Table.Digest(c.New)
	}
	e, err := describe(c, ev, p.log.Redact, digest)
	if err != nil {
		return err
	}
	p.entries = append(p.entries, e)
	if c.Table.Name != "agent_memory" {
		if p.memory == nil {
			p.memory = memories{}
		}
		p.memory.add(c, ev, p.log.Redact)
	}
	return nil
}

// write writes all of it.
func (p *pending) write(ctx context.Context) error {
	if err := p.log.insertEntries(ctx, p.pool, p.entries); err != nil {
		return err
	}
	return p.memory.write(ctx, p.pool, p.log.Dialect.UpsertMemory)
}

// agentOf returns who acted: the context's actor, else the agent that the row names, else
// that of the receipt to which the row belongs, else SystemActor.
func (p *pending) agentOf(ctx context.Context, c Change) (string, error) {
	if actor := scope.Actor(ctx); actor != "" {
		return actor, nil
	}
	t, r := c.Table, c.row()
	if len(t.Agents) > 0 {
		if agent := t.Text(r, t.Agents[0]); agent != "" {
			return agent, nil
		}
	}
	execution := t.Text(r, "execution_id")
	if execution == "" {
		return SystemActor, nil
	}
	if agent, ok := p.agents[execution]; ok {
		return agent, nil
	}
	agent, err := p.receiptAgent(ctx, execution)
	if err != nil {
		return "", err
	}
	p.learn(execution, agent)
	return agent, nil
}

// learn remembers the agent of an execution.
func (p *pending) learn(execution, agent string) {
	if p.agents == nil {
		p.agents = map[string]string{}
	}
	p.agents[execution] = agent
}

func (p *pending) receiptAgent(ctx context.Context, execution string) (string, error) {
	receipts, err := Query(ctx, p.pool, schema.Named("receipts"), p.log.Dialect.AgentOf, execution)
	if err != nil || len(receipts.Rows) == 0 {
		return SystemActor, err
	}
	return receipts.Table.Text(receipts.Rows[0], "agent_id"), nil
}

// Record writes the entries and the memory for the changes of a statement.
func (l *Log) Record(ctx context.Context, pool gorm.ConnPool, at, start time.Time, changes []Change) error {
	if len(changes) == 0 {
		return nil
	}
	if err := CheckContext(ctx); err != nil {
		return err
	}
	p, took := pending{log: l, pool: pool}, time.Since(start)
	var last int64 // of the rows created
	for _, c := range changes {
		if c.Action == Create {
			last = max(last, c.New.ID())
		}
		if err := p.add(ctx, c, event{at: at, took: took}); err != nil {
			return err
		}
	}
	if l.Inserted != nil && last > 0 {
		l.Inserted(ctx, pool, changes[0].Table.Name, last)
	}
	return p.write(ctx)
}
