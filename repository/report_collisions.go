package repository

import (
	"cmp"
	"context"
	"database/sql"
	"slices"

	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// How many agents a CollisionMatrix shows, so that its size has a bound.
const (
	DefaultMatrixAgents = 20
	MaxMatrixAgents     = 100
)

// CollisionMatrix is which agents collided with which.
type CollisionMatrix struct {
	Agents     []string        `json:"agents"` // the ones with the most collisions, that one first
	Pairs      []CollisionPair `json:"pairs"`  // of two of them, the most frequent first
	Collisions int64           `json:"collisions"`
	MoreAgents int             `json:"more_agents"` // that collided as well
	Omitted    int64           `json:"omitted"`     // of the collisions, those with one of these
}

// CollisionPair is the collisions of two agents, whichever reported them.
type CollisionPair struct {
	AgentID1   string `json:"agent_id_1"`
	AgentID2   string `json:"agent_id_2"` // the greater of the two, by bytes
	Count      int64  `json:"count"`      // by severity:
	Info       int64  `json:"info"`
	Warning    int64  `json:"warning"`
	Critical   int64  `json:"critical"`
	Unresolved int64  `json:"unresolved"` // of Count
}

// CollisionMatrix counts the collisions that f chooses for each pair of those agents
// that have the most of them: at most so many agents, DefaultMatrixAgents if 0. It holds
// every pair that collided. Errors: models.ErrInvalid for a filter that cannot be, a negative
// number of agents or one above MaxMatrixAgents.
func (r *Reports) CollisionMatrix(ctx context.Context, f ReportFilter, agents int) (m CollisionMatrix, err error) {
	switch {
	case agents < 0:
		return m, refuse.Invalid(collisionsTable, "agents", agents, "must not be negative")
	case agents > MaxMatrixAgents:
		return m, refuse.Invalid(collisionsTable, "agents", agents, "must not be more than 100")
	case agents == 0:
		agents = DefaultMatrixAgents
	}
	q, err := (&Collisions{r.h}).filter(ctx, CollisionFilter{AgentID: f.AgentID, Since: f.Since, Until: f.Until})
	if err != nil {
		return m, err
	}
	const of = "COUNT(*) FILTER (WHERE severity = ?), "
	q = q.Select("agent_id_1, agent_id_2, COUNT(*), "+of+of+of+"COUNT(*) FILTER (WHERE "+unresolved+")",
		models.SeverityInfo, models.SeverityWarning, models.SeverityCritical).Group("agent_id_1, agent_id_2")
	collided := collided{}
	err = scan(q, func(rows *sql.Rows) error {
		var p CollisionPair
		if err := rows.Scan(&p.AgentID1, &p.AgentID2, &p.Count, &p.Info, &p.Warning, &p.Critical, &p.Unresolved); err != nil {
			return err
		}
		collided.add(p)
		return nil
	})
	if err != nil {
		return m, err
	}
	return collided.matrix(agents), nil
}

// collided is every pair that collided.
type collided map[[2]string]CollisionPair

func (c collided) add(p CollisionPair) {
	p.AgentID1, p.AgentID2 = min(p.AgentID1, p.AgentID2), max(p.AgentID1, p.AgentID2)
	key := [2]string{p.AgentID1, p.AgentID2}
	had := c[key]
	p.Count += had.Count
	p.Info += had.Info
	p.Warning += had.Warning
	p.Critical += had.Critical
	p.Unresolved += had.Unresolved
	c[key] = p
}

// matrix is that of the n agents with the most collisions.
func (c collided) matrix(n int) CollisionMatrix {
	m := CollisionMatrix{Agents: []string{}, Pairs: []CollisionPair{}}
	counts := map[string]int64{}
	for _, p := range c {
		m.Collisions += p.Count
		counts[p.AgentID1] += p.Count
		if p.AgentID2 != p.AgentID1 { // which no repository writes
			counts[p.AgentID2] += p.Count
		}
	}
	for agent := range counts {
		m.Agents = append(m.Agents, agent)
	}
	slices.SortFunc(m.Agents, func(a, b string) int { return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b)) })
	for _, agent := range m.Agents[min(n, len(m.Agents)):] {
		delete(counts, agent)
		m.MoreAgents++
	}
	m.Agents = m.Agents[:len(counts)]
	for _, p := range c {
		_, first := counts[p.AgentID1]
		_, second := counts[p.AgentID2]
		if !first || !second {
			m.Omitted += p.Count
			continue
		}
		m.Pairs = append(m.Pairs, p)
	}
	slices.SortFunc(m.Pairs, func(a, b CollisionPair) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.AgentID1, b.AgentID1), cmp.Compare(a.AgentID2, b.AgentID2))
	})
	return m
}
