package tier2test

import (
	"context"
	"fmt"
	"testing"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// Receipt is a valid receipt of the agent "coder": a generation that passed. Each of
// changes may change it; times that are left zero are the clock's on create.
func Receipt(executionID string, changes ...func(*models.Receipt)) *models.Receipt {
	return changed(&models.Receipt{
		ExecutionID: executionID, AgentID: "coder", Operation: models.OperationGeneration,
		Status: models.ReceiptPassed, FilesGenerated: 3, DurationMS: 120,
	}, changes)
}

// PipelineMetric is a valid timing of the emit stage of the execution, whose receipt has
// to be there when it is saved.
func PipelineMetric(executionID string, changes ...func(*models.PipelineMetric)) *models.PipelineMetric {
	return changed(&models.PipelineMetric{
		ExecutionID: executionID, Stage: models.StageEmit, DurationMS: 20,
		InputSizeBytes: 1_000, OutputSizeBytes: 4_000, Status: models.StagePassed,
	}, changes)
}

// SLOViolation is a valid violation by the execution, whose receipt has to be there when
// it is saved: a first build of 20 s.
func SLOViolation(executionID string, changes ...func(*models.SLOViolation)) *models.SLOViolation {
	return changed(&models.SLOViolation{
		ExecutionID: executionID, Metric: repository.MetricFirstBuild, TargetValue: 15, ActualValue: 20,
		Severity: models.SeverityWarning, Description: "the first build took 20 s instead of 15 s",
	}, changes)
}

// AgentMemory is the valid memory of an agent that has failed at nothing.
func AgentMemory(agentID string, changes ...func(*models.AgentMemory)) *models.AgentMemory {
	return changed(&models.AgentMemory{AgentID: agentID, MemoryJSON: models.JSON(`{"step":1}`)}, changes)
}

// AuditEntry is a valid entry of the agent's own, as callers of Audit.Record make.
func AuditEntry(agentID string, changes ...func(*models.AuditEntry)) *models.AuditEntry {
	return changed(&models.AuditEntry{
		AgentID: agentID, Operation: "RDF normalization", Status: models.AuditCompleted, DurationMS: 20,
	}, changes)
}

// WorkflowSession is a valid session of two agents that runs.
func WorkflowSession(sessionID string, changes ...func(*models.WorkflowSession)) *models.WorkflowSession {
	return changed(&models.WorkflowSession{SessionID: sessionID, Status: models.SessionRunning, AgentCount: 2}, changes)
}

// Collision is a valid, unresolved collision of the agents "coder" and "reviewer" in the
// session, which has to be there when it is saved.
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

// Save writes the rows in their order and in one transaction, and fills their ids and
// times. What the store refuses fails tb, and nothing is written.
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
