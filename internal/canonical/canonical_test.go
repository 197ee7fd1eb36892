package canonical_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2/internal/canonical"
	"github.com/seanchatmangpt/ggen/tier2/internal/engine"
	"github.com/seanchatmangpt/ggen/tier2/internal/engine/postgres"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// TestColumns holds Columns equal to the schema.
func TestColumns(t *testing.T) {
	t.Parallel()
	tables := map[string]engine.Table{}
	for _, table := range postgres.Tables() {
		tables[table.Name] = table
	}
	for _, m := range models.All() {
		got, want := canonical.Columns(m.TableName()), tables[m.TableName()].Columns
		require.Len(t, got, len(want), m.TableName())
		for i, c := range want {
			assert.Equal(t, c.Name, got[i].Name, m.TableName())
			assert.Equal(t, c.Type.Kind(), got[i].Kind, m.TableName()+"."+c.Name)
		}
	}
	assert.Nil(t, canonical.Columns("tier2_schema"))
}

// TestAppend: what one engine's driver gives and what the other's does are the same, and
// what another program put there is not taken for something else.
func TestAppend(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 29, 12, 34, 56, 123456000, time.UTC)
	same := func(kind canonical.Kind, values ...any) {
		for _, v := range values {
			assert.Equal(t, canonical.Append(nil, kind, values[0]), canonical.Append(nil, kind, v), "%v", v)
		}
	}
	same(canonical.Time, at, "2026-01-29T12:34:56.123456Z", []byte("2026-01-29 12:34:56.123456+00:00"), at.In(time.FixedZone("CET", 3600)))
	same(canonical.Float, 2.0, int64(2))
	same(canonical.Text, "a", []byte("a"))
	seen := map[string]any{}
	for kind, values := range map[canonical.Kind][]any{
		canonical.Integer: {nil, int64(1), "1", 1.5}, canonical.Float: {"2"}, canonical.Time: {"yesterday", at}, canonical.Document: {"{}"},
	} {
		for _, v := range values {
			text := string(canonical.Append(nil, kind, v))
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
		row := []any{int64(1), "coder", memory, nil, retries, "", nil, nil}
		return canonical.Digest("agent_memory", func(i int) any { return row[i] })
	}
	want := of(`{"a":1,"b":2}`, 0)
	assert.Equal(t, want, of(`{"_activity":{"saves":7},"b":2, "a":1.0}`, 3))
	assert.Equal(t, want, of([]byte(`{"_activity":{"saves":7},"b":2, "a":1.0}`), 3), "as bytes, too")
	assert.NotEqual(t, want, of(`{"a":1,"b":3}`, 0))
	assert.Len(t, want, 64)
}
