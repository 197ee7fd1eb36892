package contract

import (
	"context"
	"math"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

var violationCases = cases{
	"Check":   violationsCheck,
	"Refused": violationsRefused,
}

func violationsCheck(t *T) {
	store, ctx := open(t), t.Context()
	saved(t, store, "x")
	saved(t, store, "y")
	require.NoError(t, store.Violations.Record(ctx, violation("x")))
	found, err := store.Violations.Check(ctx, "y", repository.DefaultTargets(), map[string]float64{
		repository.MetricFirstBuild: 40, repository.MetricCLIScaffolding: 1, repository.MetricGenerationMemory: 150, "own": 1,
	})
	require.NoError(t, err)
	stored, err := store.Violations.ByExecution(ctx, "y")
	require.NoError(t, err)
	assert.Equal(t, found, stored)
	require.Len(t, stored, 2)
	assert.Equal(t, models.SeverityCritical, stored[0].Severity)
	none, err := store.Violations.Check(ctx, "y", nil, nil)
	require.NoError(t, err)
	assert.Empty(t, none)
	summary, err := store.Violations.SummaryByMetric(ctx, start, start.Add(time.Second))
	require.NoError(t, err)
	assert.Equal(t, []repository.ViolationSummary{{Metric: "first_build", ViolationCount: 2, AvgValue: 30}, {Metric: "generation_memory", ViolationCount: 1, AvgValue: 150}}, summary)
	summary, err = store.Violations.SummaryByMetric(ctx, start.Add(time.Second), time.Time{})
	require.NoError(t, err)
	assert.Empty(t, summary)
}

func violationsRefused(t *T) {
	store := open(t)
	saved(t, store, "x")
	record := func(change func(*models.SLOViolation)) func(context.Context) error {
		return func(ctx context.Context) error {
			v := violation("x")
			change(v)
			return store.Violations.Record(ctx, v)
		}
	}
	check := func(id string, targets []repository.Target, value float64) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := store.Violations.Check(ctx, id, targets, map[string]float64{repository.MetricFirstBuild: value})
			return err
		}
	}
	targets := repository.DefaultTargets()
	refused(t, store, []refusal{
		{"Nil", models.ErrInvalid, func(ctx context.Context) error { return store.Violations.Record(ctx, nil) }},
		{"Blank", models.ErrInvalid, record(func(v *models.SLOViolation) { v.Metric = "" })},
		{"NaN", models.ErrInvalid, record(func(v *models.SLOViolation) { v.ActualValue = math.NaN() })},
		{"Info", models.ErrInvalid, record(func(v *models.SLOViolation) { v.Severity = models.SeverityInfo })},
		{"Dangling", models.ErrForeignKey, record(func(v *models.SLOViolation) { v.ExecutionID = "gone" })},
		{"CheckBlank", models.ErrInvalid, check("", targets, 99)},
		{"CheckUnknown", models.ErrNotFound, check("gone", targets, 99)},
		{"CheckInfinite", models.ErrInvalid, check("x", targets, math.Inf(1))},
		{"CheckTwice", models.ErrDuplicate, check("x", append(targets, targets[0]), 99)},
		{"ByBlank", models.ErrInvalid, func(ctx context.Context) error { _, err := store.Violations.ByExecution(ctx, ""); return err }},
		{"Backwards", models.ErrInvalid, func(ctx context.Context) error {
			_, err := store.Violations.SummaryByMetric(ctx, start, start.Add(-1))
			return err
		}},
	})
}
