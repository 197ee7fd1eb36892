package contract

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

var receiptCases = cases{
	"CreateAndGet": receiptsCreateAndGet,
	"Filters":      receiptsFilters,
	"Pages":        receiptsPages,
	"Refused":      receiptsRefused,
	"Upsert":       receiptsUpsert,
	"Window":       receiptsWindow,
}

func receiptsCreateAndGet(t *T) {
	store, ctx := open(t), t.Context()
	r := &models.Receipt{
		AgentID: "coder", Operation: models.OperationWatch, Status: models.ReceiptPartial, ManifestHash: strings.Repeat("a", 64),
		FilesGenerated: 3, DurationMS: 9, ReceiptJSON: models.JSON(`{"n": 1.0}`), Environment: "dev",
	}
	require.NoError(t, store.Receipts.Create(ctx, r))
	assert.NotZero(t, r.ID)
	assert.Len(t, r.ExecutionID, 36)
	assert.Equal(t, start, r.Timestamp.Time)
	got, err := store.Receipts.Get(ctx, r.ExecutionID)
	require.NoError(t, err)
	assert.Equal(t, r, got)
}

func receiptsUpsert(t *T) {
	store, ctx := open(t), t.Context()
	first := saved(t, store, "x")
	saved(t, store, "y")
	require.NoError(t, store.Metrics.Record(ctx, metric("x", models.StageEmit)))
	again := receipt("x")
	again.Status, again.ErrorMessage, again.CreatedAt = models.ReceiptFailed, "broken", start.Add(time.Hour)
	require.NoError(t, store.Receipts.Upsert(ctx, again))
	assert.Equal(t, first.ID, again.ID)
	assert.Equal(t, first.CreatedAt, again.CreatedAt)
	got, err := store.Receipts.Get(ctx, "x")
	require.NoError(t, err)
	assert.Equal(t, again, got)
	metrics, err := store.Metrics.ByExecution(ctx, "x")
	require.NoError(t, err)
	assert.Len(t, metrics, 1)
	fresh := receipt("")
	require.NoError(t, store.Receipts.Upsert(ctx, fresh))
	got, err = store.Receipts.Get(ctx, fresh.ExecutionID)
	require.NoError(t, err)
	assert.Equal(t, fresh, got)
}

func receiptsFilters(t *T) {
	store, ctx := open(t), t.Context()
	a, b := receipt("a"), receipt("b")
	a.Environment, a.ManifestHash, a.Operation = "dev", strings.Repeat("1", 64), models.OperationWatch
	b.AgentID, b.OntologyHash, b.Status = "tester", strings.Repeat("2", 64), models.ReceiptFailed
	require.NoError(t, store.Receipts.CreateBatch(ctx, []*models.Receipt{a, b}))
	require.NoError(t, store.Receipts.CreateBatch(ctx, nil))
	for name, c := range map[string]struct {
		filter repository.ReceiptFilter
		want   []string
	}{
		"All":         {repository.ReceiptFilter{}, []string{"b", "a"}},
		"Agent":       {repository.ReceiptFilter{AgentID: "coder"}, []string{"a"}},
		"Operation":   {repository.ReceiptFilter{Operation: models.OperationWatch}, []string{"a"}},
		"Status":      {repository.ReceiptFilter{Status: models.ReceiptFailed}, []string{"b"}},
		"Environment": {repository.ReceiptFilter{Environment: "dev"}, []string{"a"}},
		"Manifest":    {repository.ReceiptFilter{ManifestHash: strings.Repeat("1", 64)}, []string{"a"}},
		"Ontology":    {repository.ReceiptFilter{OntologyHash: strings.Repeat("2", 64)}, []string{"b"}},
		"Quote":       {repository.ReceiptFilter{AgentID: "' OR 1=1 --"}, nil},
	} {
		t.Run(name, func(t *T) {
			rows, next, err := store.Receipts.List(ctx, c.filter)
			require.NoError(t, err)
			assert.Empty(t, next)
			assert.Equal(t, c.want, ids(rows))
		})
	}
	failures, _, err := store.Receipts.Failures(ctx, repository.ReceiptFilter{})
	require.NoError(t, err)
	assert.Equal(t, []string{"b"}, ids(failures))
	latest, err := store.Receipts.LatestByAgent(ctx, "coder")
	require.NoError(t, err)
	assert.Equal(t, "a", latest.ExecutionID)
}

