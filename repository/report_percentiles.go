package repository

import (
	"cmp"
	"context"
	"slices"

	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Percentiles are of durations, in milliseconds. A percentile p is the smallest of the
// durations that p % of them do not exceed: the nearest rank, which is always one of
// them, and what percentile_disc of PostgreSQL is
// (https://www.postgresql.org/docs/current/functions-aggregate.html).
type Percentiles struct {
	P50MS int64 `json:"p50_ms"`
	P95MS int64 `json:"p95_ms"`
	P99MS int64 `json:"p99_ms"`
	MaxMS int64 `json:"max_ms"`
}

// StagePercentiles is how long a stage took.
type StagePercentiles struct {
	Stage  models.Stage `json:"stage"`
	Count  int64        `json:"count"`  // times the stage ran
	Failed int64        `json:"failed"` // of these
	Percentiles
}

// AgentPercentiles is how long the executions of an agent took.
type AgentPercentiles struct {
	AgentID   string `json:"agent_id"`
	Count     int64  `json:"count"` // executions, by status:
	Passed    int64  `json:"passed"`
	Failed    int64  `json:"failed"`
	Partial   int64  `json:"partial"`
	Cancelled int64  `json:"cancelled"`
	Percentiles
}

// StagePercentiles is one row a stage that ran in the executions that f chooses, in the
// order of the stages. It holds some 40 bytes for each different duration of a stage.
// Errors: models.ErrInvalid for a filter that cannot be.
func (r *Reports) StagePercentiles(ctx context.Context, f ReportFilter) ([]StagePercentiles, error) {
	q, err := r.stageRows(ctx, f)
	if err != nil {
		return nil, err
	}
	by, err := countDurations[number](q)
	if err != nil {
		return nil, err
	}
	stages := []StagePercentiles{}
	for i, stage := range models.Stages() {
		if d := by[number(i)]; d != nil {
			stages = append(stages, StagePercentiles{stage, d.count, d.status[1], d.percentiles()})
		}
	}
	return stages, nil
}

// stageRows are the metrics of the executions that f chooses, for countDurations: stage
// and status as their numbers.
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
		// A cross join, for SQLite to look up the metrics of each receipt, in this order.
		executions = executions.Joins("CROSS JOIN " + metricsTable + " AS m").Where("m.execution_id = receipts.execution_id")
		return counting(executions, columns), nil
	case read.Name() == "sqlite": // no index has the status; but the view has added it up
		return read.Raw("SELECT " + stage + ", 0, duration_ms, COUNT(*) FROM pipeline_metrics GROUP BY stage, duration_ms" +
			" UNION ALL SELECT " + stage + ", 1, -1, failed_count FROM pipeline_stage_performance"), nil
	default:
		return counting(read.Table(metricsTable+" AS m"), columns), nil
	}
}

// AgentPercentiles is one row an agent of the executions that f chooses, the one with
// the most of them first, and at most limit rows, DefaultLimit if 0. It holds some 40
// bytes for each different duration of these agents. Errors: models.ErrInvalid for a filter
// that cannot be, a negative limit or one above MaxLimit.
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
		agent := "agent_id"
		if q.Name() == "sqlite" { // would go through its index, by far slower than in the order of rows
			agent = "+agent_id"
		}
		q = q.Where(agent+" IN (?)", q.Select("agent_id").Group("agent_id").Order("COUNT(*) DESC, agent_id").Limit(limit))
	}
	by, err := countDurations[words](counting(q, "agent_id, "+place("status", models.ReceiptStatuses())+", duration_ms"))
	if err != nil {
		return nil, err
	}
	agents := []AgentPercentiles{}
	for agent, d := range by {
		agents = append(agents, AgentPercentiles{string(agent), d.count, d.status[0], d.status[1], d.status[2], d.status[3], d.percentiles()})
	}
	slices.SortFunc(agents, func(a, b AgentPercentiles) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.AgentID, b.AgentID))
	})
	return agents, nil
}
