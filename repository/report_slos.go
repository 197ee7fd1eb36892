package repository

import (
	"cmp"
	"context"
	"database/sql"
	"math"
	"slices"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

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
