package contract

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

var figureCases = cases{
	"Agents":      figuresAgents,
	"Collisions":  figuresCollisions,
	"Empty":       figuresEmpty,
	"Forms":       figuresForms,
	"Refused":     figuresRefused,
	"SLOs":        figuresSLOs,
	"Stages":      figuresStages,
	"Timeline":    figuresTimeline,
	"TimelineOwn": figuresTimelineOwn,
}

// everything is a filter that selects all rows, but is not the zero value.
var everything = repository.ReportFilter{Until: start.AddDate(100, 0, 0)}

// at returns a receipt of an agent, the given number of seconds after start.
func at(id, agent string, seconds int, status models.ReceiptStatus, durationMS int64) *models.Receipt {
	r := receipt(id)
	r.AgentID, r.Status, r.DurationMS, r.Timestamp = agent, status, durationMS, models.At(start.Add(time.Duration(seconds)*time.Second))
	return r
}

// timed returns metrics of a stage with the given durations in milliseconds; the last failed.
func timed(id string, stage models.Stage, durations ...int64) (list []models.PipelineMetric) {
	for _, d := range durations {
		m := metric(id, stage)
		m.DurationMS = d
		list = append(list, *m)
	}
	list[len(list)-1].Status = models.StageFailed
	return list
}

// upTo returns the numbers from 1 to n.
func upTo(n int64) (list []int64) {
	for i := range n {
		list = append(list, i+1)
	}
	return list
}

func figuresStages(t *T) {
	store, ctx := open(t), t.Context()
	a, b := at("a", "coder", 0, models.ReceiptPassed, 1), at("b", "tester", 60, models.ReceiptPassed, 1)
	a.Metrics = append(timed("a", models.StageReceipt, 5), timed("a", models.StageNormalize, upTo(100)...)...)
	a.Metrics = append(a.Metrics, timed("a", models.StageEmit, 2, 1, 1, 1)...)
	b.Metrics = append(timed("b", models.StageEmit, 0), timed("b", models.StageExtract, upTo(21)...)...)
	for i := range b.Metrics { // written a year later, but part of the execution
		b.Metrics[i].Timestamp = models.At(start.AddDate(1, 0, 0))
	}
	require.NoError(t, store.Receipts.CreateBatch(ctx, []*models.Receipt{a, b}))

	row := func(stage models.Stage, count, p50, p95, p99, most int64) repository.StagePercentiles {
		return repository.StagePercentiles{Stage: stage, Count: count, Failed: 1, Percentiles: repository.Percentiles{P50MS: p50, P95MS: p95, P99MS: p99, MaxMS: most}}
	}
	normalize, extract := row(models.StageNormalize, 100, 50, 95, 99, 100), row(models.StageExtract, 21, 11, 20, 21, 21)
	emit, last := row(models.StageEmit, 5, 1, 2, 2, 2), row(models.StageReceipt, 1, 5, 5, 5, 5)
	emit.Failed = 2
	all := []repository.StagePercentiles{normalize, extract, emit, last}
	ofCoder := []repository.StagePercentiles{normalize, row(models.StageEmit, 4, 1, 2, 2, 2), last}
	ofTester := []repository.StagePercentiles{extract, row(models.StageEmit, 1, 0, 0, 0, 0)}
	minute := start.Add(time.Minute)
	for name, tt := range map[string]struct {
		filter repository.ReportFilter
		want   []repository.StagePercentiles
	}{
		"All":        {repository.ReportFilter{}, all},
		"Everything": {everything, all},
		"Agent":      {repository.ReportFilter{AgentID: "coder"}, ofCoder},
		"Unknown":    {repository.ReportFilter{AgentID: "nobody"}, []repository.StagePercentiles{}},
		"Since":      {repository.ReportFilter{Since: minute}, ofTester},
		"Until":      {repository.ReportFilter{Until: minute}, ofCoder},
		"Window":     {repository.ReportFilter{AgentID: "coder", Since: minute}, []repository.StagePercentiles{}},
		"Nothing":    {repository.ReportFilter{Since: minute, Until: minute}, []repository.StagePercentiles{}},
	} {
		got, err := store.Reports.StagePercentiles(ctx, tt.filter)
		require.NoError(t, err)
		assert.Equal(t, tt.want, got, name)
	}
	if store.DB().Name() == "postgres" { // PostgreSQL computes percentiles itself, for comparison
		var own []repository.StagePercentiles
		require.NoError(t, store.DB().Raw(`SELECT stage, COUNT(*) AS count, COUNT(*) FILTER (WHERE status = 'failed') AS failed,
			percentile_disc(0.5) WITHIN GROUP (ORDER BY duration_ms) AS p50_ms, percentile_disc(0.95) WITHIN GROUP (ORDER BY duration_ms) AS p95_ms,
			percentile_disc(0.99) WITHIN GROUP (ORDER BY duration_ms) AS p99_ms, MAX(duration_ms) AS max_ms
			FROM pipeline_metrics GROUP BY stage ORDER BY stage`).Scan(&own).Error)
		assert.Equal(t, own, all)
	}
	require.ErrorIs(t, store.Transaction(ctx, func(tx *tier2.Store) error {
		require.NoError(t, tx.Metrics.Record(ctx, metric("a", models.StageCanonicalize)))
		for _, f := range []repository.ReportFilter{{}, everything} {
			got, err := tx.Reports.StagePercentiles(ctx, f)
			require.NoError(t, err)
			assert.Len(t, got, 5, "it reads inside a transaction, of which it sees the writes")
		}
		return context.Canceled
	}), context.Canceled)
}

