package hooks

import (
	"context"
	"time"

	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
)

// debt is what changes owe: an entry each, and the memory of the agents.
type debt struct {
	redact  *redactor
	entries []entry
	memory  memories
	stored  []any // the values of one row, used again for the next
}

// add counts one change.
func (d *debt) add(table, agent string, at time.Time, took time.Duration, c change) error {
	e, err := newEntry(table, agent, at, took, c, d.redact, d.digest(table, c))
	if err != nil {
		return err
	}
	d.entries = append(d.entries, e)
	if table != "agent_memory" {
		if d.memory == nil {
			d.memory = memories{}
		}
		d.memory.add(agent, table, at, c, d.redact)
	}
	return nil
}

// digest is that of the row as a create or an update left it.
func (d *debt) digest(table string, c change) string {
	t := schema.Named(table)
	row := make(schema.Row, len(t.Columns))
	switch {
	case c.new == nil:
		return ""
	case c.model == nil:
		for i, column := range t.Columns {
			row[i] = c.new[column.Name]
		}
		return t.Digest(row)
	case c.values == nil:
		d.stored = values(d.stored[:0], c.model)
		c.values = d.stored
	}
	row[0] = *identity(c.model)
	copy(row[1:], c.values)
	return t.Digest(row)
}

// pay writes it.
func (d *debt) pay(ctx context.Context, pool gorm.ConnPool, dialect *dialect) error {
	if err := dialect.insertEntries(ctx, pool, d.entries); err != nil {
		return err
	}
	return d.memory.write(ctx, pool, dialect)
}

// record writes what the changes of a statement owe.
func (w *write) record(changes []change) error {
	s := w.db.Statement
	if err := checkContext(s.Context); err != nil {
		return err
	}
	took := time.Since(w.start)
	agents := agentFinder{pool: s.ConnPool, dialect: w.plugin.dialect}
	owed := debt{redact: &w.plugin.redact}
	var last int64 // of the rows created
	for _, c := range changes {
		if c.action == actionCreate {
			last = max(last, c.new.id())
		}
		c.execution = Execution(s.Context)
		agent, err := agents.of(s.Context, c.row())
		if err != nil {
			return err
		}
		if err := owed.add(w.table, agent, w.at, took, c); err != nil {
			return err
		}
	}
	w.plugin.created(s.Context, s.ConnPool, w.table, last)
	return owed.pay(s.Context, s.ConnPool, w.plugin.dialect)
}

// created tells of rows that were created, if there are any.
func (p *Plugin) created(ctx context.Context, tx gorm.ConnPool, table string, last int64) {
	if p.inserted != nil && last > 0 {
		p.inserted(ctx, tx, table, last)
	}
}

// agentFinder says who acted: the context's actor, else whom the row names, else
// the agent of the receipt that the row belongs to, else SystemActor.
type agentFinder struct {
	pool    gorm.ConnPool
	dialect *dialect
	known   map[string]string // by execution id
}

// learn keeps the agent of a receipt for the rows that name it.
func (f *agentFinder) learn(r row) {
	agent, execution := r.text("agent_id"), r.text("execution_id")
	if agent != "" && execution != "" {
		f.keep(execution, agent)
	}
}

func (f *agentFinder) keep(execution, agent string) {
	if f.known == nil {
		f.known = map[string]string{}
	}
	f.known[execution] = agent
}

func (f *agentFinder) of(ctx context.Context, r row) (string, error) {
	if actor := Actor(ctx); actor != "" {
		return actor, nil
	}
	for _, column := range []string{"agent_id", "agent_id_1"} {
		if agent := r.text(column); agent != "" {
			return agent, nil
		}
	}
	execution := r.text("execution_id")
	if execution == "" {
		return SystemActor, nil
	}
	if agent, ok := f.known[execution]; ok {
		return agent, nil
	}
	receipts, err := readRows(f.pool.QueryContext(ctx, f.dialect.agentOf, execution))
	if err != nil {
		return "", err
	}
	agent := SystemActor
	if len(receipts) > 0 {
		agent = receipts[0].text("agent_id")
	}
	f.keep(execution, agent)
	return agent, nil
}
