package contract

import (
	"context"
	"encoding/json"
	"errors"
	"maps"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// memoryModel is the expected state of an agent's memory; nil if it has none.
type memoryModel struct {
	own        map[string]any
	retries    int64
	lastError  string
	saves      int64
	executions map[models.ReceiptStatus]int64
}

// merged applies a merge patch (RFC 7396).
func merged(target, patch map[string]any) map[string]any {
	result := maps.Clone(target)
	if result == nil {
		result = map[string]any{}
	}
	for key, value := range patch {
		inner, object := value.(map[string]any)
		switch {
		case value == nil:
			delete(result, key)
		case object:
			under, _ := result[key].(map[string]any)
			result[key] = merged(under, inner)
		default:
			result[key] = value
		}
	}
	return result
}

// documents generates small JSON objects, with nulls.
func documents() *rapid.Generator[map[string]any] {
	key := rapid.SampledFrom([]string{"k", "l", "μ'"})
	scalar := rapid.SampledFrom([]any{nil, true, "v", 1.5, 7.0, []any{nil, "x"}, map[string]any{}})
	return rapid.MapOfN(key, rapid.OneOf(scalar, rapid.Custom(func(t *rapid.T) any {
		return rapid.MapOfN(key, scalar, 0, 2).Draw(t, "inner")
	})), 0, 3)
}

func statesMemory(t *T) {
	states(t, func(_ *rapid.T, ctx context.Context, d *database) map[string]func(*rapid.T) {
		m := d.store.Memory
		agents := []string{"ann", "bob"}
		agent := rapid.SampledFrom(append(agents, " "))
		all := map[string]*memoryModel{}
		// made returns the model of an agent, and creates its memory if it has none.
		made := func(agent string) *memoryModel {
			if all[agent] == nil {
				all[agent] = &memoryModel{own: map[string]any{}, executions: map[models.ReceiptStatus]int64{}}
			}
			return all[agent]
		}
		doc := func(rt *rapid.T) (map[string]any, models.JSON) {
			values := documents().Draw(rt, "doc")
			text, err := models.JSONOf(values)
			require.NoError(rt, err)
			return values, text
		}
		// wrote asserts the result of a write to an agent's memory, and applies it to the model.
		wrote := func(rt *rapid.T, agent string, err error, change func(*memoryModel)) {
			if agent == " " {
				fails(rt, err, models.ErrInvalid)
				return
			}
			require.NoError(rt, err)
			change(made(agent))
		}
		stop := errors.New("stop")
		return map[string]func(*rapid.T){
			"put": func(rt *rapid.T) {
				a := agent.Draw(rt, "agent")
				values, text := doc(rt)
				wrote(rt, a, m.Put(ctx, a, text), func(m *memoryModel) { m.own = values })
			},
			"merge": func(rt *rapid.T) {
				a := agent.Draw(rt, "agent")
				values, text := doc(rt)
				wrote(rt, a, m.Merge(ctx, a, text), func(m *memoryModel) { m.own = merged(m.own, values) })
			},
			"update": func(rt *rapid.T) {
				a, key, remove := agent.Draw(rt, "agent"), rapid.SampledFrom([]string{"k", "n"}).Draw(rt, "key"), rapid.Bool().Draw(rt, "remove")
				change := func(doc map[string]any) {
					if doc[key] = "updated"; remove {
						delete(doc, key)
					}
				}
				err := m.Update(ctx, a, func(doc map[string]any) error { change(doc); return nil })
				wrote(rt, a, err, func(m *memoryModel) { m.own = maps.Clone(m.own); change(m.own) })
			},
			"update stops": func(rt *rapid.T) {
				a := rapid.SampledFrom(agents).Draw(rt, "agent")
				fails(rt, m.Update(ctx, a, func(doc map[string]any) error { clear(doc); return stop }), stop)
			},
			"swap": func(rt *rapid.T) {
				a, right := rapid.SampledFrom(agents).Draw(rt, "agent"), rapid.Bool().Draw(rt, "right")
				values, text := doc(rt)
				row, err := m.Get(ctx, a)
				if err != nil {
					fails(rt, err, models.ErrNotFound)
				}
				tag := m.ETag(row)
				if !right {
					tag += "0"
				}
				err = m.CompareAndSwap(ctx, a, tag, text)
				if !right {
					fails(rt, err, models.ErrConflict)
					return
				}
				wrote(rt, a, err, func(m *memoryModel) { m.own = values })
			},
			"error": func(rt *rapid.T) {
				a, message := agent.Draw(rt, "agent"), rapid.SampledFrom([]string{"timeout", "'"}).Draw(rt, "message")
				wrote(rt, a, m.RecordError(ctx, a, message), func(m *memoryModel) { m.retries++; m.lastError = message })
			},
			"reset": func(rt *rapid.T) {
				a := rapid.SampledFrom(agents).Draw(rt, "agent")
				err := m.ResetRetries(ctx, a)
				if all[a] == nil {
					fails(rt, err, models.ErrNotFound)
					return
				}
				require.NoError(rt, err)
				all[a].retries = 0
			},
			"forget": func(rt *rapid.T) {
				a := rapid.SampledFrom(agents).Draw(rt, "agent")
				err := m.Forget(ctx, a)
				if all[a] == nil {
					fails(rt, err, models.ErrNotFound)
					return
				}
				require.NoError(rt, err)
				delete(all, a)
			},
			"receipt": func(rt *rapid.T) {
				r := receipt("")
				r.AgentID, r.Status = rapid.SampledFrom(agents).Draw(rt, "agent"), rapid.SampledFrom(models.ReceiptStatuses()).Draw(rt, "status")
				if r.Status != models.ReceiptPassed {
					r.ErrorMessage = "it " + string(r.Status)
				}
				require.NoError(rt, d.store.Receipts.Create(ctx, r))
				m := made(r.AgentID)
				m.saves++
				m.executions[r.Status]++
				switch r.Status {
				case models.ReceiptPassed:
					m.retries = 0
				case models.ReceiptFailed:
					m.retries++
					m.lastError = r.ErrorMessage
				}
			},
			"receipt refused": func(rt *rapid.T) {
				r := receipt("")
				r.AgentID, r.DurationMS = rapid.SampledFrom(agents).Draw(rt, "agent"), -1
				fails(rt, d.store.Receipts.Create(ctx, r), models.ErrInvalid)
			},
			"": func(rt *rapid.T) {
				rows, _, err := m.List(ctx, repository.MemoryFilter{})
				require.NoError(rt, err)
				require.Len(rt, rows, len(all))
				for _, agent := range agents {
					got, err := m.Get(ctx, agent)
					want := all[agent]
					if want == nil {
						fails(rt, err, models.ErrNotFound)
						continue
					}
					require.NoError(rt, err)
					want.holds(rt, got)
					require.Equal(rt, len(want.own) == 0, m.ETag(got) == "")
				}
			},
		}
	})
}

// holds asserts that a row matches the model.
func (m *memoryModel) holds(t *rapid.T, row *models.AgentMemory) {
	doc := map[string]any{}
	require.NoError(t, row.MemoryJSON.Decode(&doc))
	activity, _ := doc[models.ActivityKey].(map[string]any)
	delete(doc, models.ActivityKey)
	want, err := json.Marshal(m.own)
	require.NoError(t, err)
	got, err := json.Marshal(doc)
	require.NoError(t, err)
	require.JSONEq(t, string(want), string(got))
	require.Equal(t, []any{m.retries, m.lastError}, []any{row.RetryCount, row.LastError})
	if m.saves == 0 {
		require.Empty(t, activity["saves"])
		return
	}
	require.EqualValues(t, m.saves, activity["saves"])
	executions, _ := activity["executions"].(map[string]any)
	for _, status := range models.ReceiptStatuses() {
		require.EqualValues(t, m.executions[status], executions[string(status)], status)
	}
}
