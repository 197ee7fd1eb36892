package audit

import (
	"context"
	"time"

	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/internal/scope"
)

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
