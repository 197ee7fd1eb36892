package contract

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"sync"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

var memoryCases = cases{
	"CompareAndSwap":     memoryCompareAndSwap,
	"ErrorsAndForget":    memoryErrorsAndForget,
	"KeepsActivity":      memoryKeepsActivity,
	"Refused":            memoryRefused,
	"UpdateLosesNothing": memoryUpdateLosesNothing,
}

// own returns an agent's memory_json without the store's counts, and the counts.
func own(t *T, store *tier2.Store, agent string) (own, activity string) {
	t.Helper()
	m, err := store.Memory.Get(t.Context(), agent)
	require.NoError(t, err)
	doc := map[string]json.RawMessage{}
	require.NoError(t, m.MemoryJSON.Decode(&doc))
	activity = string(doc[models.ActivityKey])
	delete(doc, models.ActivityKey)
	b, err := json.Marshal(doc)
	require.NoError(t, err)
	return string(b), activity
}

func memoryKeepsActivity(t *T) {
	store, ctx := open(t), t.Context()
	require.NoError(t, store.Memory.Put(ctx, "coder", models.JSON(`{"a":1,"gone":true}`)))
	saved(t, store, "x")
	_, activity := own(t, store, "coder")
	require.NotEmpty(t, activity)
	steps := []struct {
		name string
		call func() error
		want string
	}{
		{"Put", func() error {
			return store.Memory.Put(ctx, "coder", models.JSON(`{"a":12345678901234567890.10,"b":{"c":"<&>"}}`))
		}, `{"a":12345678901234567890.10,"b":{"c":"\u003c\u0026\u003e"}}`},
		{"Merge", func() error {
			return store.Memory.Merge(ctx, "coder", models.JSON(`{"b":{"c":null,"d":[1,null]},"e":null}`))
		}, `{"a":12345678901234567890.10,"b":{"d":[1,null]}}`},
		{"Update", func() error {
			return store.Memory.Update(ctx, "coder", func(doc map[string]any) error {
				assert.Equal(t, json.Number("12345678901234567890.10"), doc["a"])
				assert.NotContains(t, doc, models.ActivityKey)
				delete(doc, "b")
				doc["f"] = true
				return nil
			})
		}, `{"a":12345678901234567890.10,"f":true}`},
		{"PutBack", func() error {
			m, err := store.Memory.Get(ctx, "coder")
			require.NoError(t, err)
			return store.Memory.Put(ctx, "coder", m.MemoryJSON)
		}, `{"a":12345678901234567890.10,"f":true}`},
		{"PutActivity", func() error { return store.Memory.Put(ctx, "coder", models.JSON(`{"_activity":0}`)) }, `{}`},
	}
	for _, step := range steps {
		require.NoError(t, step.call(), step.name)
		got, counted := own(t, store, "coder")
		assert.Equal(t, step.want, got, step.name)
		assert.JSONEq(t, activity, counted, step.name)
	}
}

func memoryCompareAndSwap(t *T) {
	store, ctx := open(t), t.Context()
	assert.Empty(t, store.Memory.ETag(nil))
	require.NoError(t, store.Memory.CompareAndSwap(ctx, "coder", "", models.JSON(`{"a":1,"b":2}`)))
	m, err := store.Memory.Get(ctx, "coder")
	require.NoError(t, err)
	tag := store.Memory.ETag(m)
	require.NotEmpty(t, tag)
	assert.Equal(t, tag, store.Memory.ETag(&models.AgentMemory{MemoryJSON: models.JSON(`{ "b":2, "_activity":{}, "a":1}`)}))
	saved(t, store, "x") // the store's own counts are no conflict
	require.NoError(t, store.Memory.CompareAndSwap(ctx, "coder", tag, models.JSON(`{"a":2}`)))
	swap := func(tag string) func(context.Context) error {
		return func(ctx context.Context) error {
			return store.Memory.CompareAndSwap(ctx, "coder", tag, models.JSON(`{"a":3}`))
		}
	}
	refused(t, store, []refusal{
		{"Stale", models.ErrConflict, swap(tag)},
		{"MustBeNew", models.ErrConflict, swap("")},
		{"Unknown", models.ErrConflict, func(ctx context.Context) error {
			return store.Memory.CompareAndSwap(ctx, "nobody", tag, models.JSON(`{}`))
		}},
		{"NoObject", models.ErrInvalid, func(ctx context.Context) error {
			return store.Memory.CompareAndSwap(ctx, "coder", tag, models.JSON(`[]`))
		}},
	})
}

func memoryUpdateLosesNothing(t *T) {
	store := open(t)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 25 {
				assert.NoError(t, store.Memory.Update(t.Context(), "coder", func(doc map[string]any) error {
					n, _ := doc["n"].(json.Number)
					i, _ := n.Int64()
					doc["n"] = i + 1
					return nil
				}))
				assert.NoError(t, store.Memory.RecordError(t.Context(), "coder", "again"))
			}
		})
	}
	group.Wait()
	got, _ := own(t, store, "coder")
	assert.JSONEq(t, `{"n":200}`, got)
	m, err := store.Memory.Get(t.Context(), "coder")
	require.NoError(t, err)
	assert.EqualValues(t, 200, m.RetryCount)
}

