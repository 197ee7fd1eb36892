package contract

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// sameCases hold for values that databases treat differently by default.
var sameCases = cases{
	"Actors":           sameActors,
	"EmptyBatches":     sameEmptyBatches,
	"ErrorFields":      sameErrorFields,
	"ExecutionsAtWork": sameExecutionsAtWork,
	"HugeNumbers":      sameHugeNumbers,
	"JSONNumbers":      sameJSONNumbers,
	"JSONRefused":      sameJSONRefused,
	"JSONUnicode":      sameJSONUnicode,
	"LongKeys":         sameLongKeys,
	"LongText":         sameLongText,
	"MergePatch":       sameMergePatch,
	"Nulls":            sameNulls,
	"Pages":            samePages,
	"ReceiptBytes":     sameReceiptBytes,
	"TextNotStored":    sameTextNotStored,
	"TextOrder":        sameTextOrder,
	"Times":            sameTimes,
}

// sameTextOrder: text is compared byte by byte, in keys, filters and the order of lists.
func sameTextOrder(t *T) {
	store := open(t)
	agents := []string{"A", "a", "B", "b", "a ", " a", "_", "-", "10", "9", "é", "e\u0301", "e", "Z", "z", "μ₁", "ß", "ss", "日本", "🚀", "İ", "i", "%", "a%", "\n", "x\ty"}
	for _, agent := range agents {
		if strings.TrimSpace(agent) == "" {
			continue
		}
		r := receipt("of " + agent)
		r.AgentID, r.Environment = agent, agent
		require.NoError(t, store.Receipts.Create(t.Context(), r))
	}
	agents = slices.DeleteFunc(agents, func(s string) bool { return strings.TrimSpace(s) == "" })
	for _, agent := range agents {
		rows, _, err := store.Receipts.List(t.Context(), repository.ReceiptFilter{AgentID: agent, Environment: agent})
		require.NoError(t, err)
		assert.Equal(t, []string{"of " + agent}, ids(rows), "%q", agent)
	}
	slices.Sort(agents)
	var ordered []string
	require.NoError(t, store.DB().Model(&models.Receipt{}).Order("agent_id").Pluck("agent_id", &ordered).Error)
	assert.Equal(t, agents, ordered)
	var above []string
	require.NoError(t, store.DB().Model(&models.AgentMemory{}).Where("agent_id > ?", "Z").Order("agent_id DESC").Pluck("agent_id", &above).Error)
	slices.Reverse(above)
	assert.Equal(t, agents[slices.Index(agents, "Z")+1:], above)
}

// sameTimes: every time is read in UTC, to the microsecond, whatever the zone and fraction
// of the stored value.
func sameTimes(t *T) {
	store := open(t)
	zone := time.FixedZone("", -(5*3600 + 30*60))
	for _, at := range []time.Time{
		time.Date(2026, 1, 29, 12, 34, 56, 0, time.UTC),
		time.Date(2026, 1, 29, 12, 34, 56, 999999999, zone),
		time.Date(2026, 1, 29, 23, 59, 59, 1000, zone),
		time.Date(1969, 12, 31, 23, 59, 59, 999999499, time.UTC),
		time.Date(1, 1, 1, 0, 0, 0, 1000, time.UTC),
		time.Date(1582, 10, 10, 1, 2, 3, 4000, time.UTC),
		time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC),
	} {
		r := receipt("")
		r.Timestamp, r.CreatedAt = models.Timestamp{Time: at}, at
		require.NoError(t, store.Receipts.Create(t.Context(), r))
		end := at
		s := &models.WorkflowSession{StartTime: at, EndTime: &end, Status: models.SessionCompleted}
		require.NoError(t, store.DB().Create(s).Error)
		want := at.UTC().Truncate(time.Microsecond)

		got, err := store.Receipts.Get(t.Context(), r.ExecutionID)
		require.NoError(t, err)
		assert.Equal(t, []time.Time{want, want}, []time.Time{got.Timestamp.Time, got.CreatedAt})
		ended, err := store.Sessions.Get(t.Context(), s.SessionID)
		require.NoError(t, err)
		assert.Equal(t, []time.Time{want, want, start}, []time.Time{ended.StartTime, *ended.EndTime, ended.CreatedAt})
		rows, _, err := store.Receipts.List(t.Context(), repository.ReceiptFilter{Since: at.Truncate(time.Microsecond), Page: repository.Page{Limit: 1}})
		require.NoError(t, err)
		assert.Len(t, rows, 1, at)
	}
}

