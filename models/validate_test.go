package models_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

var now = time.Date(2026, 1, 29, 12, 34, 56, 123456789, time.FixedZone("CET", 3600))

// The smallest rows that are allowed, after Prepare.
func receipt() *models.Receipt {
	r := &models.Receipt{AgentID: "a", Operation: models.OperationGeneration, Status: models.ReceiptPassed}
	schema.Prepare(r, now)
	return r
}

func memory() *models.AgentMemory {
	m := &models.AgentMemory{AgentID: "a"}
	schema.Prepare(m, now)
	return m
}

func entry() *models.AuditEntry {
	e := &models.AuditEntry{AgentID: "a", Operation: "RDF normalization", Status: models.AuditCompleted}
	schema.Prepare(e, now)
	return e
}

func session() *models.WorkflowSession {
	s := &models.WorkflowSession{AgentCount: 2}
	schema.Prepare(s, now)
	return s
}

func collision() *models.Collision {
	c := &models.Collision{SessionID: "s", AgentID1: "a", AgentID2: "b", CollisionType: models.FileConflict, Description: "both wrote it", Severity: models.SeverityInfo}
	schema.Prepare(c, now)
	return c
}

func metric() *models.PipelineMetric {
	m := &models.PipelineMetric{ExecutionID: "e", Stage: models.StageEmit, Status: models.StagePassed}
	schema.Prepare(m, now)
	return m
}

func violation() *models.SLOViolation {
	v := &models.SLOViolation{ExecutionID: "e", Metric: "first_build", Severity: models.SeverityWarning}
	schema.Prepare(v, now)
	return v
}

// edit makes a test case of a fresh row that one edit spoils.
func edit[T models.Model](fresh func() T, change func(T)) func() models.Model {
	return func() models.Model { row := fresh(); change(row); return row }
}

func TestValidateOK(t *testing.T) {
	t.Parallel()
	hash := strings.Repeat("0123456789abcdef", 4)
	tests := map[string]func() models.Model{
		"Receipt":          edit(receipt, func(*models.Receipt) {}),
		"ReceiptHash":      edit(receipt, func(r *models.Receipt) { r.ManifestHash, r.OntologyHash = hash, hash }),
		"ReceiptError":     edit(receipt, func(r *models.Receipt) { r.ErrorMessage = "passed with a remark\nover two lines" }),
		"ReceiptJSONAny":   edit(receipt, func(r *models.Receipt) { r.ReceiptJSON = models.JSON(` [1, "μ"] `) }),
		"ReceiptBig":       edit(receipt, func(r *models.Receipt) { r.DurationMS, r.FilesGenerated = math.MaxInt64, math.MaxInt64 }),
		"ReceiptUnicode":   edit(receipt, func(r *models.Receipt) { r.AgentID = "agent-μ₁-日本-🚀" }),
		"Memory":           edit(memory, func(*models.AgentMemory) {}),
		"MemoryHistory":    edit(memory, func(m *models.AgentMemory) { m.CollisionHistory = models.JSON(" \n[]") }),
		"Audit":            edit(entry, func(*models.AuditEntry) {}),
		"Session":          edit(session, func(*models.WorkflowSession) {}),
		"SessionEndsAt0":   edit(session, func(s *models.WorkflowSession) { s.EndTime = &s.StartTime }),
		"SessionNoAgents":  edit(session, func(s *models.WorkflowSession) { s.AgentCount = 0 }),
		"Collision":        edit(collision, func(*models.Collision) {}),
		"Metric":           edit(metric, func(*models.PipelineMetric) {}),
		"Violation":        edit(violation, func(*models.SLOViolation) {}),
		"ViolationNumbers": edit(violation, func(v *models.SLOViolation) { v.TargetValue, v.ActualValue = -1, math.MaxFloat64 }),
	}
	for name, row := range tests {
		t.Run(name, func(t *testing.T) { t.Parallel(); assert.NoError(t, row().Validate()) })
	}
}

