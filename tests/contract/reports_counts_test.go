package contract

import (
	"fmt"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

func day(text string) models.Timestamp {
	at, err := models.ParseTimestamp(text)
	if err != nil {
		panic(err)
	}
	return at
}

func timelineOf(t *T, store *tier2.Store, f repository.ReportFilter, step time.Duration) []repository.TimelineBucket {
	t.Helper()
	buckets, err := store.Reports.Timeline(t.Context(), f, step)
	require.NoError(t, err)
	return buckets
}

func figuresTimeline(t *T) {
	store := open(t)
	require.NoError(t, store.Receipts.CreateBatch(t.Context(), []*models.Receipt{
		at("a", "coder", 0, models.ReceiptPassed, 1), at("b", "tester", 1, models.ReceiptFailed, 1),
		at("c", "coder", 60, models.ReceiptCancelled, 1), at("d", "coder", 2*3600, models.ReceiptPartial, 1),
	}))
	type buckets = []repository.TimelineBucket
	bucket := func(start, end string, counts ...int64) repository.TimelineBucket {
		return repository.TimelineBucket{Start: day("2026-" + start), End: day("2026-" + end), Passed: counts[0], Failed: counts[1], Partial: counts[2], Cancelled: counts[3]}
	}
	hours := buckets{
		bucket("01-29T12:00", "01-29T13:00", 1, 1, 0, 1), bucket("01-29T13:00", "01-29T14:00", 0, 0, 0, 0), bucket("01-29T14:00", "01-29T15:00", 0, 0, 1, 0),
	}
	for name, tt := range map[string]struct {
		filter repository.ReportFilter
		step   time.Duration
		want   buckets
	}{
		"Hours":      {repository.ReportFilter{}, time.Hour, hours},
		"Everything": {everything, time.Hour, hours},
		"Day":        {repository.ReportFilter{}, 24 * time.Hour, buckets{bucket("01-29T00:00", "01-30T00:00", 1, 1, 1, 1)}},
		"Monday":     {repository.ReportFilter{}, 7 * 24 * time.Hour, buckets{bucket("01-26T00:00", "02-02T00:00", 1, 1, 1, 1)}},
		"Odd": {repository.ReportFilter{}, 95 * time.Minute, buckets{bucket("01-29T11:15", "01-29T12:50", 1, 1, 0, 1),
			bucket("01-29T12:50", "01-29T14:25", 0, 0, 0, 0), bucket("01-29T14:25", "01-29T16:00", 0, 0, 1, 0)}},
		"Minute":  {repository.ReportFilter{AgentID: "tester"}, 0, buckets{bucket("01-29T12:34", "01-29T12:35", 0, 1, 0, 0)}},
		"Minutes": {repository.ReportFilter{Until: start.Add(61 * time.Second)}, 0, buckets{bucket("01-29T12:34", "01-29T12:35", 1, 1, 0, 0), bucket("01-29T12:35", "01-29T12:36", 0, 0, 0, 1)}},
		"Since":   {repository.ReportFilter{Since: start.Add(61 * time.Second)}, 0, buckets{bucket("01-29T14:34", "01-29T14:35", 0, 0, 1, 0)}},
		"Unknown": {repository.ReportFilter{AgentID: "nobody"}, 0, buckets{}},
		"Window":  {repository.ReportFilter{AgentID: "tester", Since: start.Add(2 * time.Second)}, time.Minute, buckets{}},
	} {
		assert.Equal(t, tt.want, timelineOf(t, store, tt.filter, tt.step), name)
	}
}

// figuresTimelineOwn: the default step makes at most 100 consecutive buckets, which hold
// every execution.
func figuresTimelineOwn(t *T) {
	store := open(t)
	for i, tt := range []struct {
		first, last string
		step        time.Duration
		buckets     int
	}{
		{"2026-01-29T12:00", "2026-01-29T13:39:59.999999Z", time.Minute, 100},
		{"2026-01-29T12:00", "2026-01-29T13:40", 5 * time.Minute, 21},
		{"2026-01-29T12:00", "2026-01-29T20:20", 15 * time.Minute, 34},
		{"2026-01-29T12:00", "2026-01-30T13:00", time.Hour, 26},
		{"2026-01-29T12:00", "2026-02-02T16:00", 3 * time.Hour, 34},
		{"2026-01-01", "2026-02-21", 24 * time.Hour, 52},
		{"2026-01-01", "2026-04-11", 7 * 24 * time.Hour, 15},
		{"2020-01-01", "2026-01-01", 28 * 24 * time.Hour, 79},
		{"0001-01-02", "9999-12-31T23:59:59.999999Z", 8192 * 7 * 24 * time.Hour, 64},
	} {
		agent := fmt.Sprint("agent", i)
		first, last := at(agent+"first", agent, 0, models.ReceiptPassed, 1), at(agent+"last", agent, 0, models.ReceiptFailed, 1)
		first.Timestamp, last.Timestamp = day(tt.first), day(tt.last)
		require.NoError(t, store.Receipts.CreateBatch(t.Context(), []*models.Receipt{last, first}))
		got := timelineOf(t, store, repository.ReportFilter{AgentID: agent}, 0)
		require.Len(t, got, tt.buckets, agent)
		for i, b := range got {
			assert.Equal(t, tt.step, b.End.Sub(b.Start.Time), agent)
			if i > 0 {
				assert.Equal(t, got[i-1].End, b.Start, agent)
			}
		}
		assert.EqualValues(t, 1, got[0].Passed, agent)
		assert.EqualValues(t, 1, got[len(got)-1].Failed, agent)
		assert.False(t, first.Timestamp.Before(got[0].Start.Time) || !last.Timestamp.Before(got[len(got)-1].End.Time), agent)
	}
	assert.Len(t, timelineOf(t, store, repository.ReportFilter{}, 0), 64)
}

// figuresForms: a time that another program wrote in any form of UTC is in the right
// windows, and a time with any zone is in the right bucket.
func figuresForms(t *T) {
	store := open(t)
	insert := func(text string) {
		t.Helper()
		require.NoError(t, store.DB().Exec("INSERT INTO receipts (execution_id, agent_id, operation, status, timestamp, duration_ms) VALUES (?, 'raw', 'watch', 'passed', ?, 1)", text, text).Error)
	}
	texts := []string{
		"2026-01-29T12:34:56.123456Z", "2026-01-29T12:34:56Z", "2026-01-29 12:34:56Z", "2026-01-29 12:34:56.5Z", "2026-01-29T12:34:56.5+00:00",
		"2026-01-29 12:34:56.999999+00:00", "2026-01-29T12:34:55.999999Z", "2026-01-29T12:34:57Z", "2026-01-29 12:33",
		"2026-01-29 00:00:00Z", "2026-01-29T23:59:59.999999Z", "2026-01-28 23:59:59.999999Z", "2026-01-30T00:00:00Z",
	}
	for _, text := range texts {
		insert(text)
	}
	second := start.Truncate(time.Second)
	for _, bound := range []time.Time{
		start.Truncate(24 * time.Hour), start.Truncate(24*time.Hour).AddDate(0, 0, 1), start.Truncate(time.Minute), second, second.Add(-time.Microsecond),
		start, start.Add(time.Microsecond), second.Add(500 * time.Millisecond), second.Add(time.Second - time.Microsecond), second.Add(time.Second),
	} {
		for name, f := range map[string]repository.ReceiptFilter{"since": {Since: bound}, "until": {Until: bound}} {
			var want []string
			for _, text := range texts {
				if day(text).Before(bound) == (name == "until") {
					want = append(want, text)
				}
			}
			rows, _, err := store.Receipts.List(t.Context(), f)
			require.NoError(t, err)
			assert.ElementsMatch(t, want, ids(rows), "%s %s", name, bound)
		}
	}
	for text, f := range map[string]repository.ReceiptFilter{ // the text sorts later or earlier than the time
		"2026-01-30T00:29:59.9999+01:00": {Since: day("2026-01-29T23:30:00Z").Time},
		"2026-01-29T23:30:00.5-01:00":    {Until: day("2026-01-30T00:00:00Z").Time},
	} {
		insert(text)
		rows, _, err := store.Receipts.List(t.Context(), f)
		require.NoError(t, err)
		assert.NotContains(t, ids(rows), text)
	}
	for step, want := range map[time.Duration]map[string]int64{
		24 * time.Hour:  {"2026-01-28": 1, "2026-01-29": 12, "2026-01-30": 2},
		time.Hour:       {"2026-01-28T23:00": 1, "2026-01-29T00:00": 1, "2026-01-29T12:00": 9, "2026-01-29T23:00": 2, "2026-01-30T00:00": 2},
		2 * time.Minute: {"2026-01-28T23:58": 1, "2026-01-29T00:00": 1, "2026-01-29T12:32": 1, "2026-01-29T12:34": 8, "2026-01-29T23:28": 1, "2026-01-29T23:58": 1, "2026-01-30T00:00": 1, "2026-01-30T00:30": 1},
	} {
		got := map[string]int64{}
		for _, b := range timelineOf(t, store, repository.ReportFilter{}, step) {
			if b.Passed > 0 {
				got[b.Start.Format("2006-01-02T15:04")] = b.Passed
			}
		}
		for text, n := range want {
			assert.Equal(t, n, got[day(text).Format("2006-01-02T15:04")], "%s %s", step, text)
		}
		assert.Len(t, got, len(want), step)
	}
}

func figuresSLOs(t *T) {
	store, ctx := open(t), t.Context()
	a, b, c := at("a", "coder", 0, models.ReceiptPassed, 1), at("b", "tester", 60, models.ReceiptFailed, 1), at("c", "coder", 120, models.ReceiptPassed, 1)
	missed := func(metric string, target, actual float64, severity models.Severity, minutes int) models.SLOViolation {
		return models.SLOViolation{Metric: metric, TargetValue: target, ActualValue: actual, Severity: severity, Timestamp: models.At(start.Add(time.Duration(minutes) * time.Minute))}
	}
	a.Violations = []models.SLOViolation{
		missed("first_build", 15, 20, models.SeverityWarning, 9), missed("first_build", 15, 40, models.SeverityCritical, 1),
		missed("throughput", 100, 30, models.SeverityWarning, 0), missed("throughput", 100, 110, models.SeverityWarning, 0),
	}
	b.Violations = []models.SLOViolation{missed("first_build", 12, 16, models.SeverityWarning, 9), missed("first_build", 15, 19, models.SeverityWarning, 2)}
	require.NoError(t, store.Receipts.CreateBatch(ctx, []*models.Receipt{a, b, c}))

	none := func(executions int64, metrics ...string) (list []repository.SLOReport) {
		for _, metric := range metrics {
			for _, target := range repository.DefaultTargets() {
				if target.Metric == metric {
					list = append(list, repository.SLOReport{Metric: metric, Target: target.Target, Unit: target.Unit, Executions: executions})
				}
			}
		}
		return list
	}
	others := []string{"cli_scaffolding", "generation_memory", "incremental_build", "rdf_processing"}
	nine := models.At(start.Add(9 * time.Minute))
	build := repository.SLOReport{Metric: "first_build", Target: 12, Unit: "s", Executions: 3, Missed: 2, Share: 2.0 / 3, Violations: 4, Critical: 1, Median: 19, Worst: 40, LastExecutionID: "b", Last: nine}
	own := repository.SLOReport{Metric: "throughput", Target: 100, Executions: 3, Missed: 1, Share: 1.0 / 3, Violations: 2, Median: 30, Worst: 30, LastExecutionID: "a", Last: models.At(start)}
	all := append([]repository.SLOReport{build, own}, none(3, others...)...)
	ofCoder, ofTester, ownOfCoder := build, build, own
	ofCoder.Target, ofCoder.Executions, ofCoder.Missed, ofCoder.Share, ofCoder.Violations, ofCoder.Median, ofCoder.LastExecutionID = 15, 2, 1, 0.5, 2, 20, "a"
	ofTester.Executions, ofTester.Missed, ofTester.Share, ofTester.Violations, ofTester.Critical, ofTester.Median, ofTester.Worst = 1, 1, 1, 2, 0, 16, 19
	ownOfCoder.Executions, ownOfCoder.Share = 2, 0.5
	for name, tt := range map[string]struct {
		filter repository.ReportFilter
		want   []repository.SLOReport
	}{
		"All":        {repository.ReportFilter{}, all},
		"Everything": {everything, all},
		"Agent":      {repository.ReportFilter{AgentID: "coder"}, append([]repository.SLOReport{ofCoder, ownOfCoder}, none(2, others...)...)},
		"Window":     {repository.ReportFilter{Since: start.Add(time.Minute), Until: start.Add(2 * time.Minute)}, append([]repository.SLOReport{ofTester}, none(1, others...)...)},
		"Unknown":    {repository.ReportFilter{AgentID: "nobody"}, none(0, "cli_scaffolding", "first_build", "generation_memory", "incremental_build", "rdf_processing")},
	} {
		got, err := store.Reports.SLOs(ctx, tt.filter)
		require.NoError(t, err)
		assert.Equal(t, tt.want, got, name)
	}
}

func figuresCollisions(t *T) {
	store, ctx := open(t), t.Context()
	session(t, store, "s")
	for i, c := range []struct {
		one, two string
		severity models.Severity
	}{{"b", "a", models.SeverityInfo}, {"a", "b", models.SeverityWarning}, {"a", "c", models.SeverityCritical}, {"a", "b", models.SeverityCritical}, {"d", "e", models.SeverityWarning}} {
		row := collision("s")
		row.AgentID1, row.AgentID2, row.Severity, row.Timestamp = c.one, c.two, c.severity, models.At(start.Add(time.Duration(i)*time.Minute))
		require.NoError(t, store.Collisions.Report(ctx, row))
		if i == 0 {
			require.NoError(t, store.Collisions.Resolve(ctx, row.ID, "merged"))
		}
	}
	type pairs = []repository.CollisionPair
	ab := repository.CollisionPair{AgentID1: "a", AgentID2: "b", Count: 3, Info: 1, Warning: 1, Critical: 1, Unresolved: 2}
	ac := repository.CollisionPair{AgentID1: "a", AgentID2: "c", Count: 1, Critical: 1, Unresolved: 1}
	de := repository.CollisionPair{AgentID1: "d", AgentID2: "e", Count: 1, Warning: 1, Unresolved: 1}
	for name, tt := range map[string]struct {
		filter repository.ReportFilter
		agents int
		want   repository.CollisionMatrix
	}{
		"All":     {repository.ReportFilter{}, 0, repository.CollisionMatrix{Agents: []string{"a", "b", "c", "d", "e"}, Pairs: pairs{ab, ac, de}, Collisions: 5}},
		"Exactly": {everything, 5, repository.CollisionMatrix{Agents: []string{"a", "b", "c", "d", "e"}, Pairs: pairs{ab, ac, de}, Collisions: 5}},
		"Three":   {repository.ReportFilter{}, 3, repository.CollisionMatrix{Agents: []string{"a", "b", "c"}, Pairs: pairs{ab, ac}, Collisions: 5, MoreAgents: 2, Omitted: 1}},
		"One":     {repository.ReportFilter{}, 1, repository.CollisionMatrix{Agents: []string{"a"}, Pairs: pairs{}, Collisions: 5, MoreAgents: 4, Omitted: 5}},
		"Agent":   {repository.ReportFilter{AgentID: "c"}, repository.MaxMatrixAgents, repository.CollisionMatrix{Agents: []string{"a", "c"}, Pairs: pairs{ac}, Collisions: 1}},
		"Since":   {repository.ReportFilter{Since: start.Add(4 * time.Minute)}, 0, repository.CollisionMatrix{Agents: []string{"d", "e"}, Pairs: pairs{de}, Collisions: 1}},
		"Unknown": {repository.ReportFilter{AgentID: "nobody"}, 0, repository.CollisionMatrix{Agents: []string{}, Pairs: pairs{}}},
	} {
		got, err := store.Reports.CollisionMatrix(ctx, tt.filter, tt.agents)
		require.NoError(t, err)
		assert.Equal(t, tt.want, got, name)
	}
	require.NoError(t, store.DB().Exec("UPDATE collision_detection SET agent_id_1 = agent_id_2 WHERE agent_id_1 = 'd'").Error)
	got, err := store.Reports.CollisionMatrix(ctx, repository.ReportFilter{}, 0)
	require.NoError(t, err)
	de.AgentID1 = "e"
	assert.Equal(t, repository.CollisionMatrix{Agents: []string{"a", "b", "c", "e"}, Pairs: pairs{ab, ac, de}, Collisions: 5}, got, "one of an agent with itself counts once")
}
