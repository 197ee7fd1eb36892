package contract

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// collisionModel is the expected state of a collision.
type collisionModel struct {
	id                        int64
	session, a, b, resolution string
	kind                      models.CollisionType
	severity                  models.Severity
}

func (m collisionModel) of(agent string) bool { return m.a == agent || m.b == agent }

func statesCollisions(t *T) {
	states(t, func(rt *rapid.T, ctx context.Context, d *database) map[string]func(*rapid.T) {
		c := d.store.Collisions
		for _, id := range []string{"s1", "s2"} {
			require.NoError(rt, d.store.Sessions.Start(ctx, &models.WorkflowSession{SessionID: id}))
		}
		var all []*collisionModel
		agents := []string{"a", "b", "c"}
		agent := rapid.SampledFrom(agents)
		check := func(rt *rapid.T, keep func(collisionModel) bool, rows []models.Collision, err error) {
			require.NoError(rt, err)
			want := newest(all, func(m *collisionModel) bool { return keep(*m) })
			got := []*collisionModel{}
			for _, r := range rows {
				got = append(got, &collisionModel{r.ID, r.SessionID, r.AgentID1, r.AgentID2, r.Resolution, r.CollisionType, r.Severity})
			}
			require.Equal(rt, want, got)
		}
		list := func(list func(context.Context, repository.CollisionFilter) ([]models.Collision, string, error), f repository.CollisionFilter) (all []models.Collision, _ error) {
			f.Limit = 3
			for {
				rows, next, err := list(ctx, f)
				all = append(all, rows...)
				if f.Cursor = next; next == "" || err != nil {
					return all, err
				}
			}
		}
		return map[string]func(*rapid.T){
			"report": func(rt *rapid.T) {
				m := &collisionModel{
					session: rapid.SampledFrom([]string{"s1", "s2", "s3"}).Draw(rt, "session"), a: agent.Draw(rt, "a"), b: agent.Draw(rt, "b"),
					kind: rapid.SampledFrom(models.CollisionTypes()[:2]).Draw(rt, "type"), severity: rapid.SampledFrom(models.Severities()).Draw(rt, "severity"),
				}
				row := &models.Collision{SessionID: m.session, AgentID1: m.a, AgentID2: m.b, CollisionType: m.kind, Severity: m.severity, Description: "both"}
				err := c.Report(ctx, row)
				switch {
				case m.a == m.b:
					fails(rt, err, models.ErrInvalid)
				case m.session == "s3":
					fails(rt, err, models.ErrForeignKey)
				default:
					require.NoError(rt, err)
					m.id = row.ID
					all = append(all, m)
				}
			},
			"resolve": func(rt *rapid.T) {
				i := rapid.IntRange(-1, len(all)).Draw(rt, "which")
				how := rapid.SampledFrom([]string{"a first", "b first", ""}).Draw(rt, "how")
				m := &collisionModel{id: 1 << 40}
				if i >= 0 && i < len(all) {
					m = all[i]
				}
				err := c.Resolve(ctx, m.id, how)
				switch {
				case how == "":
					fails(rt, err, models.ErrInvalid)
				case m.session == "":
					fails(rt, err, models.ErrNotFound)
				case m.resolution != "":
					fails(rt, err, models.ErrConflict)
					var e *models.Error
					require.True(rt, errors.As(err, &e))
					require.Equal(rt, m.resolution, e.Value)
				default:
					require.NoError(rt, err)
					m.resolution = how
				}
			},
			"": func(rt *rapid.T) {
				everything := func(collisionModel) bool { return true }
				rows, err := list(c.List, repository.CollisionFilter{})
				check(rt, everything, rows, err)
				rows, err = list(c.Unresolved, repository.CollisionFilter{})
				check(rt, func(m collisionModel) bool { return m.resolution == "" }, rows, err)
				rows, err = list(c.Unresolved, repository.CollisionFilter{AgentID: "a", Severity: models.SeverityWarning})
				check(rt, func(m collisionModel) bool {
					return m.resolution == "" && m.of("a") && m.severity == models.SeverityWarning
				}, rows, err)
				for _, session := range []string{"s1", "s2", "s3"} {
					rows, err = c.BySession(ctx, session)
					check(rt, func(m collisionModel) bool { return m.session == session }, rows, err)
				}
				rows, err = c.BetweenAgents(ctx, "b", "a")
				check(rt, func(m collisionModel) bool { return m.of("a") && m.of("b") }, rows, err)
				for _, agent := range agents {
					n := len(newest(all, func(m *collisionModel) bool { return m.of(agent) }))
					memory, err := d.store.Memory.Get(ctx, agent)
					if n == 0 {
						fails(rt, err, models.ErrNotFound)
						continue
					}
					require.NoError(rt, err)
					var history []json.RawMessage
					require.NoError(rt, memory.CollisionHistory.Decode(&history))
					require.Len(rt, history, min(n, models.CollisionHistoryLimit))
				}
			},
		}
	})
}