// sameNulls: a NULL of another program is read as the zero value, and filters find it.
func sameNulls(t *T) {
	store := open(t)
	require.NoError(t, store.DB().Exec("INSERT INTO receipts (execution_id, agent_id, operation, status, timestamp, created_at, files_generated, files_modified, duration_ms) VALUES ('n', 'a', 'watch', 'passed', '2026-01-29T12:34:56Z', NULL, NULL, NULL, 1)").Error)
	require.NoError(t, store.DB().Exec("INSERT INTO workflow_sessions (session_id, start_time, status, agent_count) VALUES ('n', '2026-01-29 12:34:56', 'running', 0)").Error)
	require.NoError(t, store.DB().Exec("INSERT INTO collision_detection (session_id, agent_id_1, agent_id_2, collision_type, description, resolution, severity, timestamp) VALUES ('n', 'a', 'b', 'file_conflict', 'd', NULL, 'info', '2026-01-29T12:34:56Z')").Error)
	require.NoError(t, store.DB().Exec("INSERT INTO audit_log (timestamp, agent_id, operation, status, duration_ms, context_json) VALUES ('2026-01-29T12:34:56Z', 'a', 'o', 'started', NULL, NULL)").Error)
	got, err := store.Receipts.Get(t.Context(), "n")
	require.NoError(t, err)
	assert.Equal(t, &models.Receipt{
		ID: 1, ExecutionID: "n", AgentID: "a", Operation: models.OperationWatch, Status: models.ReceiptPassed, DurationMS: 1,
		Timestamp: models.At(start.Truncate(time.Second)),
	}, got)
	s, err := store.Sessions.Get(t.Context(), "n")
	require.NoError(t, err)
	assert.Nil(t, s.EndTime)
	assert.Nil(t, s.TotalDurationMS)
	assert.Nil(t, s.ContextJSON)
	unresolved, _, err := store.Collisions.Unresolved(t.Context(), repository.CollisionFilter{})
	require.NoError(t, err)
	assert.Len(t, unresolved, 1)
	entries, _, err := store.Audit.List(t.Context(), repository.AuditFilter{})
	require.NoError(t, err)
	require.Len(t, entries, 1)
	assert.Zero(t, entries[0].DurationMS)
	agents, err := store.Reports.AgentPerformance(t.Context())
	require.NoError(t, err)
	require.Len(t, agents, 1)
	assert.Zero(t, agents[0].TotalFilesGenerated)
}

// sameHugeNumbers: the largest and the smallest numbers are stored exactly.
func sameHugeNumbers(t *T) {
	store, ctx := open(t), t.Context()
	r := receipt("x")
	r.DurationMS, r.FilesModified = math.MaxInt64, math.MaxInt64
	r.Metrics = []models.PipelineMetric{*metric("", models.StageEmit)}
	r.Metrics[0].InputSizeBytes, r.Metrics[0].DurationMS = math.MaxInt64, math.MaxInt64
	for _, f := range []float64{0, -0.1, 0.1 + 0.2, 1e-300, math.SmallestNonzeroFloat64, math.MaxFloat64, -math.MaxFloat64, 1 << 53, 1.0 / 3} {
		v := violation("")
		v.ActualValue, v.TargetValue = f, -f
		r.Violations = append(r.Violations, *v)
	}
	require.NoError(t, store.Receipts.Create(ctx, r))
	got, err := store.Receipts.Get(ctx, "x")
	require.NoError(t, err)
	metrics, err := store.Metrics.ByExecution(ctx, "x")
	require.NoError(t, err)
	violations, err := store.Violations.ByExecution(ctx, "x")
	require.NoError(t, err)
	assert.Equal(t, []int64{r.DurationMS, r.FilesModified}, []int64{got.DurationMS, got.FilesModified})
	assert.Equal(t, r.Metrics, metrics)
	assert.ElementsMatch(t, r.Violations, violations)
	agents, err := store.Reports.AgentPerformance(ctx)
	require.NoError(t, err)
	require.Len(t, agents, 1)
	assert.EqualValues(t, math.MaxInt64, agents[0].MaxDurationMS)
	assert.InEpsilon(t, float64(math.MaxInt64), agents[0].AvgDurationMS, 1e-15)
}

