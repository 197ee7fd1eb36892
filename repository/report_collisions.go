package repository

import (
	"cmp"
	"context"
	"database/sql"
	"slices"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Numbers of agents in a CollisionMatrix.
const (
	DefaultMatrixAgents = 20
	MaxMatrixAgents     = 100
)

// CollisionMatrix counts the collisions of each pair of agents.
type CollisionMatrix struct {
	Agents     []string        `json:"agents"`      // the agents with the most collisions, sorted by that number, the largest first
	Pairs      []CollisionPair `json:"pairs"`       // pairs of Agents, the most frequent first
	Collisions int64           `json:"collisions"`  // all selected collisions
	MoreAgents int             `json:"more_agents"` // number of agents beyond Agents
	Omitted    int64           `json:"omitted"`     // collisions that involve an agent beyond Agents
}

// CollisionPair counts the collisions of two agents, in either order.
type CollisionPair struct {
	AgentID1   string `json:"agent_id_1"`
	AgentID2   string `json:"agent_id_2"` // greater than AgentID1, by bytes
	Count      int64  `json:"count"`      // all collisions, then by severity
	Info       int64  `json:"info"`
	Warning    int64  `json:"warning"`
	Critical   int64  `json:"critical"`
	Unresolved int64  `json:"unresolved"` // collisions without a resolution
}

// CollisionMatrix counts the selected collisions per pair of agents, for at most that number
// of agents with the most collisions, DefaultMatrixAgents if 0. Memory grows with the number
// of pairs. Errors: models.ErrInvalid for an invalid filter, and for a number of agents that
// is negative or above MaxMatrixAgents.
func (r *Reports) CollisionMatrix(ctx context.Context, f ReportFilter, agents int) (m CollisionMatrix, err error) {
	if agents, err = bounded(collisionsTable, "agents", agents, DefaultMatrixAgents, MaxMatrixAgents); err != nil {
		return m, err
	}
	l := (&Collisions{r.h}).filter(ctx, CollisionFilter{AgentID: f.AgentID, Since: f.Since, Until: f.Until})
	if l.err != nil {
		return m, l.err
	}
	const of = "COUNT(*) FILTER (WHERE severity = ?), "
	q := l.db.Select("agent_id_1, agent_id_2, COUNT(*), "+of+of+of+"COUNT(*) FILTER (WHERE "+unresolved+")",
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

// collided counts the collisions of every pair.
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

// matrix returns the matrix of the n agents with the most collisions.
func (c collided) matrix(n int) CollisionMatrix {
	m := CollisionMatrix{Agents: []string{}, Pairs: []CollisionPair{}}
	counts := map[string]int64{}
	for _, p := range c {
		m.Collisions += p.Count
		counts[p.AgentID1] += p.Count
		if p.AgentID2 != p.AgentID1 { // no repository writes such a row
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