func memoryErrorsAndForget(t *T) {
	store, ctx := open(t), t.Context()
	require.NoError(t, store.Memory.RecordError(ctx, "coder", "first"))
	require.NoError(t, store.Memory.RecordError(ctx, "coder", "second"))
	m, err := store.Memory.Get(ctx, "coder")
	require.NoError(t, err)
	assert.EqualValues(t, 2, m.RetryCount)
	assert.Equal(t, "second", m.LastError)
	require.NoError(t, store.Memory.ResetRetries(ctx, "coder"))
	m, err = store.Memory.Get(ctx, "coder")
	require.NoError(t, err)
	assert.Zero(t, m.RetryCount)
	assert.Equal(t, "second", m.LastError)
	rows, _, err := store.Memory.List(ctx, repository.MemoryFilter{UpdatedSince: start, UpdatedUntil: start.Add(time.Second)})
	require.NoError(t, err)
	assert.Equal(t, []models.AgentMemory{*m}, rows)
	rows, _, err = store.Memory.List(ctx, repository.MemoryFilter{UpdatedUntil: start})
	require.NoError(t, err)
	assert.Empty(t, rows)
	require.NoError(t, store.Memory.Forget(ctx, "coder"))
	_, err = store.Memory.Get(ctx, "coder")
	require.ErrorIs(t, err, models.ErrNotFound)
}

func memoryRefused(t *T) {
	store := open(t)
	require.NoError(t, store.Memory.Put(t.Context(), "coder", models.JSON(`{"a":1}`)))
	require.NoError(t, store.DB().Exec(`INSERT INTO agent_memory (agent_id, memory_json) VALUES ('list', '[1]')`).Error)
	stop := errors.New("stop")
	put := func(agent, doc string) func(context.Context) error {
		return func(ctx context.Context) error { return store.Memory.Put(ctx, agent, models.JSON(doc)) }
	}
	merge := func(agent, doc string) func(context.Context) error {
		return func(ctx context.Context) error { return store.Memory.Merge(ctx, agent, models.JSON(doc)) }
	}
	update := func(agent string, fn func(doc map[string]any) error) func(context.Context) error {
		return func(ctx context.Context) error { return store.Memory.Update(ctx, agent, fn) }
	}
	set := func(key string, value any) func(map[string]any) error {
		return func(doc map[string]any) error { doc[key] = value; return nil }
	}
	refused(t, store, []refusal{
		{"GetBlank", models.ErrInvalid, func(ctx context.Context) error { _, err := store.Memory.Get(ctx, ""); return err }},
		{"GetUnknown", models.ErrNotFound, func(ctx context.Context) error { _, err := store.Memory.Get(ctx, "no"); return err }},
		{"PutBlank", models.ErrInvalid, put(" ", "{}")},
		{"PutInvalid", models.ErrInvalid, put("coder", "{")},
		{"PutList", models.ErrInvalid, put("coder", "[]")},
		{"PutNull", models.ErrInvalid, put("coder", "null")},
		{"PutOverCorrupt", models.ErrCorrupt, put("list", "{}")},
		{"MergeInvalid", models.ErrInvalid, merge("coder", `{"a"`)},
		{"MergeList", models.ErrInvalid, merge("coder", `[]`)},
		{"MergeActivity", models.ErrInvalid, merge("coder", `{"_activity":null}`)},
		{"MergeCorrupt", models.ErrCorrupt, merge("list", `{"a":2}`)},
		{"UpdateNil", models.ErrInvalid, update("coder", nil)},
		{"UpdateFails", stop, update("coder", func(doc map[string]any) error { doc["a"] = 2; return stop })},
		{"UpdateNewFails", stop, update("new", func(map[string]any) error { return stop })},
		{"UpdateActivity", models.ErrInvalid, update("coder", set(models.ActivityKey, 1))},
		{"UpdateNaN", models.ErrInvalid, update("coder", set("a", math.NaN()))},
		{"UpdateChan", models.ErrInvalid, update("coder", set("a", make(chan int)))},
		{"UpdateCorrupt", models.ErrCorrupt, update("list", set("a", 1))},
		{"ErrorBlank", models.ErrInvalid, func(ctx context.Context) error { return store.Memory.RecordError(ctx, "coder", "") }},
		{"ErrorBlankAgent", models.ErrInvalid, func(ctx context.Context) error { return store.Memory.RecordError(ctx, "", "no") }},
		{"ResetBlank", models.ErrInvalid, func(ctx context.Context) error { return store.Memory.ResetRetries(ctx, "") }},
		{"ResetUnknown", models.ErrNotFound, func(ctx context.Context) error { return store.Memory.ResetRetries(ctx, "no") }},
		{"ForgetBlank", models.ErrInvalid, func(ctx context.Context) error { return store.Memory.Forget(ctx, "") }},
		{"ForgetUnknown", models.ErrNotFound, func(ctx context.Context) error { return store.Memory.Forget(ctx, "no") }},
		{"ListLimit", models.ErrInvalid, func(ctx context.Context) error {
			_, _, err := store.Memory.List(ctx, repository.MemoryFilter{Page: repository.Page{Limit: 1001}})
			return err
		}},
	})
	before := dump(t, store)
	assert.Panics(t, func() {
		_ = store.Memory.Update(t.Context(), "coder", func(map[string]any) error { panic("no") })
	})
	assert.Equal(t, before, dump(t, store))
}
