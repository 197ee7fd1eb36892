package models_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

func TestPrepareFillsWhatIsEmpty(t *testing.T) {
	t.Parallel()
	want := now.UTC().Truncate(time.Microsecond)

	r := receipt()
	assert.NoError(t, uuid.Validate(r.ExecutionID))
	assert.Equal(t, models.At(now), r.Timestamp)
	assert.Equal(t, want, r.CreatedAt)

	m := memory()
	assert.Equal(t, models.JSON("{}"), m.MemoryJSON)
	assert.Equal(t, want, m.UpdatedAt)
	assert.Equal(t, want, m.CreatedAt)

	s := session()
	assert.NoError(t, uuid.Validate(s.SessionID))
	assert.Equal(t, models.SessionRunning, s.Status)
	assert.Equal(t, want, s.StartTime)
	assert.Nil(t, s.EndTime)

	assert.Equal(t, models.At(now), entry().Timestamp)
	assert.Equal(t, models.At(now), collision().Timestamp)
	assert.Equal(t, models.At(now), metric().Timestamp)
	assert.Equal(t, models.At(now), violation().Timestamp)
}

func TestPrepareKeepsWhatIsSet(t *testing.T) {
	t.Parallel()
	at := time.Date(2025, 5, 4, 3, 2, 1, 1999, time.FixedZone("", -7200))
	r := &models.Receipt{ExecutionID: "mine", Timestamp: models.Timestamp{Time: at}, CreatedAt: at}
	r.Prepare(now)
	assert.Equal(t, "mine", r.ExecutionID)
	assert.Equal(t, "2025-05-04T05:02:01.000001Z", r.Timestamp.String())
	assert.Equal(t, at.UTC().Truncate(time.Microsecond), r.CreatedAt)
	assert.Empty(t, r.Status, "a receipt's status has no default")

	s := &models.WorkflowSession{SessionID: "mine", Status: models.SessionFailed, StartTime: at, EndTime: &at}
	s.Prepare(now)
	assert.Equal(t, models.SessionFailed, s.Status)
	assert.Equal(t, time.UTC, s.EndTime.Location())
}

// TestPrepareTwice: preparing again, later, changes nothing.
func TestPrepareTwice(t *testing.T) {
	t.Parallel()
	r, s := receipt(), session()
	first, started := *r, *s
	r.Prepare(now.Add(time.Hour))
	s.Prepare(now.Add(time.Hour))
	assert.Equal(t, first, *r)
	assert.Equal(t, started, *s)
}

func TestActingAgentAndKey(t *testing.T) {
	t.Parallel()
	tests := []struct {
		row        models.Model
		agent      string
		column, id string
	}{
		{&models.Receipt{ExecutionID: "e", AgentID: "a"}, "a", "execution_id", "e"},
		{&models.AgentMemory{AgentID: "a"}, "a", "agent_id", "a"},
		{&models.AuditEntry{AgentID: "a"}, "a", "", ""},
		{&models.WorkflowSession{SessionID: "s"}, "", "session_id", "s"},
		{&models.Collision{AgentID1: "a", AgentID2: "b"}, "a", "", ""},
		{&models.PipelineMetric{}, "", "", ""},
		{&models.PipelineMetric{Receipt: &models.Receipt{AgentID: "a"}}, "a", "", ""},
		{&models.SLOViolation{Receipt: &models.Receipt{AgentID: "a"}}, "a", "", ""},
	}
	for _, tt := range tests {
		assert.Equal(t, tt.agent, tt.row.ActingAgent(), tt.row.TableName())
		column, id := tt.row.NaturalKey()
		assert.Equal(t, []string{tt.column, tt.id}, []string{column, id}, tt.row.TableName())
	}
}

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
