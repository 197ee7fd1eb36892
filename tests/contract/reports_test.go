package contract

import (
	"context"
	"fmt"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

var reportCases = cases{
	"Answer": reportsAnswer,
}

func reportsAnswer(t *T) {
	store, ctx := open(t), t.Context()
	for i := range 12 {
		r := receipt(fmt.Sprintf("f%02d", i))
		r.Status, r.ErrorMessage, r.Timestamp = models.ReceiptFailed, "broken", models.At(start.Add(time.Duration(i)*time.Second))
		r.Metrics = []models.PipelineMetric{*metric(r.ExecutionID, models.StageExtract), *metric(r.ExecutionID, models.StageNormalize)}
		r.Metrics[0].DurationMS = 50
		require.NoError(t, store.Receipts.Create(ctx, r))
	}
	ok := receipt("ok")
	ok.AgentID = "tester"
	require.NoError(t, store.Receipts.Create(ctx, ok))
	require.NoError(t, store.Violations.Record(ctx, violation("f11")))

	recent, err := store.Reports.RecentExecutions(ctx)
	require.NoError(t, err)
	require.Len(t, recent, 13)
	assert.Equal(t, "f11", recent[0].ExecutionID)
	assert.EqualValues(t, 1, recent[0].SLOViolations)
	failures, err := store.Reports.RecentFailures(ctx, 0)
	require.NoError(t, err)
	assert.Len(t, failures, 10)
	failures, err = store.Reports.RecentFailures(ctx, 12)
	require.NoError(t, err)
	assert.Len(t, failures, 12)
	agents, err := store.Reports.AgentPerformance(ctx)
	require.NoError(t, err)
	require.Len(t, agents, 2)
	assert.Equal(t, "tester", agents[0].AgentID)
	assert.EqualValues(t, 12, agents[1].FailedExecutions)
	stages, err := store.Reports.StagePerformance(ctx)
	require.NoError(t, err)
	require.Len(t, stages, 2)
	assert.Equal(t, models.StageNormalize, stages[0].Stage)
	slowest, err := store.Reports.Bottlenecks(ctx)
	require.NoError(t, err)
	assert.Equal(t, models.StageExtract, slowest[0].Stage)
	assert.EqualValues(t, 50, slowest[0].AvgDurationMS)
	week, err := store.Reports.ViolationsLastWeek(ctx)
	require.NoError(t, err)
	assert.Equal(t, []repository.ViolationSummary{{Metric: "first_build", ViolationCount: 1, AvgValue: 20}}, week)
	refused(t, store, []refusal{
		{"LimitNegative", models.ErrInvalid, func(ctx context.Context) error { _, err := store.Reports.RecentFailures(ctx, -1); return err }},
		{"LimitHuge", models.ErrInvalid, func(ctx context.Context) error { _, err := store.Reports.RecentFailures(ctx, 1001); return err }},
	})
}
