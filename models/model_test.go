package models_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

func TestAllHasEveryTableOnce(t *testing.T) {
	t.Parallel()
	var tables []string
	for _, m := range models.All() {
		tables = append(tables, m.TableName())
	}
	assert.Equal(t, []string{"receipts", "agent_memory", "audit_log", "workflow_sessions", "collision_detection", "pipeline_metrics", "slo_violations"}, tables)
	assert.NotSame(t, models.All()[0], models.All()[0], "each call makes new values")
}

// TestNewIDIsTimeOrdered: UUIDv7, unique and in the order of making.
func TestNewIDIsTimeOrdered(t *testing.T) {
	t.Parallel()
	previous := ""
	for range 10_000 {
		id := models.NewID()
		require.Greater(t, id, previous)
		previous = id
	}
	parsed, err := uuid.Parse(previous)
	require.NoError(t, err)
	assert.Equal(t, uuid.Version(7), parsed.Version())
}
