package contract

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/hooks"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

var historyCases = cases{
	"At":      historyAt,
	"Foreign": historyForeign,
	"History": historyHistory,
	"Index":   historyIndex,
	"Pages":   historyPages,
	"Refused": historyRefused,
}

// lines returns versions as "action document actor execution".
func lines(list []repository.MemoryVersion) (all []string) {
	for _, v := range list {
		line := fmt.Sprintf("%s %s %s %s", v.Action, v.Document, v.ChangedBy, v.ExecutionID)
		if v.Unknown {
			line += " unknown"
		}
		all = append(all, strings.TrimSpace(line))
	}
	return all
}

func history(t *T, store *tier2.Store, agent string, f repository.HistoryFilter) []repository.MemoryVersion {
	t.Helper()
	list, next, err := store.Memory.History(t.Context(), agent, f)
	require.NoError(t, err)
	assert.Empty(t, next)
	return list
}

// lived returns a store in which agent a has a memory from 12:00:10 on and another from :20,
// forgets it at :40, and has a new one from :50. Other events add no version.
func lived(t *T) *tier2.Store {
	t.Helper()
	store, clock := openClock(t)
	ctx := t.Context()
	step := func(ctx context.Context, do func(context.Context) error) {
		clock.Set(clock.Now().Add(10 * time.Second))
		require.NoError(t, do(ctx))
	}
	put := func(doc string) func(context.Context) error {
		return func(ctx context.Context) error { return store.Memory.Put(ctx, "a", models.JSON(doc)) }
	}
	step(ctx, put(`{"z":1.50,"plan":"<b>","apiToken":"hunter2"}`))
	step(hooks.WithExecution(hooks.WithActor(ctx, "chief"), "x1"), put(`{"a":12345678901234567890}`))
	step(ctx, func(ctx context.Context) error {
		r := receipt("r")
		r.AgentID, r.Status, r.ErrorMessage = "a", models.ReceiptFailed, "no"
		require.NoError(t, store.Receipts.Create(ctx, r))
		require.NoError(t, store.Memory.RecordError(ctx, "a", "again"))
		require.NoError(t, store.Memory.Put(ctx, "b", models.JSON(`{"of":"b"}`)))
		return store.Memory.ResetRetries(ctx, "a")
	})
	step(ctx, func(ctx context.Context) error { return store.Memory.Forget(ctx, "a") })
	step(ctx, put(`{}`))
	require.Error(t, store.DB().Create(&models.AgentMemory{AgentID: "a", MemoryJSON: models.JSON(`{"refused":1}`)}).Error)
	return store
}

func historyHistory(t *T) {
	store := lived(t)
	list := history(t, store, "a", repository.HistoryFilter{})
	assert.Equal(t, []string{
		"create {} a", "delete  a", `update {"a":12345678901234567890} chief x1`, `create {"apiToken":"[redacted]","plan":"<b>","z":1.50} a`,
	}, lines(list))
	assert.Nil(t, list[1].Document)
	base := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	for i, seconds := range []time.Duration{50, 40, 20, 10} {
		assert.Equal(t, models.At(base.Add(seconds*time.Second)), list[i].Timestamp)
		if i > 0 {
			assert.Less(t, list[i].EntryID, list[i-1].EntryID)
		}
	}
	assert.Equal(t, list[1:3], history(t, store, "a", repository.HistoryFilter{Since: list[2].Timestamp.Time, Until: list[0].Timestamp.Time}))
	assert.Equal(t, []string{`create {"of":"b"} b`}, lines(history(t, store, "b", repository.HistoryFilter{})))
	assert.Empty(t, history(t, store, "nobody", repository.HistoryFilter{}))
	assert.Empty(t, history(t, store, "coder", repository.HistoryFilter{}), "the store's own counting is no version")

	require.NoError(t, store.Transaction(t.Context(), func(tx *tier2.Store) error {
		require.NoError(t, tx.Memory.Forget(t.Context(), "a"))
		assert.Len(t, history(t, tx, "a", repository.HistoryFilter{}), 5, "inside a transaction as well")
		return nil
	}))
	assert.Len(t, history(t, store, "a", repository.HistoryFilter{}), 5)
}

func historyAt(t *T) {
	store := lived(t)
	for seconds, want := range map[float64]string{
		9.999999: "", 10: "create", 19.999999: "create", 20: "update", 39: "update", 40: "", 49.9: "", 50: "create", 1e6: "create",
	} {
		at := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC).Add(time.Duration(seconds * float64(time.Second)))
		v, err := store.Memory.At(t.Context(), "a", at.In(time.FixedZone("", 3600)))
		if want == "" {
			require.ErrorIs(t, err, models.ErrNotFound, "%v", seconds)
			continue
		}
		require.NoError(t, err, "%v", seconds)
		assert.Equal(t, want, v.Action, "%v", seconds)
	}
	_, err := store.Memory.At(t.Context(), "nobody", time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC))
	require.ErrorIs(t, err, models.ErrNotFound)
	v, err := store.Memory.At(t.Context(), "a", time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC))
	require.NoError(t, err)
	assert.Equal(t, `{}`, v.Document.String())
}

