package workload

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/ledger"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Result is the outcome of Check.
type Result struct {
	Lives        int
	Steps        int64 // started
	Acknowledged int64
	Refused      int64
	Killed       int64 // steps whose worker was killed before it knew the outcome
	Stored       int64 // killed and refused steps that are stored nevertheless, each completely
	Reads        int64
	Entries      int64 // in the audit log
	Rows         int64 // in the audited tables
	Errors       map[string]int64
	Findings     []string // a sentence per violation; the first hundred
}

func (r *Result) add(format string, args ...any) {
	if len(r.Findings) < 100 {
		r.Findings = append(r.Findings, fmt.Sprintf(format, args...))
	}
}

// Whole returns the findings of Verify, which runs integrity_check and foreign_key_check,
// and of VerifyAudit.
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

// Check compares a database with the journals in dir of all workers that wrote to it. No
// worker may still be running.
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

// check collects one pass over the audit log.
type check struct {
	*Result
	lives   map[string]*life
	events  map[string]*events // by table
	saves   map[string]int64   // entries that count as saves, by agent
	memory  map[string]int64   // entries of agent_memory by agent
	outcome int64              // entries of the shared session
}

// events counts, by id, how often the rows of a table were created and deleted.
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

// entryContext is the part of an entry's context that Check reads.
type entryContext struct {
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
		var e entryContext
		if err := json.Unmarshal([]byte(text), &e); err != nil {
			return fmt.Errorf("%s: %w", text, err)
		}
		c.entry(agent, &e)
	}
	return rows.Err()
}

func (c *check) entry(agent string, e *entryContext) {
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

// step returns the step that the id of a row names, or nil.
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
