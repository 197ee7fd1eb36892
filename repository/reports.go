package repository

import (
	"database/sql"
	"math"

	"cmp"
	"context"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Reports provides the statistics of the views, and statistics over several tables.
type Reports struct{ h handle }

// ReportFilter selects the executions of a report by the agent and time of their receipts,
// with all their metrics and violations, whenever these were written. It selects collisions
// by their own agents and time. The zero value selects all.
type ReportFilter struct {
	AgentID      string    // matches either agent of a collision
	Since, Until time.Time // Since <= timestamp < Until, UTC; a zero time is no bound
}

// all reports whether f selects everything.
func (f ReportFilter) all() bool { return f.AgentID == "" && f.Since.IsZero() && f.Until.IsZero() }

// executions returns a query of the selected receipts, on a handle that may be used again.
func (r *Reports) executions(ctx context.Context, f ReportFilter) (*gorm.DB, error) {
	l := (&Receipts{r.h}).filter(ctx, ReceiptFilter{AgentID: f.AgentID, Since: f.Since, Until: f.Until})
	return l.db.Session(&gorm.Session{}), l.err
}

// RecentExecutions returns the newest 100 executions with the number of their audit entries
// and violations, newest first.
func (r *Reports) RecentExecutions(ctx context.Context) ([]models.RecentExecution, error) {
	return find[models.RecentExecution](r.h.read(ctx).Order("timestamp DESC, id DESC"))
}

// RecentFailures returns the failed executions among RecentExecutions, newest first, at most
// limit rows, 10 if 0. Errors: models.ErrInvalid for a negative limit and one above MaxLimit.
func (r *Reports) RecentFailures(ctx context.Context, limit int) ([]models.RecentExecution, error) {
	limit, err := bounded("recent_executions", "limit", limit, 10, MaxLimit)
	if err != nil {
		return nil, err
	}
	q := r.h.read(ctx).Where("status = ?", models.ReceiptFailed).Order("timestamp DESC, id DESC").Limit(limit)
	return find[models.RecentExecution](q)
}

// AgentPerformance returns one row per agent, over all its receipts. The agent with the
// most passed executions is first.
func (r *Reports) AgentPerformance(ctx context.Context) ([]models.AgentPerformance, error) {
	return find[models.AgentPerformance](r.h.read(ctx).Order("successful_executions DESC, agent_id"))
}

// StagePerformance returns one row per stage with metrics, in the order of the stages.
func (r *Reports) StagePerformance(ctx context.Context) ([]models.StagePerformance, error) {
	rows, err := find[models.StagePerformance](r.h.read(ctx))
	stages := models.Stages()
	slices.SortFunc(rows, func(a, b models.StagePerformance) int {
		return cmp.Compare(slices.Index(stages, a.Stage), slices.Index(stages, b.Stage))
	})
	return rows, err
}

// Bottlenecks returns StagePerformance sorted by average duration, the slowest stage first.
func (r *Reports) Bottlenecks(ctx context.Context) ([]models.StagePerformance, error) {
	rows, err := r.StagePerformance(ctx)
	slices.SortStableFunc(rows, func(a, b models.StagePerformance) int {
		return cmp.Compare(b.AvgDurationMS, a.AvgDurationMS)
	})
	return rows, err
}

// ViolationsLastWeek returns Violations.SummaryByMetric of the last seven days.
func (r *Reports) ViolationsLastWeek(ctx context.Context) ([]ViolationSummary, error) {
	return (&Violations{r.h}).SummaryByMetric(ctx, r.h.now().AddDate(0, 0, -7), time.Time{})
}

// CollisionsLastDay returns Collisions.Summary of the last 24 hours.
func (r *Reports) CollisionsLastDay(ctx context.Context) ([]CollisionSummary, error) {
	return (&Collisions{r.h}).Summary(ctx, r.h.now().Add(-24*time.Hour), time.Time{})
}

// SLOReport counts how often executions missed the target of one metric. Values are in the
// metric's unit, and 0 without a violation.
type SLOReport struct {
	Metric     string  `json:"metric"`
	Target     float64 `json:"target"`     // of the last violation; without one, of DefaultTargets
	Unit       string  `json:"unit"`       // of the metric in DefaultTargets; "" for other metrics
	Executions int64   `json:"executions"` // selected executions
	Missed     int64   `json:"missed"`     // executions with a violation
	Share      float64 `json:"share"`      // Missed / Executions, 0 to 1; 0 without executions
	Violations int64   `json:"violations"`
	Critical   int64   `json:"critical"` // violations with the severity critical; the others are warnings
	Median     float64 `json:"median"`   // of the actual values; the lower of two in the middle
	Worst      float64 `json:"worst"`    // the actual value farthest from its target; the higher of two
	// LastExecutionID and Last are of the newest violation; "" and null without one.
	LastExecutionID string           `json:"last_execution_id"`
	Last            models.Timestamp `json:"last"`
}

// SLOs returns one row per metric of DefaultTargets or with a violation in the selected
// executions, the metric with the most violations first. It uses 8 bytes per violation.
// Errors: models.ErrInvalid for an invalid filter.
func (r *Reports) SLOs(ctx context.Context, f ReportFilter) ([]SLOReport, error) {
	executions, err := r.executions(ctx, f)
	if err != nil {
		return nil, err
	}
	q := r.h.read(ctx).Table(violationsTable + " AS v")
	if !f.all() {
		q = executions.Joins("JOIN " + violationsTable + " AS v ON v.execution_id = receipts.execution_id")
	}
	missed := map[string]*missedTarget{}
	for _, t := range DefaultTargets() {
		missed[t.Metric] = &missedTarget{SLOReport: SLOReport{Metric: t.Metric, Target: t.Target, Unit: t.Unit}}
	}
	// The order lets add count executions.
	q = q.Select("v.id, v.execution_id, v.metric, v.target_value, v.actual_value, v.severity, v.timestamp").Order("v.execution_id")
	var v models.SLOViolation
	err = scan(q, func(rows *sql.Rows) error {
		if err := rows.Scan(&v.ID, &v.ExecutionID, &v.Metric, &v.TargetValue, &v.ActualValue, &v.Severity, &v.Timestamp); err != nil {
			return err
		}
		m := missed[v.Metric]
		if m == nil {
			m = &missedTarget{SLOReport: SLOReport{Metric: v.Metric}}
			missed[v.Metric] = m
		}
		m.add(&v)
		return nil
	})
	if err != nil {
		return nil, err
	}
	var all int64 // after the violations: none of those is of an execution that is not counted
	if err := executions.Count(&all).Error; err != nil {
		return nil, err
	}
	list := []SLOReport{}
	for _, m := range missed {
		list = append(list, m.report(all))
	}
	slices.SortFunc(list, func(a, b SLOReport) int {
		return cmp.Or(cmp.Compare(b.Violations, a.Violations), cmp.Compare(a.Metric, b.Metric))
	})
	return list, nil
}

// missedTarget builds the report of a metric from its violations, in the order of their
// executions.
type missedTarget struct {
	SLOReport
	counted  string // the execution of the previous violation
	id       int64  // of the last violation
	distance float64
	values   []float64
}

func (m *missedTarget) add(v *models.SLOViolation) {
	if m.Violations == 0 || m.counted != v.ExecutionID {
		m.Missed++
		m.counted = v.ExecutionID
	}
	if at := v.Timestamp.Compare(m.Last.Time); m.Violations == 0 || at > 0 || at == 0 && v.ID > m.id {
		m.Last, m.id, m.LastExecutionID, m.Target = v.Timestamp, v.ID, v.ExecutionID, v.TargetValue
	}
	distance := math.Abs(v.ActualValue - v.TargetValue)
	if m.Violations == 0 || distance > m.distance || distance == m.distance && v.ActualValue > m.Worst {
		m.Worst, m.distance = v.ActualValue, distance
	}
	m.Violations++
	if v.Severity == models.SeverityCritical {
		m.Critical++
	}
	m.values = append(m.values, v.ActualValue)
}

// report returns the report over that number of executions.
func (m *missedTarget) report(executions int64) SLOReport {
	if m.Executions = executions; executions > 0 {
		m.Share = float64(m.Missed) / float64(executions)
	}
	if len(m.values) > 0 {
		slices.Sort(m.values)
		m.Median = m.values[(len(m.values)-1)/2]
	}
	return m.SLOReport
}

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
