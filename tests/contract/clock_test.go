package contract

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

var clockCases = cases{
	"Durations": clockDurations,
	"Lists":     clockLists,
	"Memory":    clockMemory,
	"Sessions":  clockSessions,
}

const year = 365 * 24 * time.Hour

// clockLists: rows that are saved while the clock jumps have the clock's time, and ids in
// the order of the saves. Lists are in the order of time, and their pages neither lose nor
// repeat a row, even if the clock jumps between two pages.
func clockLists(t *T) {
	store, clock := openClock(t)
	ctx, begin := t.Context(), clock.Now()
	jumps := []time.Duration{0, -year, year, -year + time.Second, 0, -time.Microsecond, 2 * year, 0}
	var made []*models.Receipt
	for i, jump := range jumps {
		clock.Set(begin.Add(jump))
		for k := range 3 {
			r := receipt(fmt.Sprintf("%d-%d", i, k))
			require.NoError(t, store.Receipts.Create(ctx, r))
			assert.Equal(t, begin.Add(jump), r.Timestamp.Time)
			made = append(made, r)
		}
	}
	assert.True(t, slices.IsSortedFunc(made, func(a, b *models.Receipt) int { return int(a.ID - b.ID) }))
	want := slices.Clone(made)
	slices.SortFunc(want, func(a, b *models.Receipt) int {
		if c := b.Timestamp.Compare(a.Timestamp.Time); c != 0 {
			return c
		}
		return int(b.ID - a.ID)
	})
	var inOrder []string
	for _, r := range want {
		inOrder = append(inOrder, r.ExecutionID)
	}
	var paged []string
	for page := (repository.Page{Limit: 5}); ; clock.Set(begin.Add(-3 * year * time.Duration(len(paged)%2))) {
		rows, next, err := store.Receipts.List(ctx, repository.ReceiptFilter{Page: page})
		require.NoError(t, err)
		paged = append(paged, ids(rows)...)
		if page.Cursor = next; next == "" {
			break
		}
	}
	assert.Equal(t, inOrder, paged)
	entries := 0
	for _, err := range store.Audit.All(ctx, repository.AuditFilter{Page: repository.Page{Limit: 4}}) {
		require.NoError(t, err)
		entries++
	}
	assert.Equal(t, len(made), entries)
	since, _, err := store.Receipts.List(ctx, repository.ReceiptFilter{Since: begin.Add(-2 * year), Until: begin.Add(-time.Second)})
	require.NoError(t, err)
	assert.Len(t, since, 6, "by its time, not by when it was saved")
}

// clockDurations: no duration is negative if the clock jumps back.
func clockDurations(t *T) {
	store, clock := openClock(t)
	ctx := t.Context()
	e, err := store.Executions.Begin(ctx, "coder", models.OperationGeneration, repository.ExecutionOptions{ExecutionID: "a"})
	require.NoError(t, err)
	require.NoError(t, e.Stage(ctx, models.StageNormalize, func(context.Context, *repository.StageResult) error {
		clock.Pass(-year)
		return nil
	}))
	require.Error(t, e.Stage(ctx, models.StageExtract, func(context.Context, *repository.StageResult) error {
		clock.Pass(-year)
		return errors.New("boom")
	}))
	r, err := e.Finish(ctx, repository.Outcome{})
	require.NoError(t, err)
	assert.Zero(t, r.DurationMS)
	metrics, err := store.Metrics.ByExecution(ctx, "a")
	require.NoError(t, err)
	require.Len(t, metrics, 2)
	for _, m := range metrics {
		assert.Zero(t, m.DurationMS)
	}
	trail, err := store.Audit.Trail(ctx, "a")
	require.NoError(t, err)
	for _, entry := range trail {
		assert.GreaterOrEqual(t, entry.DurationMS, int64(0), entry.Operation)
	}
}

// clockSessions: no session ends before it starts.
func clockSessions(t *T) {
	store, clock := openClock(t)
	for name, end := range map[string]func(context.Context, string) (*models.WorkflowSession, error){
		"finish": store.Sessions.Finish, "fail": store.Sessions.Fail, "cancel": store.Sessions.Cancel,
	} {
		session(t, store, name)
		clock.Pass(-year)
		_, err := end(t.Context(), name)
		require.NoError(t, err)
		s, err := store.Sessions.Get(t.Context(), name)
		require.NoError(t, err)
		assert.True(t, s.EndTime.Equal(s.StartTime), name)
		assert.Zero(t, *s.TotalDurationMS)
	}
}

// clockMemory: updated_at follows the clock, and the counts continue.
func clockMemory(t *T) {
	store, clock := openClock(t)
	ctx := t.Context()
	for i, jump := range []time.Duration{0, -year, 2 * year} {
		clock.Pass(jump)
		saved(t, store, fmt.Sprint(i))
		m, err := store.Memory.Get(ctx, "coder")
		require.NoError(t, err)
		assert.True(t, clock.Now().Equal(m.UpdatedAt), "%v after a jump of %v", m.UpdatedAt, jump)
		assert.EqualValues(t, i+1, activity(t, store, "coder").Saves)
		require.NoError(t, store.Memory.Merge(ctx, "coder", models.JSON(fmt.Sprintf(`{"i":%d}`, i))))
	}
	listed, _, err := store.Memory.List(ctx, repository.MemoryFilter{UpdatedSince: clock.Now()})
	require.NoError(t, err)
	assert.Len(t, listed, 1)
}
