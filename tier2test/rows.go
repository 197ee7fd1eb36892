package tier2test

import (
	"context"
	"fmt"
	"testing"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// Receipt returns a valid receipt of the agent "coder": a generation that passed. The changes
// are applied to it in order. The store sets times that are zero to those of its clock.
func Receipt(executionID string, changes ...func(*models.Receipt)) *models.Receipt {
	return changed(&models.Receipt{
		ExecutionID: executionID, AgentID: "coder", Operation: models.OperationGeneration,
		Status: models.ReceiptPassed, FilesGenerated: 3, DurationMS: 120,
	}, changes)
}

// PipelineMetric returns a valid timing of the emit stage of the execution. Save the receipt
// of the execution first.
func PipelineMetric(executionID string, changes ...func(*models.PipelineMetric)) *models.PipelineMetric {
	return changed(&models.PipelineMetric{
		ExecutionID: executionID, Stage: models.StageEmit, DurationMS: 20,
		InputSizeBytes: 1_000, OutputSizeBytes: 4_000, Status: models.StagePassed,
	}, changes)
}

// SLOViolation returns a valid violation by the execution: a first build of 20 s. Save the
// receipt of the execution first.
func SLOViolation(executionID string, changes ...func(*models.SLOViolation)) *models.SLOViolation {
	return changed(&models.SLOViolation{
		ExecutionID: executionID, Metric: repository.MetricFirstBuild, TargetValue: 15, ActualValue: 20,
		Severity: models.SeverityWarning, Description: "the first build took 20 s instead of 15 s",
	}, changes)
}

// AgentMemory returns a valid memory of an agent without errors.
func AgentMemory(agentID string, changes ...func(*models.AgentMemory)) *models.AgentMemory {
	return changed(&models.AgentMemory{AgentID: agentID, MemoryJSON: models.JSON(`{"step":1}`)}, changes)
}

// AuditEntry returns a valid entry, such as agents write with Audit.Record.
func AuditEntry(agentID string, changes ...func(*models.AuditEntry)) *models.AuditEntry {
	return changed(&models.AuditEntry{
		AgentID: agentID, Operation: "RDF normalization", Status: models.AuditCompleted, DurationMS: 20,
	}, changes)
}

// WorkflowSession returns a valid running session of two agents.
func WorkflowSession(sessionID string, changes ...func(*models.WorkflowSession)) *models.WorkflowSession {
	return changed(&models.WorkflowSession{SessionID: sessionID, Status: models.SessionRunning, AgentCount: 2}, changes)
}

// Collision returns a valid, unresolved collision of the agents "coder" and "reviewer" in the
// session. Save the session first.
func Collision(sessionID string, changes ...func(*models.Collision)) *models.Collision {
	return changed(&models.Collision{
		SessionID: sessionID, AgentID1: "coder", AgentID2: "reviewer", CollisionType: models.FileConflict,
		Description: "both wrote src/main.rs", Severity: models.SeverityWarning,
	}, changes)
}

func changed[M any](row *M, changes []func(*M)) *M {
	for _, change := range changes {
		change(row)
	}
	return row
}

// Save writes the rows in order and in one transaction, and sets their ids and times. If the
// store rejects a row, Save writes nothing and calls tb.Fatalf.
func Save(tb testing.TB, store *tier2.Store, rows ...models.Model) {
	tb.Helper()
	ctx := context.Background()
	err := store.Transaction(ctx, func(tx *tier2.Store) error {
		for i, row := range rows {
			if row == nil {
				return fmt.Errorf("row %d is nil", i)
			}
			if err := tx.DB().WithContext(ctx).Create(row).Error; err != nil {
				return fmt.Errorf("row %d: %w", i, err)
			}
		}
		return nil
	})
	if err != nil {
		tb.Fatalf("tier2test: %v", err)
	}
}