// receiptsPages walks pages over rows of equal times, and over times in other forms that
// other programs wrote.
func receiptsPages(t *T) {
	store, ctx := open(t), t.Context()
	times := []string{"2026-01-29T12:34:56Z", "2026-01-29T12:34:56.5Z", "2026-01-29T12:34:56.000000Z", "2026-01-29 12:34:56", "2026-01-29T12:34:56Z"}
	for i := range 25 {
		require.NoError(t, store.DB().Exec(
			"INSERT INTO receipts (execution_id, agent_id, operation, status, timestamp, duration_ms) VALUES (?, 'raw', 'watch', 'passed', ?, 1)",
			fmt.Sprint(i), times[i%len(times)]).Error)
	}
	var want []string
	for r, err := range store.Receipts.All(ctx, repository.ReceiptFilter{}) {
		require.NoError(t, err)
		want = append(want, r.ExecutionID)
	}
	require.Len(t, want, 25)
	all := store.Receipts.All(ctx, repository.ReceiptFilter{Page: repository.Page{Limit: 3}})
	for range 2 { // the same iterator twice, in small pages
		var got []string
		for r, err := range all {
			require.NoError(t, err)
			got = append(got, r.ExecutionID)
		}
		assert.Equal(t, want, got)
	}
	for _, limit := range []int{1, 4, 5, 24, 25, 26, 1000} {
		var got []string
		page := repository.Page{Limit: limit}
		for {
			rows, next, err := store.Receipts.List(ctx, repository.ReceiptFilter{AgentID: "raw", Page: page})
			require.NoError(t, err)
			got = append(got, ids(rows)...)
			if next == "" {
				break
			}
			require.Len(t, rows, limit)
			page.Cursor = next
		}
		assert.Equal(t, want, got, limit)
	}
}

func receiptsWindow(t *T) {
	store, ctx := open(t), t.Context()
	for _, at := range []string{
		"2026-01-29T12:34:55.999999Z", "2026-01-29T12:34:56Z", "2026-01-29T12:34:56.000001Z", "2026-01-29 12:34:56", "2026-01-29T12:34:56+00:00",
		"2026-01-29T12:34:56.000002+00:00", "2026-01-29 12:34:56.5", "2026-01-29T12:34:57Z", "2026-01-29T12:34:57.000000Z",
		"2026-01-30", "2026-01-31 00:01",
	} {
		require.NoError(t, store.DB().Exec(
			"INSERT INTO receipts (execution_id, agent_id, operation, status, timestamp, duration_ms) VALUES (?, 'raw', 'watch', 'passed', ?, 1)", at, at).Error)
	}
	second := time.Date(2026, 1, 29, 12, 34, 56, 0, time.UTC)
	for name, c := range map[string]struct {
		since, until time.Time
		want         int
	}{
		"Second":         {second, second.Add(time.Second), 6},
		"OtherZone":      {second.In(time.FixedZone("", 7200)), second.Add(time.Second), 6},
		"FirstMicro":     {second, second.Add(time.Microsecond), 3},
		"SecondMicro":    {second.Add(time.Microsecond), second.Add(2 * time.Microsecond), 1},
		"BetweenMicros":  {second.Add(1), second.Add(time.Microsecond + 1), 1},
		"Since":          {second.Add(500 * time.Millisecond), time.Time{}, 5},
		"Midnight":       {second.Truncate(24*time.Hour).AddDate(0, 0, 1), second.AddDate(0, 0, 1), 1},
		"Minute":         {second.Truncate(24*time.Hour).AddDate(0, 0, 2).Add(time.Minute), time.Time{}, 1},
		"Until":          {time.Time{}, second, 1},
		"Empty":          {second, second, 0},
		"Everything":     {time.Time{}, time.Time{}, 11},
		"Before":         {time.Time{}, second.Add(-time.Hour), 0},
		"After":          {second.Add(time.Minute), time.Time{}, 2},
		"WholeDay":       {second.Truncate(24 * time.Hour), second.Truncate(24*time.Hour).AddDate(0, 0, 1), 9},
		"EndOfTime":      {second, time.Unix(1<<40, 0), 10},
		"LastOfTheYears": {second, time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), 10},
	} {
		t.Run(name, func(t *T) {
			rows, _, err := store.Receipts.List(ctx, repository.ReceiptFilter{Since: c.since, Until: c.until})
			require.NoError(t, err)
			assert.Len(t, rows, c.want, "%v", ids(rows))
		})
	}
}

