package repository_test

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	store := open(t)
	for status, end := range map[models.SessionStatus]func(context.Context, string) (*models.WorkflowSession, error){
		models.SessionCompleted: store.Sessions.Finish, models.SessionFailed: store.Sessions.Fail, models.SessionCancelled: store.Sessions.Cancel,
	} {
		t.Run(string(status), func(t *testing.T) {
			ctx := t.Context()
			s := &models.WorkflowSession{StartTime: noon.Add(-1500 * time.Millisecond), AgentCount: 2}
			require.NoError(t, store.Sessions.Start(ctx, s))
			active, err := store.Sessions.Active(ctx)
			require.NoError(t, err)
			require.Len(t, active, 1)
			require.NoError(t, store.Sessions.AddOutcome(ctx, s.SessionID, 2, 1))
			require.NoError(t, store.Sessions.AddOutcome(ctx, s.SessionID, 3, 0))
			ended, err := end(ctx, s.SessionID)
			require.NoError(t, err)
			got, err := store.Sessions.Get(ctx, s.SessionID)
			require.NoError(t, err)
			assert.Equal(t, got, ended)
			assert.Equal(t, status, got.Status)
			assert.Equal(t, noon, *got.EndTime)
			assert.EqualValues(t, 1500, *got.TotalDurationMS)
			assert.Equal(t, []int64{5, 1}, []int64{got.SuccessfulOperations, got.FailedOperations})
			refused(t, store, []refusal{
				{"FinishTwice", repository.ErrNotRunning, func(ctx context.Context) error { _, err := store.Sessions.Finish(ctx, s.SessionID); return err }},
				{"CancelEnded", repository.ErrNotRunning, func(ctx context.Context) error { _, err := store.Sessions.Cancel(ctx, s.SessionID); return err }},
			})
		})
	}
}

func TestSessionsEndOnce(t *testing.T) {
	t.Parallel()
	store := open(t)
	session(t, store, "s")
	var won atomic.Int64
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if _, err := store.Sessions.Finish(t.Context(), "s"); err == nil {
				won.Add(1)
			} else {
				assert.ErrorIs(t, err, repository.ErrNotRunning)
			}
		})
	}
	group.Wait()
	assert.EqualValues(t, 1, won.Load())
}

func TestSessionsFutureStart(t *testing.T) {
	t.Parallel()
	store := open(t)
	require.NoError(t, store.Sessions.Start(t.Context(), &models.WorkflowSession{SessionID: "s", StartTime: noon.Add(time.Hour)}))
	ended, err := store.Sessions.Finish(t.Context(), "s")
	require.NoError(t, err)
	assert.Zero(t, *ended.TotalDurationMS)
	assert.Equal(t, ended.StartTime, *ended.EndTime)
}

func TestSessionsList(t *testing.T) {
	t.Parallel()
	store, ctx := open(t), t.Context()
	require.NoError(t, store.DB().Exec("INSERT INTO workflow_sessions (session_id, start_time, status, agent_count) VALUES ('raw', '2026-01-29 12:34:56', 'running', 2)").Error)
	session(t, store, "now")
	require.NoError(t, store.Sessions.Start(ctx, &models.WorkflowSession{SessionID: "whole", StartTime: noon.Truncate(time.Second)}))
	require.NoError(t, store.Sessions.Start(ctx, &models.WorkflowSession{SessionID: "later", StartTime: noon.Add(time.Hour)}))
	second := noon.Truncate(time.Second)
	rows, next, err := store.Sessions.List(ctx, repository.SessionFilter{Since: second, Until: second.Add(time.Second), Page: repository.Page{Limit: 2}})
	require.NoError(t, err)
	assert.Equal(t, []string{"now", "whole"}, []string{rows[0].SessionID, rows[1].SessionID})
	rows, next, err = store.Sessions.List(ctx, repository.SessionFilter{Since: second, Until: second.Add(time.Second), Page: repository.Page{Limit: 2, Cursor: next}})
	require.NoError(t, err)
	assert.Empty(t, next)
	require.Len(t, rows, 1)
	assert.Equal(t, "raw", rows[0].SessionID)
	rows, _, err = store.Sessions.List(ctx, repository.SessionFilter{Status: models.SessionFailed})
	require.NoError(t, err)
	assert.Empty(t, rows)
}