// sameEmptyBatches: an empty batch is not an error and stores nothing.
func sameEmptyBatches(t *T) {
	store := open(t)
	before := dump(t, store)
	for range 2 {
		require.NoError(t, store.Receipts.CreateBatch(t.Context(), nil))
		require.NoError(t, store.Receipts.CreateBatch(t.Context(), []*models.Receipt{}))
		require.NoError(t, store.Metrics.RecordBatch(t.Context(), nil))
		require.NoError(t, store.Metrics.RecordBatch(t.Context(), []*models.PipelineMetric{}))
	}
	assert.Equal(t, before, dump(t, store))
	assert.Empty(t, entries(t, store), "not even a failed entry")
	saved(t, store, "x")
	none, err := store.Violations.Check(t.Context(), "x", []repository.Target{}, map[string]float64{})
	require.NoError(t, err)
	assert.Empty(t, none)
}

// samePages: the pages of every list return rows of equal times in the order of the whole
// list, newest first.
func samePages(t *T) {
	store, ctx := open(t), t.Context()
	session(t, store, "s0")
	for i := range 7 {
		saved(t, store, string(rune('a'+i)))
		session(t, store, string(rune('s'+i)))
		require.NoError(t, store.Collisions.Report(ctx, collision("s0")))
		require.NoError(t, store.Memory.Put(ctx, string(rune('m'+i)), models.JSON(`{}`)))
	}
	for _, limit := range []int{1, 2, 3, 100} {
		page := repository.Page{Limit: limit}
		walkPages(t, page, 7, func(p repository.Page) ([]models.Receipt, string, error) {
			return store.Receipts.List(ctx, repository.ReceiptFilter{Page: p})
		}, func(r models.Receipt) int64 { return r.ID })
		walkPages(t, page, 8, func(p repository.Page) ([]models.WorkflowSession, string, error) {
			return store.Sessions.List(ctx, repository.SessionFilter{Page: p})
		}, func(s models.WorkflowSession) int64 { return s.ID })
		walkPages(t, page, 7, func(p repository.Page) ([]models.Collision, string, error) {
			return store.Collisions.List(ctx, repository.CollisionFilter{Page: p})
		}, func(c models.Collision) int64 { return c.ID })
		walkPages(t, page, 11, func(p repository.Page) ([]models.AgentMemory, string, error) {
			return store.Memory.List(ctx, repository.MemoryFilter{Page: p})
		}, func(m models.AgentMemory) int64 { return m.ID })
		walkPages(t, page, 29, func(p repository.Page) ([]models.AuditEntry, string, error) {
			return store.Audit.List(ctx, repository.AuditFilter{Page: p})
		}, func(e models.AuditEntry) int64 { return e.ID })
	}
}

func walkPages[R any](t *T, page repository.Page, want int, list func(repository.Page) ([]R, string, error), id func(R) int64) {
	t.Helper()
	var walked []int64
	for {
		rows, next, err := list(page)
		require.NoError(t, err)
		for _, r := range rows {
			walked = append(walked, id(r))
		}
		if next == "" {
			break
		}
		require.Len(t, rows, page.Limit)
		page.Cursor = next
	}
	newest := slices.Clone(walked)
	slices.SortFunc(newest, func(a, b int64) int { return int(b - a) })
	assert.Equal(t, newest, walked)
	assert.Len(t, slices.Compact(newest), want)
}
