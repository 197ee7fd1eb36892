package contract

import (
	"context"
	"math"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// sessionModel is the expected state of a session.
type sessionModel struct {
	id                string
	status            models.SessionStatus
	start, end        time.Time
	succeeded, failed int64
}

func statesSessions(t *T) {
	states(t, func(_ *rapid.T, ctx context.Context, d *database) map[string]func(*rapid.T) {
		s := d.store.Sessions
		var all []*sessionModel
		find := func(id string) *sessionModel {
			for _, m := range all {
				if m.id == id {
					return m
				}
			}
			return nil
		}
		key := rapid.SampledFrom([]string{"s1", "s2", "s3", "s4", "s5", " "})
		end := func(status models.SessionStatus, end func(context.Context, string) (*models.WorkflowSession, error)) func(*rapid.T) {
			return func(rt *rapid.T) {
				id := key.Draw(rt, "id")
				m, now := find(id), d.clock.Now()
				got, err := end(ctx, id)
				switch {
				case id == " ":
					fails(rt, err, models.ErrInvalid)
				case m == nil:
					fails(rt, err, models.ErrNotFound)
				case m.status != models.SessionRunning:
					fails(rt, err, models.ErrNotRunning)
				default:
					require.NoError(rt, err)
					m.status, m.end = status, now
					if now.Before(m.start) {
						m.end = m.start
					}
					require.Equal(rt, status, got.Status)
				}
			}
		}
		return map[string]func(*rapid.T){
			"start": func(rt *rapid.T) {
				id := key.Draw(rt, "id")
				at := d.clock.Now().Add(time.Duration(rapid.IntRange(-3, 3).Draw(rt, "seconds")) * time.Second)
				err := s.Start(ctx, &models.WorkflowSession{SessionID: id, StartTime: at, AgentCount: 1})
				switch {
				case id == " ":
					fails(rt, err, models.ErrInvalid)
				case find(id) != nil:
					fails(rt, err, models.ErrDuplicate)
				default:
					require.NoError(rt, err)
					all = append(all, &sessionModel{id: id, status: models.SessionRunning, start: at})
				}
			},
			"finish": end(models.SessionCompleted, s.Finish),
			"fail":   end(models.SessionFailed, s.Fail),
			"cancel": end(models.SessionCancelled, s.Cancel),
			"outcome": func(rt *rapid.T) {
				id := key.Draw(rt, "id")
				n := rapid.SampledFrom([]int64{0, 1, 7, -1, math.MaxInt64})
				succeeded, failed := n.Draw(rt, "succeeded"), n.Draw(rt, "failed")
				m, err := find(id), s.AddOutcome(ctx, id, succeeded, failed)
				switch {
				case id == " ", succeeded < 0, failed < 0:
					fails(rt, err, models.ErrInvalid)
				case m == nil:
					fails(rt, err, models.ErrNotFound)
				case m.succeeded > math.MaxInt64-succeeded, m.failed > math.MaxInt64-failed:
					fails(rt, err, models.ErrInvalid)
				default:
					require.NoError(rt, err)
					m.succeeded += succeeded
					m.failed += failed
				}
			},
			"": func(rt *rapid.T) {
				ordered := newest(all, func(*sessionModel) bool { return true })
				for i := range ordered { // by start; of equal starts, the later row is first
					for j := i; j > 0 && ordered[j].start.After(ordered[j-1].start); j-- {
						ordered[j], ordered[j-1] = ordered[j-1], ordered[j]
					}
				}
				active := []string{}
				byStatus := map[models.SessionStatus][]string{}
				for _, m := range ordered {
					byStatus[""] = append(byStatus[""], m.id)
					byStatus[m.status] = append(byStatus[m.status], m.id)
					if m.status == models.SessionRunning {
						active = append(active, m.id)
					}
					got, err := s.Get(ctx, m.id)
					require.NoError(rt, err)
					require.Equal(rt, []any{m.status, m.succeeded, m.failed}, []any{got.Status, got.SuccessfulOperations, got.FailedOperations})
					require.True(rt, m.start.Equal(got.StartTime))
					if m.status == models.SessionRunning {
						require.Nil(rt, got.EndTime)
						require.Nil(rt, got.TotalDurationMS)
						continue
					}
					require.True(rt, m.end.Equal(*got.EndTime))
					require.Equal(rt, m.end.Sub(m.start).Milliseconds(), *got.TotalDurationMS)
				}
				ids := func(rows []models.WorkflowSession) (list []string) {
					for _, r := range rows {
						list = append(list, r.SessionID)
					}
					return list
				}
				rows, err := s.Active(ctx)
				require.NoError(rt, err)
				require.Equal(rt, active, append([]string{}, ids(rows)...))
				for _, status := range append(models.SessionStatuses(), "") {
					var list []string
					page := repository.Page{Limit: 2}
					for {
						rows, next, err := s.List(ctx, repository.SessionFilter{Status: status, Page: page})
						require.NoError(rt, err)
						list = append(list, ids(rows)...)
						if page.Cursor = next; next == "" {
							break
						}
					}
					require.Equal(rt, byStatus[status], list, status)
				}
			},
		}
	})
}
