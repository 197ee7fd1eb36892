package repository

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Percentiles are percentiles of durations, in milliseconds, by nearest rank: the p-th
// percentile is the smallest duration that at least p % of the durations do not exceed, as
// percentile_disc of PostgreSQL
// (https://www.postgresql.org/docs/current/functions-aggregate.html).
type Percentiles struct {
	P50MS int64 `json:"p50_ms"`
	P95MS int64 `json:"p95_ms"`
	P99MS int64 `json:"p99_ms"`
	MaxMS int64 `json:"max_ms"`
}

// StagePercentiles holds the percentiles of the durations of one stage.
type StagePercentiles struct {
	Stage  models.Stage `json:"stage"`
	Count  int64        `json:"count"`  // metrics of the stage
	Failed int64        `json:"failed"` // metrics with the status failed
	Percentiles
}

// AgentPercentiles holds the percentiles of the durations of one agent's executions.
type AgentPercentiles struct {
	AgentID   string `json:"agent_id"`
	Count     int64  `json:"count"` // executions, by status:
	Passed    int64  `json:"passed"`
	Failed    int64  `json:"failed"`
	Partial   int64  `json:"partial"`
	Cancelled int64  `json:"cancelled"`
	Percentiles
}

// StagePercentiles returns one row per stage of the selected executions, in the order of the
// stages. It uses about 40 bytes per different duration of a stage. Errors:
// models.ErrInvalid for an invalid filter.
func (r *Reports) StagePercentiles(ctx context.Context, f ReportFilter) ([]StagePercentiles, error) {
	q, err := r.stageRows(ctx, f)
	if err != nil {
		return nil, err
	}
	by, err := countDurations[int64](q)
	if err != nil {
		return nil, err
	}
	stages := []StagePercentiles{}
	for i, stage := range models.Stages() {
		if d := by[int64(i)]; d != nil {
			stages = append(stages, StagePercentiles{stage, d.count, d.status[1], d.percentiles()})
		}
	}
	return stages, nil
}

// stageRows returns a query of the metrics of the selected executions for countDurations,
// with the numbers of stage and status.
func (r *Reports) stageRows(ctx context.Context, f ReportFilter) (*gorm.DB, error) {
	stage := place("stage", models.Stages())
	columns := stage + ", " + place("m.status", models.StageStatuses()) + ", m.duration_ms"
	read := r.h.read(ctx)
	switch {
	case !f.all():
		executions, err := r.executions(ctx, f)
		if err != nil {
			return nil, err
		}
		// The cross join makes SQLite look up the metrics of each receipt, in this order.
		executions = executions.Joins("CROSS JOIN " + metricsTable + " AS m").Where("m.execution_id = receipts.execution_id")
		return counting(executions, columns), nil
	case sqlOf(read).SortsGroups: // no index has the status, but the view counts it
		return read.Raw("SELECT " + stage + ", 0, duration_ms, COUNT(*) FROM pipeline_metrics GROUP BY stage, duration_ms" +
			" UNION ALL SELECT " + stage + ", 1, -1, failed_count FROM pipeline_stage_performance"), nil
	default:
		return counting(read.Table(metricsTable+" AS m"), columns), nil
	}
}

// AgentPercentiles returns one row per agent of the selected executions, the agent with the
// most executions first, at most limit rows, DefaultLimit if 0. It uses about 40 bytes per
// different duration of these agents. Errors: models.ErrInvalid for an invalid filter, a
// negative limit and one above MaxLimit.
func (r *Reports) AgentPercentiles(ctx context.Context, f ReportFilter, limit int) ([]AgentPercentiles, error) {
	limit, err := Page{Limit: limit}.limit(receiptsTable)
	if err != nil {
		return nil, err
	}
	q, err := r.executions(ctx, f)
	if err != nil {
		return nil, err
	}
	if f.AgentID == "" {
		agent := sqlOf(q).NoIndex + "agent_id" // which is far slower than the order of rows
		q = q.Where(agent+" IN (?)", q.Select("agent_id").Group("agent_id").Order("COUNT(*) DESC, agent_id").Limit(limit))
	}
	by, err := countDurations[string](counting(q, "agent_id, "+place("status", models.ReceiptStatuses())+", duration_ms"))
	if err != nil {
		return nil, err
	}
	agents := []AgentPercentiles{}
	for agent, d := range by {
		agents = append(agents, AgentPercentiles{agent, d.count, d.status[0], d.status[1], d.status[2], d.status[3], d.percentiles()})
	}
	slices.SortFunc(agents, func(a, b AgentPercentiles) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.AgentID, b.AgentID))
	})
	return agents, nil
}

// durations counts the rows of one stage or agent by duration, in milliseconds, and by
// status, by the number of place.
type durations struct {
	count  int64
	times  map[int64]int64
	status [4]int64
}

// counting counts the rows of q by three columns. An engine that sorts groups returns the
// rows uncounted: on SQLite, sorting takes three times as long as reading all of them.
func counting(q *gorm.DB, columns string) *gorm.DB {
	if sqlOf(q).SortsGroups {
		return q.Select(columns + ", 1")
	}
	return q.Select(columns + ", COUNT(*)").Group(columns)
}

// countDurations adds up rows of: the stage or agent, the number of the status, the
// duration, and the count. It ignores a negative duration.
func countDurations[K comparable](q *gorm.DB) (map[K]*durations, error) {
	by := map[K]*durations{}
	var of K
	var status, duration, n int64
	into := []any{nullable[K]{&of}, nullable[int64]{&status}, nullable[int64]{&duration}, nullable[int64]{&n}}
	err := scan(q, func(rows *sql.Rows) error {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		d := by[of]
		if d == nil {
			d = &durations{times: map[int64]int64{}}
			by[of] = d
		}
		d.status[status] += n
		if duration >= 0 {
			d.times[duration] += n
			d.count += n
		}
		return nil
	})
	return by, err
}

// percentiles returns the percentiles of durations that are not empty. Each is the first
// duration, in order, at or after its rank.
func (d *durations) percentiles() (p Percentiles) {
	ranks := []struct {
		rank int64
		into *int64
	}{{d.rank(50), &p.P50MS}, {d.rank(95), &p.P95MS}, {d.rank(99), &p.P99MS}, {d.count, &p.MaxMS}}
	var upTo int64
	for _, duration := range slices.Sorted(maps.Keys(d.times)) {
		for upTo += d.times[duration]; len(ranks) > 0 && upTo >= ranks[0].rank; ranks = ranks[1:] {
			*ranks[0].into = duration
		}
	}
	return p
}

// rank returns percent of the count, rounded up.
func (d *durations) rank(percent int64) int64 {
	return d.count/100*percent + (d.count%100*percent+99)/100
}

// place returns SQL for the index of a column's value in the list of values.
func place[S ~string](column string, values []S) string {
	var b strings.Builder
	b.WriteString("CASE " + column)
	for i, v := range values {
		fmt.Fprintf(&b, " WHEN '%s' THEN %d", v, i)
	}
	return b.String() + " END"
}