func receiptsRefused(t *T) {
	store := open(t)
	saved(t, store, "x")
	require.NoError(t, store.Metrics.Record(t.Context(), metric("x", models.StageEmit)))
	saved(t, store, "y")
	list := func(f repository.ReceiptFilter) func(context.Context) error {
		return func(ctx context.Context) error {
			_, _, err := store.Receipts.List(ctx, f)
			return err
		}
	}
	create := func(change func(*models.Receipt)) func(context.Context) error {
		return func(ctx context.Context) error {
			r := receipt("new")
			change(r)
			return store.Receipts.Create(ctx, r)
		}
	}
	_, next, err := store.Receipts.List(t.Context(), repository.ReceiptFilter{Page: repository.Page{Limit: 1}})
	require.NoError(t, err)
	refused(t, store, []refusal{
		{"CreateNil", models.ErrInvalid, func(ctx context.Context) error { return store.Receipts.Create(ctx, nil) }},
		{"CreateBlankAgent", models.ErrInvalid, create(func(r *models.Receipt) { r.AgentID = " " })},
		{"CreateUnknownOperation", models.ErrInvalid, create(func(r *models.Receipt) { r.Operation = "error-recovery" })},
		{"CreateNegative", models.ErrInvalid, create(func(r *models.Receipt) { r.DurationMS = -1 })},
		{"CreateBadJSON", models.ErrInvalid, create(func(r *models.Receipt) { r.ReceiptJSON = models.JSON("{") })},
		{"CreateDuplicate", models.ErrDuplicate, create(func(r *models.Receipt) { r.ExecutionID = "x" })},
		{"CreateDuplicateGORM", gorm.ErrDuplicatedKey, create(func(r *models.Receipt) { r.ExecutionID = "x" })},
		{"BatchNil", models.ErrInvalid, func(ctx context.Context) error {
			return store.Receipts.CreateBatch(ctx, []*models.Receipt{receipt("n"), nil})
		}},
		{"BatchInvalid", models.ErrInvalid, func(ctx context.Context) error {
			return store.Receipts.CreateBatch(ctx, []*models.Receipt{receipt("n"), {ExecutionID: "o"}})
		}},
		{"BatchDuplicate", models.ErrDuplicate, func(ctx context.Context) error {
			return store.Receipts.CreateBatch(ctx, []*models.Receipt{receipt("n"), receipt("x")})
		}},
		{"BatchDuplicateLate", models.ErrDuplicate, func(ctx context.Context) error {
			var batch []*models.Receipt
			for i := range 150 {
				batch = append(batch, receipt(fmt.Sprint("late", i)))
			}
			return store.Receipts.CreateBatch(ctx, append(batch, receipt("late3")))
		}},
		{"UpsertNil", models.ErrInvalid, func(ctx context.Context) error { return store.Receipts.Upsert(ctx, nil) }},
		{"UpsertInvalid", models.ErrInvalid, func(ctx context.Context) error {
			return store.Receipts.Upsert(ctx, &models.Receipt{ExecutionID: "x"})
		}},
		{"GetBlank", models.ErrInvalid, func(ctx context.Context) error { _, err := store.Receipts.Get(ctx, ""); return err }},
		{"GetNUL", models.ErrInvalid, func(ctx context.Context) error { _, err := store.Receipts.Get(ctx, "a\x00"); return err }},
		{"GetUnknown", models.ErrNotFound, func(ctx context.Context) error { _, err := store.Receipts.Get(ctx, "no"); return err }},
		{"GetUnknownGORM", gorm.ErrRecordNotFound, func(ctx context.Context) error { _, err := store.Receipts.Get(ctx, "no"); return err }},
		{"LatestBlank", models.ErrInvalid, func(ctx context.Context) error { _, err := store.Receipts.LatestByAgent(ctx, ""); return err }},
		{"LatestUnknown", models.ErrNotFound, func(ctx context.Context) error { _, err := store.Receipts.LatestByAgent(ctx, "no"); return err }},
		{"DeleteBlank", models.ErrInvalid, func(ctx context.Context) error { return store.Receipts.Delete(ctx, "") }},
		{"DeleteUnknown", models.ErrNotFound, func(ctx context.Context) error { return store.Receipts.Delete(ctx, "no") }},
		{"DeleteParent", models.ErrForeignKey, func(ctx context.Context) error { return store.Receipts.Delete(ctx, "x") }},
		{"LimitNegative", models.ErrInvalid, list(repository.ReceiptFilter{Page: repository.Page{Limit: -1}})},
		{"LimitHuge", models.ErrInvalid, list(repository.ReceiptFilter{Page: repository.Page{Limit: 1001}})},
		{"CursorGarbage", models.ErrInvalid, list(repository.ReceiptFilter{Page: repository.Page{Cursor: "!"}})},
		{"CursorOfAnotherList", models.ErrInvalid, func(ctx context.Context) error {
			_, _, err := store.Audit.List(ctx, repository.AuditFilter{Page: repository.Page{Cursor: next}})
			return err
		}},
		{"FilterOperation", models.ErrInvalid, list(repository.ReceiptFilter{Operation: "no"})},
		{"FilterStatus", models.ErrInvalid, list(repository.ReceiptFilter{Status: "no"})},
		{"FilterBackwards", models.ErrInvalid, list(repository.ReceiptFilter{Since: start, Until: start.Add(-1)})},
		{"FailuresOfPassed", models.ErrInvalid, func(ctx context.Context) error {
			_, _, err := store.Receipts.Failures(ctx, repository.ReceiptFilter{Status: models.ReceiptPassed})
			return err
		}},
		{"AllInvalid", models.ErrInvalid, func(ctx context.Context) error {
			for _, err := range store.Receipts.All(ctx, repository.ReceiptFilter{Operation: "no"}) {
				return err
			}
			return nil
		}},
	})
	var e *models.Error
	require.ErrorAs(t, store.Receipts.Create(t.Context(), receipt("x")), &e)
	assert.Equal(t, []any{"receipts", "execution_id", "x"}, []any{e.Table, e.Column, e.Value})
	require.ErrorAs(t, store.Receipts.CreateBatch(t.Context(), []*models.Receipt{receipt("n"), receipt("y")}), &e)
	assert.Equal(t, []any{"receipts", "execution_id", "y"}, []any{e.Table, e.Column, e.Value})
	require.NoError(t, store.Receipts.Delete(t.Context(), "y"))
	_, err = store.Receipts.Get(t.Context(), "y")
	require.ErrorIs(t, err, models.ErrNotFound)
}
