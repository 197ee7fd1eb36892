package repository

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/seanchatmangpt/ggen/tier2/models"
	"gorm.io/gorm"
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
// order of the stages. It holds 16 bytes for each different duration of one stage.
// Errors: ErrInvalid for a filter that cannot be.
func (r *Reports) StagePercentiles(ctx context.Context, f ReportFilter) ([]StagePercentiles, error) {
	q, err := r.ofExecutions(ctx, r.h.read(ctx).Model(&models.PipelineMetric{}), f)
	if err != nil {
		return nil, err
	}
	stages := []StagePercentiles{}
	err = durations(q, "stage", []models.StageStatus{models.StageFailed}, func(stage string, t tally, failed []int64) {
		stages = append(stages, StagePercentiles{models.Stage(stage), t.count(), failed[0], t.percentiles()})
	})
	if err != nil {
		return nil, err
	}
	order := models.Stages()
	slices.SortFunc(stages, func(a, b StagePercentiles) int {
		return cmp.Compare(slices.Index(order, a.Stage), slices.Index(order, b.Stage))
	})
	return stages, nil
}

// AgentPercentiles is one row an agent of the executions that f chooses, the one with
// the most of them first, and at most limit rows, DefaultLimit if 0. It holds 16 bytes
// for each different duration of one agent. Errors: ErrInvalid for a filter that cannot
// be, a negative limit or one above MaxLimit.
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
		q = q.Session(&gorm.Session{})
		q = q.Where("agent_id IN (?)", q.Select("agent_id").Group("agent_id").Order("COUNT(*) DESC, agent_id").Limit(limit))
	}
	agents := []AgentPercentiles{}
	err = durations(q, "agent_id", models.ReceiptStatuses(), func(agent string, t tally, by []int64) {
		agents = append(agents, AgentPercentiles{agent, t.count(), by[0], by[1], by[2], by[3], t.percentiles()})
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(agents, func(a, b AgentPercentiles) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.AgentID, b.AgentID))
	})
	return agents, nil
}

// durations calls each for each value of the column key, in its order, with the
// durations of the rows of q that have it and how many have each of the statuses.
func durations[S ~string](q *gorm.DB, key string, statuses []S, each func(key string, durations tally, byStatus []int64)) error {
	var args []any
	for _, s := range statuses {
		args = append(args, string(s))
	}
	group := key + ", duration_ms"
	q = q.Select(group+", COUNT(*)"+strings.Repeat(", COUNT(*) FILTER (WHERE status = ?)", len(args)), args...).Group(group).Order(group)

	var of string
	var all tally
	sums, counts := make([]int64, len(args)), make([]int64, len(args))
	var next string
	var duration, count int64
	into := []any{&next, &duration, &count}
	for i := range counts {
		into = append(into, &counts[i])
	}
	err := scan(q, func(scan func(into ...any) error) error {
		if err := scan(into...); err != nil {
			return err
		}
		if len(all) > 0 && next != of {
			each(of, all, sums)
			all = all[:0]
			clear(sums)
		}
		of, all = next, append(all, counted{duration, all.count() + count})
		for i, n := range counts {
			sums[i] += n
		}
		return nil
	})
	if err == nil && len(all) > 0 {
		each(of, all, sums)
	}
	return err
}

// counted is a value, and how many values up to and with it there are.
type counted struct{ value, upTo int64 }

// tally is values in order.
type tally []counted

// count is how many values there are.
func (t tally) count() int64 {
	if len(t) == 0 {
		return 0
	}
	return t[len(t)-1].upTo
}

// percentiles are those of a tally that is not empty.
func (t tally) percentiles() Percentiles {
	return Percentiles{P50MS: t.percentile(50), P95MS: t.percentile(95), P99MS: t.percentile(99), MaxMS: t[len(t)-1].value}
}

// percentile is the value at rank p % of all, rounded up.
func (t tally) percentile(p int64) int64 {
	rank := t.count()/100*p + (t.count()%100*p+99)/100
	at, _ := slices.BinarySearchFunc(t, rank, func(c counted, rank int64) int { return cmp.Compare(c.upTo, rank) })
	return t[at].value
}