func TestSessionsRefused(t *testing.T) {
	t.Parallel()
	store := open(t)
	session(t, store, "s")
	require.NoError(t, store.Sessions.AddOutcome(t.Context(), "s", 1, 0))
	zero := int64(0)
	start := func(s *models.WorkflowSession) func(context.Context) error {
		return func(ctx context.Context) error { return store.Sessions.Start(ctx, s) }
	}
	add := func(id string, succeeded, failed int64) func(context.Context) error {
		return func(ctx context.Context) error { return store.Sessions.AddOutcome(ctx, id, succeeded, failed) }
	}
	refused(t, store, []refusal{
		{"StartNil", repository.ErrInvalid, start(nil)},
		{"StartDuplicate", repository.ErrDuplicate, start(&models.WorkflowSession{SessionID: "s"})},
		{"StartBlank", repository.ErrInvalid, start(&models.WorkflowSession{SessionID: " "})},
		{"StartNegative", repository.ErrInvalid, start(&models.WorkflowSession{AgentCount: -1})},
		{"StartEnded", repository.ErrInvalid, start(&models.WorkflowSession{Status: models.SessionCompleted})},
		{"StartWithEnd", repository.ErrInvalid, start(&models.WorkflowSession{EndTime: &time.Time{}})},
		{"StartWithDuration", repository.ErrInvalid, start(&models.WorkflowSession{TotalDurationMS: &zero})},
		{"GetBlank", repository.ErrInvalid, func(ctx context.Context) error { _, err := store.Sessions.Get(ctx, ""); return err }},
		{"GetUnknown", repository.ErrNotFound, func(ctx context.Context) error { _, err := store.Sessions.Get(ctx, "no"); return err }},
		{"FinishBlank", repository.ErrInvalid, func(ctx context.Context) error { _, err := store.Sessions.Finish(ctx, ""); return err }},
		{"FinishUnknown", repository.ErrNotFound, func(ctx context.Context) error { _, err := store.Sessions.Finish(ctx, "no"); return err }},
		{"AddBlank", repository.ErrInvalid, add("", 1, 0)},
		{"AddUnknown", repository.ErrNotFound, add("no", 1, 0)},
		{"AddNegative", repository.ErrInvalid, add("s", -1, 0)},
		{"AddNegativeFailed", repository.ErrInvalid, add("s", 0, -1)},
		{"AddHuge", repository.ErrInvalid, add("s", math.MaxInt64, 0)},
		{"ListStatus", repository.ErrInvalid, func(ctx context.Context) error {
			_, _, err := store.Sessions.List(ctx, repository.SessionFilter{Status: "no"})
			return err
		}},
		{"ListBackwards", repository.ErrInvalid, func(ctx context.Context) error {
			_, _, err := store.Sessions.List(ctx, repository.SessionFilter{Since: noon, Until: noon.Add(-1)})
			return err
		}},
	})
}

func collision(sessionID string) *models.Collision {
	return &models.Collision{
		SessionID: sessionID, AgentID1: "a", AgentID2: "b", CollisionType: models.FileConflict, Description: "both wrote main.rs", Severity: models.SeverityWarning,
	}
}

