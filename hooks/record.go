package hooks

import (
	"database/sql"
	"errors"
	"time"
)

// record writes what the changes owe: an entry each, then the memory of the agents.
func (w *write) record(changes []change) error {
	ctx, pool := w.db.Statement.Context, w.db.Statement.ConnPool
	took := time.Since(w.start)
	agents := agentFinder{w: w, known: map[string]string{}}
	memory := memories{}
	for _, c := range changes {
		agent, err := agents.of(c.row())
		if err != nil {
			return err
		}
		e, err := newEntry(w.table, agent, w.at, took, c)
		if err != nil {
			return err
		}
		if err := w.plugin.insertEntry(ctx, pool, e); err != nil {
			return err
		}
		memory.add(agent, w.table, w.at, c)
	}
	if w.table == "agent_memory" {
		return nil
	}
	return memory.write(ctx, pool, w.plugin.dialect, w.at)
}

// agentFinder says who acted: the context's actor, else whom the row names, else
// the agent of the receipt that the row belongs to, else SystemActor.
type agentFinder struct {
	w     *write
	known map[string]string // by execution id
}

func (f agentFinder) of(r row) (string, error) {
	s := f.w.db.Statement
	if actor := Actor(s.Context); actor != "" {
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
	var agent string
	err := s.ConnPool.QueryRowContext(s.Context, f.w.plugin.dialect.agentOf, execution).Scan(&agent)
	if errors.Is(err, sql.ErrNoRows) {
		agent, err = SystemActor, nil
	}
	f.known[execution] = agent
	return agent, err
}