func figuresAgents(t *T) {
	store, ctx := open(t), t.Context()
	var rows []*models.Receipt
	for i, status := range models.ReceiptStatuses() {
		rows = append(rows, at(fmt.Sprint("c", i), "coder", i, status, int64(10*i+10)))
	}
	rows = append(rows, at("c5", "coder", 5, models.ReceiptPassed, 10),
		at("t1", "tester", 60, models.ReceiptFailed, 1<<53), at("t2", "tester", 61, models.ReceiptPassed, 0),
		at("b1", "builder", 61, models.ReceiptPassed, 3), at("b2", "builder", 62, models.ReceiptPassed, 3))
	require.NoError(t, store.Receipts.CreateBatch(ctx, rows))

	coder := repository.AgentPercentiles{AgentID: "coder", Count: 5, Passed: 2, Failed: 1, Partial: 1, Cancelled: 1,
		Percentiles: repository.Percentiles{P50MS: 20, P95MS: 40, P99MS: 40, MaxMS: 40}}
	builder := repository.AgentPercentiles{AgentID: "builder", Count: 2, Passed: 2, Percentiles: repository.Percentiles{P50MS: 3, P95MS: 3, P99MS: 3, MaxMS: 3}}
	tester := repository.AgentPercentiles{AgentID: "tester", Count: 2, Passed: 1, Failed: 1, Percentiles: repository.Percentiles{P95MS: 1 << 53, P99MS: 1 << 53, MaxMS: 1 << 53}}
	later := builder
	later.Count, later.Passed = 1, 1
	type agents = []repository.AgentPercentiles
	for name, tt := range map[string]struct {
		filter repository.ReportFilter
		limit  int
		want   agents
	}{
		"All":        {repository.ReportFilter{}, 0, agents{coder, builder, tester}},
		"Everything": {everything, repository.MaxLimit, agents{coder, builder, tester}},
		"Limit":      {repository.ReportFilter{}, 2, agents{coder, builder}},
		"Agent":      {repository.ReportFilter{AgentID: "tester"}, 1, agents{tester}},
		"Unknown":    {repository.ReportFilter{AgentID: "nobody"}, 0, agents{}},
		"Since":      {repository.ReportFilter{Since: start.Add(time.Minute)}, 1, agents{builder}},
		"Window":     {repository.ReportFilter{Since: start.Add(62 * time.Second), Until: start.Add(time.Hour)}, 0, agents{later}},
	} {
		got, err := store.Reports.AgentPercentiles(ctx, tt.filter, tt.limit)
		require.NoError(t, err)
		assert.Equal(t, tt.want, got, name)
	}
}

