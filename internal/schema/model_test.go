package schema_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"

	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

var now = time.Date(2026, 1, 29, 12, 34, 56, 123456789, time.FixedZone("CET", 3600))

// prepared prepares a row and returns it.
func prepared[T models.Model](row T) T {
	schema.Prepare(row, now)
	return row
}

func TestPrepareFillsWhatIsEmpty(t *testing.T) {
	t.Parallel()
	want := now.UTC().Truncate(time.Microsecond)

	r := prepared(&models.Receipt{})
	assert.NoError(t, uuid.Validate(r.ExecutionID))
	assert.Equal(t, models.At(now), r.Timestamp)
	assert.Equal(t, want, r.CreatedAt)

	m := prepared(&models.AgentMemory{})
	assert.Equal(t, models.JSON("{}"), m.MemoryJSON)
	assert.Equal(t, want, m.UpdatedAt)
	assert.Equal(t, want, m.CreatedAt)

	s := prepared(&models.WorkflowSession{})
	assert.NoError(t, uuid.Validate(s.SessionID))
	assert.Equal(t, models.SessionRunning, s.Status)
	assert.Equal(t, want, s.StartTime)
	assert.Nil(t, s.EndTime)

	assert.Equal(t, models.At(now), prepared(&models.AuditEntry{}).Timestamp)
	assert.Equal(t, models.At(now), prepared(&models.Collision{}).Timestamp)
	assert.Equal(t, models.At(now), prepared(&models.PipelineMetric{}).Timestamp)
	assert.Equal(t, models.At(now), prepared(&models.SLOViolation{}).Timestamp)
}

func TestPrepareKeepsWhatIsSet(t *testing.T) {
	t.Parallel()
	at := time.Date(2025, 5, 4, 3, 2, 1, 1999, time.FixedZone("", -7200))
	r := &models.Receipt{ExecutionID: "mine", Timestamp: models.Timestamp{Time: at}, CreatedAt: at}
	schema.Prepare(r, now)
	assert.Equal(t, "mine", r.ExecutionID)
	assert.Equal(t, "2025-05-04T05:02:01.000001Z", r.Timestamp.String())
	assert.Equal(t, at.UTC().Truncate(time.Microsecond), r.CreatedAt)
	assert.Empty(t, r.Status, "a receipt's status has no default")

	s := &models.WorkflowSession{SessionID: "mine", Status: models.SessionFailed, StartTime: at, EndTime: &at}
	schema.Prepare(s, now)
	assert.Equal(t, models.SessionFailed, s.Status)
	assert.Equal(t, time.UTC, s.EndTime.Location())
}

// TestPrepareTwice: preparing again, later, changes nothing.
func TestPrepareTwice(t *testing.T) {
	t.Parallel()
	r, s := prepared(&models.Receipt{}), prepared(&models.WorkflowSession{})
	first, started := *r, *s
	schema.Prepare(r, now.Add(time.Hour))
	schema.Prepare(s, now.Add(time.Hour))
	assert.Equal(t, first, *r)
	assert.Equal(t, started, *s)
}

func TestAgentAndNaturalKey(t *testing.T) {
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
		record := schema.RecordOf(tt.row)
		assert.Equal(t, tt.agent, record.Agent(), record.Table.Name)
		column := record.Table.NaturalKey
		assert.Equal(t, []string{tt.column, tt.id}, []string{column, record.Table.Text(record.Row(), column)}, record.Table.Name)
	}
}