func TestValidateRefuses(t *testing.T) {
	t.Parallel()
	const nul, bad = "a\x00b", "a\xff"
	minus := int64(-1)
	early := now.Add(-time.Hour)
	tests := []struct {
		name   string
		row    func() models.Model
		column string // table.column
		reason string
	}{
		{"ReceiptNoExecution", edit(receipt, func(r *models.Receipt) { r.ExecutionID = "" }), "receipts.execution_id", "blank"},
		{"ReceiptBlankAgent", edit(receipt, func(r *models.Receipt) { r.AgentID = " \t\n" }), "receipts.agent_id", "blank"},
		{"ReceiptNUL", edit(receipt, func(r *models.Receipt) { r.AgentID = nul }), "receipts.agent_id", "NUL"},
		{"ReceiptUTF8", edit(receipt, func(r *models.Receipt) { r.ErrorMessage = bad }), "receipts.error_message", "UTF-8"},
		{"ReceiptNoOperation", edit(receipt, func(r *models.Receipt) { r.Operation = "" }), "receipts.operation", "not an allowed value"},
		{"ReceiptOperation", edit(receipt, func(r *models.Receipt) { r.Operation = "error-recovery" }), "receipts.operation", "not an allowed value"},
		{"ReceiptStatus", edit(receipt, func(r *models.Receipt) { r.Status = "Passed" }), "receipts.status", "not an allowed value"},
		{"ReceiptNoTime", edit(receipt, func(r *models.Receipt) { r.Timestamp = models.Timestamp{} }), "receipts.timestamp", "must be set"},
		{"ReceiptYear", edit(receipt, func(r *models.Receipt) { r.Timestamp.Time = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }), "receipts.timestamp", "years 1 to 9999"},
		{"ReceiptYearBC", edit(receipt, func(r *models.Receipt) { r.Timestamp.Time = time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC) }), "receipts.timestamp", "years 1 to 9999"},
		{"ReceiptShortHash", edit(receipt, func(r *models.Receipt) { r.ManifestHash = "abc" }), "receipts.manifest_hash", "64 lower-case hex"},
		{"ReceiptUpperHash", edit(receipt, func(r *models.Receipt) { r.OntologyHash = strings.Repeat("A", 64) }), "receipts.ontology_hash", "64 lower-case hex"},
		{"ReceiptHashPrefix", edit(receipt, func(r *models.Receipt) { r.ManifestHash = "sha256:" + strings.Repeat("a", 57) }), "receipts.manifest_hash", "64 lower-case hex"},
		{"ReceiptFiles", edit(receipt, func(r *models.Receipt) { r.FilesGenerated = -1 }), "receipts.files_generated", "negative"},
		{"ReceiptModified", edit(receipt, func(r *models.Receipt) { r.FilesModified = -1 }), "receipts.files_modified", "negative"},
		{"ReceiptDuration", edit(receipt, func(r *models.Receipt) { r.DurationMS = math.MinInt64 }), "receipts.duration_ms", "negative"},
		{"ReceiptJSON", edit(receipt, func(r *models.Receipt) { r.ReceiptJSON = models.JSON("{") }), "receipts.receipt_json", "not valid JSON"},
		{"ReceiptEmptyJSON", edit(receipt, func(r *models.Receipt) { r.ReceiptJSON = models.JSON("") }), "receipts.receipt_json", "not valid JSON"},
		{"ReceiptJSONUTF8", edit(receipt, func(r *models.Receipt) { r.ReceiptJSON = models.JSON("\"\xff\"") }), "receipts.receipt_json", "not valid JSON"},
		{"ReceiptEnvironment", edit(receipt, func(r *models.Receipt) { r.Environment = nul }), "receipts.environment", "NUL"},

		{"MemoryAgent", edit(memory, func(m *models.AgentMemory) { m.AgentID = "" }), "agent_memory.agent_id", "blank"},
		{"MemoryNone", edit(memory, func(m *models.AgentMemory) { m.MemoryJSON = nil }), "agent_memory.memory_json", "must be set"},
		{"MemoryArray", edit(memory, func(m *models.AgentMemory) { m.MemoryJSON = models.JSON("[]") }), "agent_memory.memory_json", "JSON object"},
		{"MemoryNull", edit(memory, func(m *models.AgentMemory) { m.MemoryJSON = models.JSON("null") }), "agent_memory.memory_json", "JSON object"},
		{"MemoryHistory", edit(memory, func(m *models.AgentMemory) { m.CollisionHistory = models.JSON("{}") }), "agent_memory.collision_history", "JSON array"},
		{"MemoryRetries", edit(memory, func(m *models.AgentMemory) { m.RetryCount = -1 }), "agent_memory.retry_count", "negative"},
		{"MemoryError", edit(memory, func(m *models.AgentMemory) { m.LastError = bad }), "agent_memory.last_error", "UTF-8"},

		{"AuditAgent", edit(entry, func(e *models.AuditEntry) { e.AgentID = "" }), "audit_log.agent_id", "blank"},
		{"AuditOperation", edit(entry, func(e *models.AuditEntry) { e.Operation = "" }), "audit_log.operation", "blank"},
		{"AuditStatus", edit(entry, func(e *models.AuditEntry) { e.Status = "passed" }), "audit_log.status", "not an allowed value"},
		{"AuditDuration", edit(entry, func(e *models.AuditEntry) { e.DurationMS = -1 }), "audit_log.duration_ms", "negative"},
		{"AuditContext", edit(entry, func(e *models.AuditEntry) { e.ContextJSON = models.JSON("x") }), "audit_log.context_json", "not valid JSON"},
		{"AuditTime", edit(entry, func(e *models.AuditEntry) { e.Timestamp = models.Timestamp{} }), "audit_log.timestamp", "must be set"},

		{"SessionID", edit(session, func(s *models.WorkflowSession) { s.SessionID = " " }), "workflow_sessions.session_id", "blank"},
		{"SessionStatus", edit(session, func(s *models.WorkflowSession) { s.Status = "passed" }), "workflow_sessions.status", "not an allowed value"},
		{"SessionAgents", edit(session, func(s *models.WorkflowSession) { s.AgentCount = -1 }), "workflow_sessions.agent_count", "negative"},
		{"SessionEnd", edit(session, func(s *models.WorkflowSession) { s.EndTime = &early }), "workflow_sessions.end_time", "before start_time"},
		{"SessionDuration", edit(session, func(s *models.WorkflowSession) { s.TotalDurationMS = &minus }), "workflow_sessions.total_duration_ms", "negative"},
		{"SessionSuccesses", edit(session, func(s *models.WorkflowSession) { s.SuccessfulOperations = -1 }), "workflow_sessions.successful_operations", "negative"},
		{"SessionFailures", edit(session, func(s *models.WorkflowSession) { s.FailedOperations = -1 }), "workflow_sessions.failed_operations", "negative"},
		{"SessionStart", edit(session, func(s *models.WorkflowSession) { s.StartTime = time.Time{} }), "workflow_sessions.start_time", "must be set"},
		{"SessionContext", edit(session, func(s *models.WorkflowSession) { s.ContextJSON = models.JSON("{,}") }), "workflow_sessions.context_json", "not valid JSON"},

		{"CollisionSession", edit(collision, func(c *models.Collision) { c.SessionID = "" }), "collision_detection.session_id", "blank"},
		{"CollisionAgent1", edit(collision, func(c *models.Collision) { c.AgentID1 = "" }), "collision_detection.agent_id_1", "blank"},
		{"CollisionAgent2", edit(collision, func(c *models.Collision) { c.AgentID2 = "" }), "collision_detection.agent_id_2", "blank"},
		{"CollisionSelf", edit(collision, func(c *models.Collision) { c.AgentID2 = c.AgentID1 }), "collision_detection.agent_id_2", "another agent"},
		{"CollisionType", edit(collision, func(c *models.Collision) { c.CollisionType = "conflict" }), "collision_detection.collision_type", "not an allowed value"},
		{"CollisionDescription", edit(collision, func(c *models.Collision) { c.Description = "" }), "collision_detection.description", "blank"},
		{"CollisionResolution", edit(collision, func(c *models.Collision) { c.Resolution = nul }), "collision_detection.resolution", "NUL"},
		{"CollisionSeverity", edit(collision, func(c *models.Collision) { c.Severity = "fatal" }), "collision_detection.severity", "not an allowed value"},
		{"CollisionTime", edit(collision, func(c *models.Collision) { c.Timestamp = models.Timestamp{} }), "collision_detection.timestamp", "must be set"},

		{"MetricExecution", edit(metric, func(m *models.PipelineMetric) { m.ExecutionID = "" }), "pipeline_metrics.execution_id", "blank"},
		{"MetricStage", edit(metric, func(m *models.PipelineMetric) { m.Stage = "normalize" }), "pipeline_metrics.stage", "not an allowed value"},
		{"MetricDuration", edit(metric, func(m *models.PipelineMetric) { m.DurationMS = -1 }), "pipeline_metrics.duration_ms", "negative"},
		{"MetricInput", edit(metric, func(m *models.PipelineMetric) { m.InputSizeBytes = -1 }), "pipeline_metrics.input_size_bytes", "negative"},
		{"MetricOutput", edit(metric, func(m *models.PipelineMetric) { m.OutputSizeBytes = -1 }), "pipeline_metrics.output_size_bytes", "negative"},
		{"MetricStatus", edit(metric, func(m *models.PipelineMetric) { m.Status = "partial" }), "pipeline_metrics.status", "not an allowed value"},
		{"MetricError", edit(metric, func(m *models.PipelineMetric) { m.ErrorMessage = nul }), "pipeline_metrics.error_message", "NUL"},
		{"MetricTime", edit(metric, func(m *models.PipelineMetric) { m.Timestamp = models.Timestamp{} }), "pipeline_metrics.timestamp", "must be set"},

		{"ViolationExecution", edit(violation, func(v *models.SLOViolation) { v.ExecutionID = "" }), "slo_violations.execution_id", "blank"},
		{"ViolationMetric", edit(violation, func(v *models.SLOViolation) { v.Metric = "" }), "slo_violations.metric", "blank"},
		{"ViolationTarget", edit(violation, func(v *models.SLOViolation) { v.TargetValue = math.NaN() }), "slo_violations.target_value", "finite"},
		{"ViolationActual", edit(violation, func(v *models.SLOViolation) { v.ActualValue = math.Inf(-1) }), "slo_violations.actual_value", "finite"},
		{"ViolationInfo", edit(violation, func(v *models.SLOViolation) { v.Severity = models.SeverityInfo }), "slo_violations.severity", "not an allowed value"},
		{"ViolationText", edit(violation, func(v *models.SLOViolation) { v.Description = bad }), "slo_violations.description", "UTF-8"},
		{"ViolationTime", edit(violation, func(v *models.SLOViolation) { v.Timestamp = models.Timestamp{} }), "slo_violations.timestamp", "must be set"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := tt.row().Validate()
			require.ErrorIs(t, err, models.ErrInvalid)
			assert.ErrorContains(t, err, tt.reason)
			var refusal *models.Error
			require.ErrorAs(t, err, &refusal)
			assert.Equal(t, tt.column, refusal.Table+"."+refusal.Column)
			if tt.reason == "not an allowed value" {
				assert.Equal(t, enumColumns()[tt.column], refusal.Allowed)
			}
		})
	}
}

// TestValidateNamesEveryMistake: all that is wrong is said at once.
func TestValidateNamesEveryMistake(t *testing.T) {
	t.Parallel()
	for _, row := range models.All() {
		err := row.Validate()
		require.ErrorIs(t, err, models.ErrInvalid, row.TableName())
		var joined interface{ Unwrap() []error }
		require.True(t, errors.As(err, &joined), row.TableName())
		assert.Greater(t, strings.Count(err.Error(), row.TableName()+"."), 1, "%s: %v", row.TableName(), err)
	}
}
