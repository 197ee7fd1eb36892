package contract

import (
	"bytes"
	"context"
	"encoding/json"
	"math/big"
	"strings"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// sameMergePatch: the examples of RFC 7396, appendix A, for objects.
func sameMergePatch(t *T) {
	store, ctx := open(t), t.Context()
	for _, tt := range []struct{ original, patch, want string }{
		{`{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"b"}`, `{"b":"c"}`, `{"a":"b","b":"c"}`},
		{`{"a":"b"}`, `{"a":null}`, `{}`},
		{`{"a":"b","b":"c"}`, `{"a":null}`, `{"b":"c"}`},
		{`{"a":["b"]}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"c"}`, `{"a":["b"]}`, `{"a":["b"]}`},
		{`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`},
		{`{"a":[{"b":"c"}]}`, `{"a":[1]}`, `{"a":[1]}`},
		{`{"e":null}`, `{"a":1}`, `{"a":1,"e":null}`},
		{`{"a":"foo"}`, `{"b":{"c":null}}`, `{"a":"foo","b":{}}`},
		{`{}`, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{}}}`},
		{`{"z":[3,2,1],"a":{"z":1,"b":[null,{}]}}`, `{"a":{"y":[null]}}`, `{"a":{"b":[null,{}],"y":[null],"z":1},"z":[3,2,1]}`},
	} {
		require.NoError(t, store.Memory.Put(ctx, "coder", models.JSON(tt.original)))
		require.NoError(t, store.Memory.Merge(ctx, "coder", models.JSON(tt.patch)))
		got, _ := own(t, store, "coder")
		assert.JSONEq(t, tt.want, got, "%s + %s", tt.original, tt.patch)
	}
}

// sameJSONNumbers: a number keeps its value to the last digit, although a database may
// reformat it, and equal documents have equal ETags after every Put.
func sameJSONNumbers(t *T) {
	store, ctx := open(t), t.Context()
	for _, number := range []string{
		"0", "-0", "1.0", "-1.50", "1e2", "1E-7", "1e400", "-1e-400", "12345678901234567890", "0.1", "0.30000000000000004",
		"9007199254740993", "123456789012345678901234567890.123456789012345678901234567890", "1e131071", "1e-16383",
	} {
		doc := models.JSON(`{"n":` + number + `,"list":[` + number + `]}`)
		require.NoError(t, store.Memory.Put(ctx, "coder", doc))
		saved(t, store, "") // the hooks rewrite the document
		got, _ := own(t, store, "coder")
		decoder := json.NewDecoder(bytes.NewReader([]byte(got)))
		decoder.UseNumber()
		var values struct {
			N    json.Number
			List []json.Number
		}
		require.NoError(t, decoder.Decode(&values))
		want, ok := new(big.Rat).SetString(number)
		require.True(t, ok)
		for _, n := range append(values.List, values.N) {
			is, ok := new(big.Rat).SetString(n.String())
			require.True(t, ok)
			assert.Zero(t, want.Cmp(is), "%.40s became %.40s", number, n)
		}
		memory, err := store.Memory.Get(ctx, "coder")
		require.NoError(t, err)
		tag := store.Memory.ETag(memory)
		require.NoError(t, store.Memory.CompareAndSwap(ctx, "coder", tag, memory.MemoryJSON))
		memory, err = store.Memory.Get(ctx, "coder")
		require.NoError(t, err)
		assert.Equal(t, tag, store.Memory.ETag(memory), number)
	}
}

// sameJSONUnicode: keys and texts keep their characters, also in jsonb.
func sameJSONUnicode(t *T) {
	store, ctx := open(t), t.Context()
	want := map[string]any{
		"μ₁": "μ₁_normalize", "": "empty key", "é": "e\u0301", "🚀": "\U0001F680", "a\"b\\c": "\u0001\t\n\u2028", "\\u0000": `\u0000`, "<&>": "</script>",
	}
	doc, err := json.Marshal(want)
	require.NoError(t, err)
	require.NoError(t, store.Memory.Put(ctx, "μ₁", models.JSON(doc)))
	s := &models.WorkflowSession{SessionID: "日本", ContextJSON: models.JSON(doc)}
	require.NoError(t, store.Sessions.Start(ctx, s))
	require.NoError(t, store.Memory.Update(ctx, "μ₁", func(got map[string]any) error {
		assert.Equal(t, want, got)
		return nil
	}))
	stored, err := store.Sessions.Get(ctx, "日本")
	require.NoError(t, err)
	var got map[string]any
	require.NoError(t, stored.ContextJSON.Decode(&got))
	assert.Equal(t, want, got)
}

// sameJSONRefused: every engine rejects a document that one of them cannot store or query,
// before any SQL and with the same error.
func sameJSONRefused(t *T) {
	store := open(t)
	saved(t, store, "x")
	for name, tt := range map[string]struct{ value, reason string }{
		"NUL":         {`"a\u0000b"`, `holds the escape \u0000 (NUL)`},
		"HalfPair":    {`"\ud800"`, "holds an escape that is half a surrogate pair"},
		"Digits":      {`1e131072`, "holds a number with too many digits"},
		"Fraction":    {`1e-16384`, "holds a number with too many digits"},
		"Nested":      {strings.Repeat("[", models.MaxJSONDepth) + strings.Repeat("]", models.MaxJSONDepth), "is nested more than 1000 deep"},
		"NotUTF8":     {"\"\xff\"", "is not valid JSON"},
		"Unfinished":  {`"`, "is not valid JSON"},
		"TwoDocument": {`1}{`, "is not valid JSON"},
	} {
		t.Run(name, func(t *T) {
			doc := models.JSON(`{"k":` + tt.value + `}`)
			r := receipt("new")
			r.ReceiptJSON = doc
			for column, call := range map[string]func(ctx context.Context) error{
				"receipts.receipt_json": func(ctx context.Context) error { return store.Receipts.Create(ctx, r) },
				"audit_log.context_json": func(ctx context.Context) error {
					return store.Audit.Record(ctx, &models.AuditEntry{AgentID: "a", Operation: "o", Status: models.AuditStarted, ContextJSON: doc})
				},
				"workflow_sessions.context_json": func(ctx context.Context) error {
					return store.Sessions.Start(ctx, &models.WorkflowSession{ContextJSON: doc})
				},
				"agent_memory.collision_history": func(ctx context.Context) error {
					return store.DB().WithContext(ctx).Create(&models.AgentMemory{AgentID: "n", CollisionHistory: models.JSON("[" + string(doc) + "]")}).Error
				},
				"agent_memory.memory_json": func(ctx context.Context) error {
					return store.DB().WithContext(ctx).Model(&models.AgentMemory{}).Where("agent_id = ?", "coder").Update("memory_json", doc).Error
				},
			} {
				before := dump(t, store)
				err := call(t.Context())
				require.ErrorIs(t, err, models.ErrInvalid, column)
				var e *models.Error
				require.ErrorAs(t, err, &e)
				assert.Equal(t, column, e.Table+"."+e.Column)
				assert.Equal(t, tt.reason, e.Reason, column)
				assert.Equal(t, before, dump(t, store))
			}
			for _, call := range []func() error{
				func() error { return store.Memory.Put(t.Context(), "coder", doc) },
				func() error { return store.Memory.Merge(t.Context(), "coder", doc) },
				func() error { return store.Memory.CompareAndSwap(t.Context(), "coder", "", doc) },
			} {
				before := dump(t, store)
				require.ErrorIs(t, call(), models.ErrInvalid)
				assert.Equal(t, before, dump(t, store))
			}
		})
	}
}