// historyForeign: entries without the document, from an earlier release or another program,
// are versions with an unknown document.
func historyForeign(t *T) {
	store, ctx := open(t), t.Context()
	entry := func(operation string, status models.AuditStatus, doc string) {
		require.NoError(t, store.Audit.Record(ctx, &models.AuditEntry{AgentID: "w", Operation: operation, Status: status, ContextJSON: models.JSON(doc)}))
	}
	entry("agent_memory.create", models.AuditCompleted, `{"v":1,"table":"agent_memory","action":"create","id":1,"key":"a"}`)
	entry("agent_memory.update", models.AuditCompleted, `{"v":1,"key":"a","changes":{"retry_count":{"from":0,"to":1}}}`)
	entry("agent_memory.update", models.AuditCompleted, `{"key":"a","changes":{"memory_json":5}}`)
	entry("agent_memory.update", models.AuditCompleted, `{"key":"a","changes":{"memory_json":{"from":"{}","to":"[]"}}}`)
	entry("agent_memory.update", models.AuditCompleted, `{"key":"a","changes":{"memory_json":{"from":"{}","to":"{\"k\":1,\"_activity\":{}}"}}}`)
	entry("agent_memory.update", models.AuditFailed, `{"key":"a","changes":{"memory_json":{"from":"{}","to":"{}"}}}`)
	entry("agent_memory.update", models.AuditCompleted, `{"key":1,"changes":{"memory_json":{"from":"{}","to":"{}"}}}`)
	entry("something else", models.AuditCompleted, `{"key":"a","changes":{"memory_json":{"from":"{}","to":"{}"}}}`)
	assert.Equal(t, []string{`update {"k":1} w`, "update  w  unknown", "update  w  unknown", "create  w  unknown"}, lines(history(t, store, "a", repository.HistoryFilter{})))
}

func historyPages(t *T) {
	store, ctx := open(t), t.Context()
	for i := range 7 {
		require.NoError(t, store.Memory.Put(ctx, "a", models.JSON(fmt.Sprintf(`{"n":%d}`, i))))
	}
	whole := history(t, store, "a", repository.HistoryFilter{})
	require.Len(t, whole, 7)
	for _, limit := range []int{0, 1, 3, 7} {
		page := repository.Page{Limit: limit}
		var walked []repository.MemoryVersion
		for limit > 0 {
			list, next, err := store.Memory.History(ctx, "a", repository.HistoryFilter{Page: page})
			require.NoError(t, err)
			walked = append(walked, list...)
			if page.Cursor = next; next == "" {
				assert.Equal(t, whole, walked)
				break
			}
			require.Len(t, list, limit)
		}
		var all []repository.MemoryVersion
		for v, err := range store.Memory.HistoryAll(ctx, "a", repository.HistoryFilter{Page: repository.Page{Limit: limit}}) {
			require.NoError(t, err)
			all = append(all, v)
		}
		assert.Equal(t, whole, all)
	}
	for range store.Memory.HistoryAll(ctx, "a", repository.HistoryFilter{Page: repository.Page{Limit: 2}}) {
		break
	}
}

func historyRefused(t *T) {
	store := lived(t)
	before := dump(t, store)
	_, next, err := store.Audit.List(t.Context(), repository.AuditFilter{Page: repository.Page{Limit: 1}})
	require.NoError(t, err)
	require.NotEmpty(t, next)
	noon, page := noon, func(limit int, cursor string) repository.HistoryFilter {
		return repository.HistoryFilter{Page: repository.Page{Limit: limit, Cursor: cursor}}
	}
	for name, call := range map[string]struct {
		agent string
		f     repository.HistoryFilter
	}{
		"Blank": {agent: " "}, "NUL": {agent: "a\x00"}, "NotUTF8": {agent: "\xff"}, "Negative": {"a", page(-1, "")}, "Huge": {"a", page(1001, "")},
		"Cursor": {"a", page(0, "x")}, "CursorOfAnotherList": {"a", page(0, next)}, "Until": {"a", repository.HistoryFilter{Since: noon, Until: noon.Add(-1)}},
	} {
		list, next, err := store.Memory.History(t.Context(), call.agent, call.f)
		require.ErrorIs(t, err, models.ErrInvalid, name)
		assert.Empty(t, list, name)
		assert.Empty(t, next, name)
		for _, err := range store.Memory.HistoryAll(t.Context(), call.agent, call.f) {
			require.ErrorIs(t, err, models.ErrInvalid, name)
		}
		if call.f == (repository.HistoryFilter{}) {
			_, err = store.Memory.At(t.Context(), call.agent, noon)
			require.ErrorIs(t, err, models.ErrInvalid, name)
		}
	}
	_, err = store.Memory.At(t.Context(), "a", time.Time{})
	require.ErrorIs(t, err, models.ErrInvalid)

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err = store.Memory.History(ended, "a", repository.HistoryFilter{})
	require.ErrorIs(t, err, context.Canceled)
	_, err = store.Memory.At(ended, "a", noon)
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, before, dump(t, store))

	closed, err := tier2.Open(t.Context(), t.engine.DSN(t), t.engine.Options...)
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	_, _, err = closed.Memory.History(t.Context(), "a", repository.HistoryFilter{})
	require.ErrorIs(t, err, models.ErrClosed)
	_, err = closed.Memory.At(t.Context(), "a", noon)
	require.ErrorIs(t, err, models.ErrClosed)
}