func TestCollisions(t *testing.T) {
	t.Parallel()
	store, ctx := open(t), t.Context()
	session(t, store, "s")
	first, second, third := collision("s"), collision("s"), collision("s")
	second.AgentID1, second.AgentID2, second.Severity = "b", "a", models.SeverityCritical
	third.AgentID2, third.Timestamp = "c", models.At(noon.Add(-time.Hour))
	for _, c := range []*models.Collision{first, second, third} {
		require.NoError(t, store.Collisions.Report(ctx, c))
	}
	all, err := store.Collisions.BySession(ctx, "s")
	require.NoError(t, err)
	assert.Equal(t, []models.Collision{*second, *first, *third}, all)
	between, err := store.Collisions.BetweenAgents(ctx, "b", "a")
	require.NoError(t, err)
	assert.Equal(t, []models.Collision{*second, *first}, between)
	require.NoError(t, store.Collisions.Resolve(ctx, first.ID, "a goes first"))
	open, _, err := store.Collisions.Unresolved(ctx, repository.CollisionFilter{SessionID: "s"})
	require.NoError(t, err)
	assert.Equal(t, []models.Collision{*second, *third}, open)
	for name, c := range map[string]struct {
		filter repository.CollisionFilter
		want   int
	}{
		"All": {repository.CollisionFilter{}, 3}, "Agent": {repository.CollisionFilter{AgentID: "c"}, 1}, "Severity": {repository.CollisionFilter{Severity: models.SeverityCritical}, 1},
		"Type": {repository.CollisionFilter{CollisionType: models.MemoryConflict}, 0}, "Since": {repository.CollisionFilter{Since: noon}, 2},
	} {
		rows, _, err := store.Collisions.List(ctx, c.filter)
		require.NoError(t, err, name)
		assert.Len(t, rows, c.want, name)
	}
	summary, err := store.Collisions.Summary(ctx, time.Time{}, time.Time{})
	require.NoError(t, err)
	assert.Equal(t, []repository.CollisionSummary{{models.FileConflict, models.SeverityWarning, 2}, {models.FileConflict, models.SeverityCritical, 1}}, summary)
	day, err := store.Reports.CollisionsLastDay(ctx)
	require.NoError(t, err)
	assert.Equal(t, summary, day)

	report := func(change func(*models.Collision)) func(context.Context) error {
		return func(ctx context.Context) error {
			c := collision("s")
			change(c)
			return store.Collisions.Report(ctx, c)
		}
	}
	refused(t, store, []refusal{
		{"Nil", repository.ErrInvalid, func(ctx context.Context) error { return store.Collisions.Report(ctx, nil) }},
		{"Dangling", repository.ErrForeignKey, report(func(c *models.Collision) { c.SessionID = "no" })},
		{"DanglingWithSession", repository.ErrForeignKey, report(func(c *models.Collision) { c.SessionID, c.Session = "no", &models.WorkflowSession{SessionID: "no"} })},
		{"SameAgent", repository.ErrInvalid, report(func(c *models.Collision) { c.AgentID2 = "a" })},
		{"BlankDescription", repository.ErrInvalid, report(func(c *models.Collision) { c.Description = "" })},
		{"UnknownType", repository.ErrInvalid, report(func(c *models.Collision) { c.CollisionType = "no" })},
		{"ResolveBlank", repository.ErrInvalid, func(ctx context.Context) error { return store.Collisions.Resolve(ctx, second.ID, " ") }},
		{"ResolveUnknown", repository.ErrNotFound, func(ctx context.Context) error { return store.Collisions.Resolve(ctx, 99, "done") }},
		{"ResolveNegative", repository.ErrNotFound, func(ctx context.Context) error { return store.Collisions.Resolve(ctx, -1, "done") }},
		{"ResolveTwice", repository.ErrConflict, func(ctx context.Context) error { return store.Collisions.Resolve(ctx, first.ID, "b goes first") }},
		{"BySessionBlank", repository.ErrInvalid, func(ctx context.Context) error { _, err := store.Collisions.BySession(ctx, ""); return err }},
		{"BetweenBlank", repository.ErrInvalid, func(ctx context.Context) error { _, err := store.Collisions.BetweenAgents(ctx, "a", ""); return err }},
		{"BetweenSame", repository.ErrInvalid, func(ctx context.Context) error { _, err := store.Collisions.BetweenAgents(ctx, "a", "a"); return err }},
		{"ListSeverity", repository.ErrInvalid, func(ctx context.Context) error {
			_, _, err := store.Collisions.List(ctx, repository.CollisionFilter{Severity: "no"})
			return err
		}},
		{"SummaryBackwards", repository.ErrInvalid, func(ctx context.Context) error {
			_, err := store.Collisions.Summary(ctx, noon, noon.Add(-1))
			return err
		}},
	})
}
