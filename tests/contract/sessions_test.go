package contract

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

var sessionCases = cases{
	"End":         sessionsEnd,
	"EndOnce":     sessionsEndOnce,
	"FutureStart": sessionsFutureStart,
	"List":        sessionsList,
	"Refused":     sessionsRefused,
}

func sessionsEnd(t *T) {
	store := open(t)
	for status, end := range map[models.SessionStatus]func(context.Context, string) (*models.WorkflowSession, error){
		models.SessionCompleted: store.Sessions.Finish, models.SessionFailed: store.Sessions.Fail, models.SessionCancelled: store.Sessions.Cancel,
	} {
		t.Run(string(status), func(t *T) {
			ctx := t.Context()
			s := &models.WorkflowSession{StartTime: start.Add(-1500 * time.Millisecond), AgentCount: 2}
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
			assert.Equal(t, start, *got.EndTime)
			assert.EqualValues(t, 1500, *got.TotalDurationMS)
			assert.Equal(t, []int64{5, 1}, []int64{got.SuccessfulOperations, got.FailedOperations})
			refused(t, store, []refusal{
				{"FinishTwice", models.ErrNotRunning, func(ctx context.Context) error { _, err := store.Sessions.Finish(ctx, s.SessionID); return err }},
				{"CancelEnded", models.ErrNotRunning, func(ctx context.Context) error { _, err := store.Sessions.Cancel(ctx, s.SessionID); return err }},
			})
		})
	}
}

func sessionsEndOnce(t *T) {
	store := open(t)
	session(t, store, "s")
	var won atomic.Int64
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if _, err := store.Sessions.Finish(t.Context(), "s"); err == nil {
				won.Add(1)
			} else {
				assert.ErrorIs(t, err, models.ErrNotRunning)
			}
		})
	}
	group.Wait()
	assert.EqualValues(t, 1, won.Load())
}

func sessionsFutureStart(t *T) {
	store := open(t)
	require.NoError(t, store.Sessions.Start(t.Context(), &models.WorkflowSession{SessionID: "s", StartTime: start.Add(time.Hour)}))
	ended, err := store.Sessions.Finish(t.Context(), "s")
	require.NoError(t, err)
	assert.Zero(t, *ended.TotalDurationMS)
	assert.Equal(t, ended.StartTime, *ended.EndTime)
}

func sessionsList(t *T) {
	store, ctx := open(t), t.Context()
	require.NoError(t, store.DB().Exec("INSERT INTO workflow_sessions (session_id, start_time, status, agent_count) VALUES ('raw', '2026-01-29 12:34:56', 'running', 2)").Error)
	session(t, store, "now")
	require.NoError(t, store.Sessions.Start(ctx, &models.WorkflowSession{SessionID: "whole", StartTime: start.Truncate(time.Second)}))
	require.NoError(t, store.Sessions.Start(ctx, &models.WorkflowSession{SessionID: "later", StartTime: start.Add(time.Hour)}))
	second := start.Truncate(time.Second)
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

func sessionsRefused(t *T) {
	store := open(t)
	session(t, store, "s")
	require.NoError(t, store.Sessions.AddOutcome(t.Context(), "s", 1, 0))
	zero := int64(0)
	begin := func(s *models.WorkflowSession) func(context.Context) error {
		return func(ctx context.Context) error { return store.Sessions.Start(ctx, s) }
	}
	add := func(id string, succeeded, failed int64) func(context.Context) error {
		return func(ctx context.Context) error { return store.Sessions.AddOutcome(ctx, id, succeeded, failed) }
	}
	refused(t, store, []refusal{
		{"StartNil", models.ErrInvalid, begin(nil)},
		{"StartDuplicate", models.ErrDuplicate, begin(&models.WorkflowSession{SessionID: "s"})},
		{"StartBlank", models.ErrInvalid, begin(&models.WorkflowSession{SessionID: " "})},
		{"StartNegative", models.ErrInvalid, begin(&models.WorkflowSession{AgentCount: -1})},
		{"StartEnded", models.ErrInvalid, begin(&models.WorkflowSession{Status: models.SessionCompleted})},
		{"StartWithEnd", models.ErrInvalid, begin(&models.WorkflowSession{EndTime: &time.Time{}})},
		{"StartWithDuration", models.ErrInvalid, begin(&models.WorkflowSession{TotalDurationMS: &zero})},
		{"GetBlank", models.ErrInvalid, func(ctx context.Context) error { _, err := store.Sessions.Get(ctx, ""); return err }},
		{"GetUnknown", models.ErrNotFound, func(ctx context.Context) error { _, err := store.Sessions.Get(ctx, "no"); return err }},
		{"FinishBlank", models.ErrInvalid, func(ctx context.Context) error { _, err := store.Sessions.Finish(ctx, ""); return err }},
		{"FinishUnknown", models.ErrNotFound, func(ctx context.Context) error { _, err := store.Sessions.Finish(ctx, "no"); return err }},
		{"AddBlank", models.ErrInvalid, add("", 1, 0)},
		{"AddUnknown", models.ErrNotFound, add("no", 1, 0)},
		{"AddNegative", models.ErrInvalid, add("s", -1, 0)},
		{"AddNegativeFailed", models.ErrInvalid, add("s", 0, -1)},
		{"AddHuge", models.ErrInvalid, add("s", math.MaxInt64, 0)},
		{"ListStatus", models.ErrInvalid, func(ctx context.Context) error {
			_, _, err := store.Sessions.List(ctx, repository.SessionFilter{Status: "no"})
			return err
		}},
		{"ListBackwards", models.ErrInvalid, func(ctx context.Context) error {
			_, _, err := store.Sessions.List(ctx, repository.SessionFilter{Since: start, Until: start.Add(-1)})
			return err
		}},
	})
}
