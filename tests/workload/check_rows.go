package workload

import (
	"context"
	"errors"
	"slices"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// rows compares the ids in the tables with the creates and deletes in the log.
func (c *check) rows(ctx context.Context, store *tier2.Store) error {
	for _, m := range models.All() {
		table := m.TableName()
		if table == "audit_log" || table == "agent_memory" {
			continue
		}
		e := c.events[table]
		if e == nil {
			e = &events{}
		}
		var there []uint8
		rows, err := store.DB().WithContext(ctx).Raw("SELECT id FROM " + table).Rows()
		if err != nil {
			return err
		}
		for rows.Next() {
			var id int64
			if err := rows.Scan(&id); err != nil {
				return errors.Join(err, rows.Close())
			}
			count(&there, id)
			c.Rows++
			if at(e.made, id) != 1 || at(e.deleted, id) != 0 {
				c.add("%s row %d is there, and was made %d times and deleted %d times", table, id, at(e.made, id), at(e.deleted, id))
			}
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return err
		}
		for id := range int64(len(e.made)) {
			if at(e.made, id) > 0 && at(there, id) == 0 && at(e.deleted, id) != 1 {
				c.add("%s row %d was made %d times and deleted %d times, and is not there", table, id, at(e.made, id), at(e.deleted, id))
			}
		}
	}
	return nil
}

// memories compares the counts in each memory with the entries of its agent, and the
// memories that belong to one life with its journal.
func (c *check) memories(ctx context.Context, store *tier2.Store) error {
	type document struct {
		Last     *int64
		Activity struct{ Saves int64 } `json:"_activity"`
	}
	docs := map[string]document{}
	var memories []models.AgentMemory
	if err := store.DB().WithContext(ctx).Find(&memories).Error; err != nil {
		return err
	}
	for _, m := range memories {
		var doc document
		if err := m.MemoryJSON.Decode(&doc); err != nil {
			return err
		}
		docs[m.AgentID] = doc
		if doc.Activity.Saves != c.saves[m.AgentID] {
			c.add("the memory of %s counts %d saves, and the audit log has %d", m.AgentID, doc.Activity.Saves, c.saves[m.AgentID])
		}
	}
	for agent, n := range c.saves {
		if _, ok := docs[agent]; !ok {
			c.add("the audit log has %d saves of %s, who has no memory", n, agent)
		}
	}
	kind, _ := kindNamed("memory")
	for name, l := range c.lives {
		sure, least, tried := int64(0), int64(-1), int64(0)
		for n, s := range l.steps {
			if s.kind != kind {
				continue
			}
			tried++
			if s.outcome == acknowledged {
				sure, least = sure+1, int64(n)
			}
		}
		agent := memoryOf(name)
		if n := c.memory[agent]; n < sure || n > tried {
			c.add("the audit log has %d changes of the memory of %s: %d were acknowledged, %d tried", n, agent, sure, tried)
		}
		if last := docs[agent].Last; least >= 0 && (last == nil || *last < least) {
			c.add("the memory of %s lost step %d", agent, least)
		}
	}
	return nil
}

// shared compares the counter of all workers with its entries and with the stored
// transactions.
func (c *check) shared(ctx context.Context, store *tier2.Store) error {
	s, err := store.Sessions.Get(ctx, Shared)
	if err != nil {
		return err
	}
	kind, _ := kindNamed("transaction")
	found := int64(0)
	for _, l := range c.lives {
		for _, s := range l.steps {
			if s.kind == kind && s.found > 0 {
				found++
			}
		}
	}
	if s.SuccessfulOperations != found || c.outcome != found {
		c.add("%d transactions are there, the shared session counts %d, and the audit log %d", found, s.SuccessfulOperations, c.outcome)
	}
	return nil
}

// steps compares the journals with the entries found.
func (c *check) steps() {
	c.Lives = len(c.lives)
	for name, l := range c.lives {
		c.Reads += l.reads
		c.Steps += int64(len(l.steps))
		for _, e := range l.errs {
			c.Errors[e]++
		}
		for n, s := range l.steps {
			k := kinds[s.kind]
			whole := k.commits[len(k.commits)-1]
			wrong := false
			switch s.outcome {
			case acknowledged:
				c.Acknowledged++
				wrong = s.found != whole
			case refused:
				c.Refused++
				wrong = whole > 0 && s.found == whole
			case unknown:
				c.Killed++
				if n != len(l.steps)-1 {
					c.add("step %s.%d has no outcome, and others came after it", name, n)
				}
			}
			if s.outcome != acknowledged && s.found > 0 {
				c.Stored++
				wrong = wrong || !slices.Contains(k.commits, s.found)
			}
			if wrong {
				c.add("step %s.%d (%s, outcome %d) left %d entries in the audit log; after its commits there are %v", name, n, k.name, s.outcome, s.found, k.commits)
			}
		}
	}
}
