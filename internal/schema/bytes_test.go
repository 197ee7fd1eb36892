package schema_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
)

// TestAppend: what one engine's driver gives and what the other's does are the same, and
// what another program put there is not taken for something else.
func TestAppend(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 29, 12, 34, 56, 123456000, time.UTC)
	same := func(kind schema.Kind, values ...any) {
		for _, v := range values {
			assert.Equal(t, schema.Append(nil, kind, values[0]), schema.Append(nil, kind, v), "%v", v)
		}
	}
	same(schema.Time, at, "2026-01-29T12:34:56.123456Z", []byte("2026-01-29 12:34:56.123456+00:00"), at.In(time.FixedZone("CET", 3600)))
	same(schema.Float, 2.0, int64(2))
	same(schema.Text, "a", []byte("a"))
	seen := map[string]any{}
	for kind, values := range map[schema.Kind][]any{
		schema.Integer: {nil, int64(1), "1", 1.5}, schema.Float: {"2"}, schema.Time: {"yesterday", at}, schema.Document: {"{}"},
	} {
		for _, v := range values {
			text := string(schema.Append(nil, kind, v))
			assert.NotContains(t, seen, text, "%v and %v", v, seen[text])
			seen[text] = v
		}
	}
}

// TestDigest: of a memory the agent's own keys count, in whatever order, and not what the
// store counts.
func TestDigest(t *testing.T) {
	t.Parallel()
	of := func(memory any, retries int64) string {
		row := schema.Row{int64(1), "coder", memory, nil, retries, "", nil, nil}
		return schema.Named("agent_memory").Digest(row)
	}
	want := of(`{"a":1,"b":2}`, 0)
	assert.Equal(t, want, of(`{"_activity":{"saves":7},"b":2, "a":1.0}`, 3))
	assert.Equal(t, want, of([]byte(`{"_activity":{"saves":7},"b":2, "a":1.0}`), 3), "as bytes, too")
	assert.NotEqual(t, want, of(`{"a":1,"b":3}`, 0))
	assert.Len(t, want, 64)
}
