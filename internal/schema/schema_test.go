package schema_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
)

// TestTables_Columns: the columns that a table names by role exist and have the right kind.
func TestTables_Columns(t *testing.T) {
	t.Parallel()
	for _, table := range schema.Tables() {
		for _, name := range append(slices.Clone(table.Agents), table.NaturalKey, table.TimeColumn) {
			if name == "" {
				continue
			}
			i := table.Index(name)
			require.GreaterOrEqual(t, i, 0, "%s.%s", table.Name, name)
			want := schema.Text
			if name == table.TimeColumn {
				want = schema.Time
			}
			assert.Equal(t, want, table.Columns[i].Kind, "%s.%s", table.Name, name)
		}
	}
}

// TestTable_Succeeds: an update may touch any column but the natural key and created_at,
// and none in a table of fixed rows, except a note that a checkpoint gets later.
func TestTable_Succeeds(t *testing.T) {
	t.Parallel()
	at := schema.Instant{Time: time.Date(2026, 1, 29, 12, 34, 56, 0, time.UTC)}
	for _, tt := range []struct {
		table, column string
		old, now      any
		want          bool
	}{
		{"receipts", "status", "passed", "failed", true},
		{"receipts", "execution_id", "a", "b", false},
		{"receipts", "created_at", at, nil, false},
		{"agent_memory", "agent_id", "a", "b", false},
		{"agent_memory", "memory_json", "{}", "[]", true},
		{"pipeline_metrics", "execution_id", "a", "b", true},
		{"audit_log", "status", "started", "failed", false},
		{"audit_log", "error_message", nil, "later", false},
		{"tier2_audit_tree", "hash", "a", "b", false},
		{"tier2_checkpoints", "note", nil, "signed", true},
		{"tier2_checkpoints", "note", "signed", "other", false},
		{"tier2_checkpoints", "note", "signed", nil, false},
		{"tier2_checkpoints", "root", nil, "r", false},
		{"tier2_removed", "boundary", int64(1), int64(2), false},
		{"tier2_archive", "source", "a", "b", false},
	} {
		table := schema.Named(tt.table)
		old, now := make(schema.Row, len(table.Columns)), make(schema.Row, len(table.Columns))
		assert.True(t, table.Succeeds(now, old), tt.table)
		i := table.Index(tt.column)
		old[i], now[i] = tt.old, tt.now
		assert.Equal(t, tt.want, table.Succeeds(now, old), "%s.%s", tt.table, tt.column)
		assert.False(t, table.Equal(now, old))
	}
}
