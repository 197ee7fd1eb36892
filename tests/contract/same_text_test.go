package contract

import (
	"context"
	"math/rand/v2"
	"strings"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2/hooks"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// random returns text that does not compress, the same at every call.
func random(n int) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	source := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[source.IntN(len(letters))]
	}
	return string(b)
}

// sameLongText: texts and documents of 5 MB are stored completely.
func sameLongText(t *T) {
	store, ctx := open(t), t.Context()
	long := random(5 << 20)
	r := receipt("x")
	r.Status, r.ErrorMessage, r.ReceiptJSON = models.ReceiptFailed, long, models.JSON(`{"log": "`+long+`"}`)
	require.NoError(t, store.Receipts.Create(ctx, r))
	got, err := store.Receipts.Get(ctx, "x")
	require.NoError(t, err)
	assert.True(t, long == got.ErrorMessage, "error_message")
	assert.True(t, string(r.ReceiptJSON) == string(got.ReceiptJSON), "receipt_json")
	require.NoError(t, store.Memory.Merge(ctx, "coder", models.JSON(`{"log":"`+long+`"}`)))
	memory, err := store.Memory.Get(ctx, "coder")
	require.NoError(t, err)
	assert.True(t, long == memory.LastError, "last_error")
	var doc struct{ Log string }
	require.NoError(t, memory.MemoryJSON.Decode(&doc))
	assert.True(t, long == doc.Log, "memory_json")
	entry := &models.AuditEntry{AgentID: "coder", Operation: "o", Status: models.AuditFailed, ErrorMessage: long, ContextJSON: models.JSON(`["` + long + `"]`)}
	require.NoError(t, store.Audit.Record(ctx, entry))
	entries, _, err := store.Audit.List(ctx, repository.AuditFilter{Operation: "o"})
	require.NoError(t, err)
	require.Len(t, entries, 1)
	assert.True(t, long == entries[0].ErrorMessage && string(entry.ContextJSON) == string(entries[0].ContextJSON), "audit_log")
}

// sameTextNotStored: every engine rejects text that one of them cannot store, before any
// SQL, in rows, keys and filters.
func sameTextNotStored(t *T) {
	store := open(t)
	saved(t, store, "x")
	var cases []refusal
	for name, bad := range map[string]string{"NUL": "a\x00b", "NotUTF8": "a\xffb"} {
		r := receipt("y")
		r.Environment = bad
		m := metric("x", models.StageEmit)
		m.ErrorMessage = bad
		v := violation("x")
		v.Description = bad
		c := collision("s")
		c.Description = bad
		for call, do := range map[string]func(context.Context) error{
			"Receipt":   func(ctx context.Context) error { return store.Receipts.Create(ctx, r) },
			"Metric":    func(ctx context.Context) error { return store.Metrics.Record(ctx, m) },
			"Violation": func(ctx context.Context) error { return store.Violations.Record(ctx, v) },
			"Collision": func(ctx context.Context) error { return store.Collisions.Report(ctx, c) },
			"LastError": func(ctx context.Context) error { return store.Memory.RecordError(ctx, "coder", bad) },
			"Agent":     func(ctx context.Context) error { return store.Memory.Put(ctx, bad, models.JSON(`{}`)) },
			"Session": func(ctx context.Context) error {
				return store.Sessions.Start(ctx, &models.WorkflowSession{SessionID: bad})
			},
			"Trail":      func(ctx context.Context) error { _, err := store.Audit.Trail(ctx, bad); return err },
			"Resolution": func(ctx context.Context) error { return store.Collisions.Resolve(ctx, 1, bad) },
			"Between":    func(ctx context.Context) error { _, err := store.Collisions.BetweenAgents(ctx, "a", bad); return err },
			"ReceiptFilter": func(ctx context.Context) error {
				_, _, err := store.Receipts.List(ctx, repository.ReceiptFilter{AgentID: bad})
				return err
			},
			"EnvironmentFilter": func(ctx context.Context) error {
				for _, err := range store.Receipts.All(ctx, repository.ReceiptFilter{Environment: bad}) {
					return err
				}
				return nil
			},
			"AuditFilter": func(ctx context.Context) error {
				_, _, err := store.Audit.List(ctx, repository.AuditFilter{Operation: bad})
				return err
			},
			"ExecutionFilter": func(ctx context.Context) error {
				_, _, err := store.Audit.List(ctx, repository.AuditFilter{ExecutionID: bad})
				return err
			},
			"CollisionFilter": func(ctx context.Context) error {
				_, _, err := store.Collisions.List(ctx, repository.CollisionFilter{AgentID: bad})
				return err
			},
			"SessionOfCollisions": func(ctx context.Context) error {
				_, _, err := store.Collisions.Unresolved(ctx, repository.CollisionFilter{SessionID: bad})
				return err
			},
		} {
			cases = append(cases, refusal{call + "/" + name, models.ErrInvalid, do})
		}
	}
	refused(t, store, cases)
	bad := receipt("a\x00b")
	require.Error(t, store.Receipts.Create(t.Context(), bad))
	recent, err := store.Reports.RecentExecutions(t.Context())
	require.NoError(t, err, "the failed entries can be asked")
	assert.Len(t, recent, 1)
}

