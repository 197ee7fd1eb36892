package workload

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/ledger"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Result is what Check found.
type Result struct {
	Lives        int
	Steps        int64 // tried
	Acknowledged int64
	Refused      int64
	Killed       int64 // steps whose outcome their life did not learn
	Kept         int64 // of these and the refused, how many have left something, whole
	Reads        int64
	Entries      int64 // of the audit log
	Rows         int64 // of the tables that it tells of
	Errors       map[string]int64
	Findings     []string // a sentence for each violation; the first hundred
}

func (r *Result) add(format string, args ...any) {
	if len(r.Findings) < 100 {
		r.Findings = append(r.Findings, fmt.Sprintf(format, args...))
	}
}

// Whole is what is wrong with the database itself, whoever wrote it: what Verify finds,
// which includes integrity_check and foreign_key_check.
func Whole(ctx context.Context, dsn string) ([]string, error) {
	v, err := tier2.Verify(ctx, dsn)
	if err != nil {
		return nil, err
	}
	audit, err := tier2.VerifyAudit(ctx, dsn, ledger.VerifyOptions{})
	if err != nil {
		return nil, err
	}
	findings := v.Findings
	for _, f := range audit.Findings {
		findings = append(findings, fmt.Sprintf("audit: %s: %s", f.Kind, f.Reason))
	}
	return findings, nil
}

// Check compares a database, to which nobody writes now, with the journals in dir of all
// who ever wrote to it.
func Check(ctx context.Context, dsn, dir string) (*Result, error) {
	r := &Result{Errors: map[string]int64{}}
	findings, err := Whole(ctx, dsn)
	if err != nil {
		return nil, err
	}
	for _, f := range findings {
		r.add("%s", f)
	}
	lives, err := readJournals(dir)
	if err != nil {
		return nil, err
	}
	store, err := tier2.Open(ctx, dsn, tier2.WithExisting())
	if err != nil {
		return nil, err
	}
	defer store.Close()
	c := &check{Result: r, lives: lives, events: map[string]*events{}, saves: map[string]int64{}, memory: map[string]int64{}}
	for _, look := range []func(context.Context, *tier2.Store) error{c.entries, c.rows, c.memories, c.shared} {
		if err := look(ctx, store); err != nil {
			return nil, err
		}
	}
	c.steps()
	return r, nil
}

// check is what one pass over the audit log gathers.
type check struct {
	*Result
	lives   map[string]*life
	events  map[string]*events // by table
	saves   map[string]int64   // entries by agent, of those that count as saves
	memory  map[string]int64   // entries of agent_memory by agent
	outcome int64              // entries of the shared session
}

// events says of the rows of a table, by id, how often they were made and deleted.
type events struct{ made, deleted []uint8 }

func count(list *[]uint8, id int64) {
	if n := int(id) + 1; n > len(*list) {
		*list = slices.Grow(*list, n-len(*list))[:n]
	}
	(*list)[id]++
}

func at(list []uint8, id int64) uint8 {
	if id < int64(len(list)) {
		return list[id]
	}
	return 0
}

// told is the part of an entry's context that matters here.
type told struct {
	Table       string
	Action      string
	ID          int64
	Key         string
	ExecutionID string `json:"execution_id"`
	SessionID   string `json:"session_id"`
	Changes     struct{ Environment struct{ To string } }
}

// entries reads the audit log once.
func (c *check) entries(ctx context.Context, store *tier2.Store) error {
	rows, err := store.DB().WithContext(ctx).Raw("SELECT agent_id, operation, status, context_json FROM audit_log ORDER BY id").Rows()
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var agent, operation, status, text string
		if err := rows.Scan(&agent, &operation, &status, &text); err != nil {
			return err
		}
		c.Entries++
		if status == string(models.AuditFailed) {
			continue
		}
		var e told
		if err := json.Unmarshal([]byte(text), &e); err != nil {
			return fmt.Errorf("%s: %w", text, err)
		}
		c.entry(agent, &e)
	}
	return rows.Err()
}

func (c *check) entry(agent string, e *told) {
	if e.Table == "agent_memory" {
		c.memory[e.Key]++
		return
	}
	if e.Table != "" {
		c.saves[agent]++
		if c.events[e.Table] == nil {
			c.events[e.Table] = &events{}
		}
		switch e.Action {
		case "create":
			count(&c.events[e.Table].made, e.ID)
		case "delete":
			count(&c.events[e.Table].deleted, e.ID)
		}
	}
	if e.Key == Shared {
		if e.Action == "update" {
			c.outcome++
		}
		return
	}
	id := e.ExecutionID + e.SessionID
	if changed, ok := strings.CutPrefix(e.Changes.Environment.To, by); ok {
		id = changed
	}
	if s := c.step(id); s == nil {
		c.add("the audit log tells of %s, which nobody has tried", id)
	} else if s.found++; s.found > 250 {
		c.add("the audit log is full of %s", id)
		s.found = 250
	}
}

// step is the one that an id of a row names, or nil.
func (c *check) step(id string) *step {
	parts := strings.SplitN(id, ".", 3)
	if len(parts) < 2 || c.lives[parts[0]] == nil {
		return nil
	}
	n, err := strconv.Atoi(parts[1])
	if steps := c.lives[parts[0]].steps; err == nil && n >= 0 && n < len(steps) {
		return &steps[n]
	}
	return nil
}

// rows compares the ids in the tables with what the log says was made and deleted.
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

// memories compares what each memory counts with the entries of its agent, and what
// lives kept for themselves with their journals.
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

// shared compares the counter that all workers add to with its entries and with the
// transactions that are there.
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

// steps compares the journals with what was found.
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
				c.Kept++
				wrong = wrong || !slices.Contains(k.commits, s.found)
			}
			if wrong {
				c.add("step %s.%d (%s, outcome %d) left %d entries in the audit log; after its commits there are %v", name, n, k.name, s.outcome, s.found, k.commits)
			}
		}
	}
}