func figuresEmpty(t *T) {
	store, ctx := open(t), t.Context()
	for _, f := range []repository.ReportFilter{{}, everything} {
		stages, err := store.Reports.StagePercentiles(ctx, f)
		require.NoError(t, err)
		agents, err := store.Reports.AgentPercentiles(ctx, f, 0)
		require.NoError(t, err)
		buckets, err := store.Reports.Timeline(ctx, f, 0)
		require.NoError(t, err)
		matrix, err := store.Reports.CollisionMatrix(ctx, f, 0)
		require.NoError(t, err)
		text, err := json.Marshal([]any{stages, agents, buckets, matrix})
		require.NoError(t, err)
		assert.JSONEq(t, `[[],[],[],{"agents":[],"pairs":[],"collisions":0,"more_agents":0,"omitted":0}]`, string(text))
		slos, err := store.Reports.SLOs(ctx, f)
		require.NoError(t, err)
		require.Len(t, slos, 5)
		text, err = json.Marshal(slos[0])
		require.NoError(t, err)
		assert.JSONEq(t, `{"metric":"cli_scaffolding","target":3,"unit":"s","executions":0,"missed":0,"share":0,"violations":0,"critical":0,
			"median":0,"worst":0,"last_execution_id":"","last":null}`, string(text))
	}
}

func figuresRefused(t *T) {
	store := open(t)
	require.NoError(t, store.Receipts.CreateBatch(t.Context(), []*models.Receipt{
		at("a", "coder", 0, models.ReceiptPassed, 1), at("b", "coder", 1000*60, models.ReceiptPassed, 1)}))
	var list []refusal
	for name, f := range map[string]repository.ReportFilter{
		"AgentNUL":  {AgentID: "a\x00"},
		"AgentUTF8": {AgentID: "\xff"},
		"Backwards": {Since: start.Add(time.Second), Until: start},
		"Year":      {Since: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		for method, call := range map[string]func(context.Context) error{
			"Stages":     func(ctx context.Context) error { return discard(store.Reports.StagePercentiles(ctx, f)) },
			"Agents":     func(ctx context.Context) error { return discard(store.Reports.AgentPercentiles(ctx, f, 0)) },
			"Timeline":   func(ctx context.Context) error { return discard(store.Reports.Timeline(ctx, f, 0)) },
			"SLOs":       func(ctx context.Context) error { return discard(store.Reports.SLOs(ctx, f)) },
			"Collisions": func(ctx context.Context) error { return discard(store.Reports.CollisionMatrix(ctx, f, 0)) },
		} {
			list = append(list, refusal{method + name, models.ErrInvalid, call})
		}
	}
	for _, n := range []int{-1, 1001} {
		list = append(list,
			refusal{fmt.Sprint("Agents", n), models.ErrInvalid, func(ctx context.Context) error {
				return discard(store.Reports.AgentPercentiles(ctx, repository.ReportFilter{}, n))
			}},
			refusal{fmt.Sprint("Collisions", n), models.ErrInvalid, func(ctx context.Context) error {
				return discard(store.Reports.CollisionMatrix(ctx, repository.ReportFilter{}, n))
			}})
	}
	for _, step := range []time.Duration{-time.Minute, 90 * time.Second, 1, time.Minute} { // a minute makes 1,001
		list = append(list, refusal{"Step" + step.String(), models.ErrInvalid, func(ctx context.Context) error {
			return discard(store.Reports.Timeline(ctx, repository.ReportFilter{}, step))
		}})
	}
	refused(t, store, list)
}