// sameReceiptBytes: receipt_json and the context of an entry are evidence and stored byte
// for byte.
func sameReceiptBytes(t *T) {
	store, ctx := open(t), t.Context()
	for name, doc := range map[string]string{
		"Spaces":     " {\t\"b\" : 1 ,\r\n \"a\":[ ]} \n",
		"Order":      `{"zz":1,"b":2,"a":3,"ccc":4}`,
		"Twice":      `{"a":1,"a":2,"a":1}`,
		"Numbers":    `[1.0,1e2,-0,1E+400,12345678901234567890.10,0.10]`,
		"Escapes":    `"\u00e9\u00E9\/\ud83d\ude80\\u0000 é / 🚀 \u2028"`,
		"Scalar":     `null`,
		"EmptyKey":   `{"":{"":[]}}`,
		"DeepArrays": strings.Repeat("[", models.MaxJSONDepth) + strings.Repeat("]", models.MaxJSONDepth),
	} {
		t.Run(name, func(t *T) {
			r := receipt(name)
			r.ReceiptJSON = models.JSON(doc)
			require.NoError(t, store.Receipts.Create(ctx, r))
			got, err := store.Receipts.Get(ctx, name)
			require.NoError(t, err)
			assert.Equal(t, doc, got.ReceiptJSON.String())
			entry := &models.AuditEntry{AgentID: name, Operation: "own", Status: models.AuditStarted, ContextJSON: models.JSON(doc)}
			require.NoError(t, store.Audit.Record(ctx, entry))
			entries, _, err := store.Audit.List(ctx, repository.AuditFilter{AgentID: name})
			require.NoError(t, err)
			require.Len(t, entries, 1)
			assert.Equal(t, doc, entries[0].ContextJSON.String())
		})
	}
	_, err := store.Reports.RecentExecutions(ctx)
	require.NoError(t, err)
}

// sameLongKeys: a key has at most 1,000 bytes, which fits into every index.
func sameLongKeys(t *T) {
	store, ctx := open(t), t.Context()
	most := random(models.MaxKeyBytes)
	r := receipt(most)
	r.AgentID = most
	r.Violations = []models.SLOViolation{*violation("")}
	r.Violations[0].Metric = most
	require.NoError(t, store.Receipts.Create(ctx, r))
	session(t, store, most)
	c := collision(most)
	c.AgentID1, c.AgentID2 = most[:999]+"1", most[:999]+"2"
	require.NoError(t, store.Collisions.Report(ctx, c))
	got, err := store.Receipts.Get(ctx, most)
	require.NoError(t, err)
	assert.Equal(t, most, got.AgentID)

	long := most + "x"
	m := violation(most)
	m.Metric = long
	c = collision(most)
	c.AgentID2 = long
	byID, byAgent := receipt(long), receipt("x")
	byAgent.AgentID = long
	refused(t, store, []refusal{
		{"Receipt", models.ErrInvalid, func(ctx context.Context) error { return store.Receipts.Create(ctx, byID) }},
		{"Agent", models.ErrInvalid, func(ctx context.Context) error { return store.Receipts.Create(ctx, byAgent) }},
		{"Session", models.ErrInvalid, func(ctx context.Context) error {
			return store.Sessions.Start(ctx, &models.WorkflowSession{SessionID: long})
		}},
		{"Metric", models.ErrInvalid, func(ctx context.Context) error { return store.Violations.Record(ctx, m) }},
		{"Collision", models.ErrInvalid, func(ctx context.Context) error { return store.Collisions.Report(ctx, c) }},
		{"Memory", models.ErrInvalid, func(ctx context.Context) error { return store.Memory.Put(ctx, long, models.JSON(`{}`)) }},
		{"Audit", models.ErrInvalid, func(ctx context.Context) error {
			return store.Audit.Record(ctx, &models.AuditEntry{AgentID: long, Operation: "o", Status: models.AuditStarted})
		}},
	})
}

// sameActors: an actor that does not fit into agent_id is rejected, and the failed entry
// holds as much of it as can be stored. A blank actor counts as no actor.
func sameActors(t *T) {
	store := open(t)
	for name, actor := range map[string]string{"NUL": "a\x00b", "NotUTF8": "a\xffb", "Long": random(models.MaxKeyBytes + 1)} {
		t.Run(name, func(t *T) {
			before := dump(t, store)
			err := store.Receipts.Create(hooks.WithActor(t.Context(), actor), receipt("x"))
			require.ErrorIs(t, err, models.ErrInvalid)
			var e *models.Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, []any{"audit_log", "agent_id", actor}, []any{e.Table, e.Column, e.Value})
			assert.Equal(t, before, dump(t, store))
			failed, _, err := store.Audit.List(t.Context(), repository.AuditFilter{Status: models.AuditFailed, Page: repository.Page{Limit: 1}})
			require.NoError(t, err)
			require.Len(t, failed, 1)
			assert.Equal(t, actor[:1], failed[0].AgentID[:1])
		})
	}
	require.NoError(t, store.Receipts.Create(hooks.WithActor(t.Context(), " \t"), receipt("x")))
	assert.Contains(t, entries(t, store), "receipts.create completed coder x")
}
