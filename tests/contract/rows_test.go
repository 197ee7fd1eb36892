package contract

import (
	"fmt"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/tests/stored"
)

// receipt returns a valid receipt that the caller may change.
func receipt(id string) *models.Receipt {
	return &models.Receipt{
		ExecutionID: id, AgentID: "coder", Operation: models.OperationGeneration, Status: models.ReceiptPassed, DurationMS: 7,
	}
}

func saved(t *T, store *tier2.Store, id string) *models.Receipt {
	t.Helper()
	r := receipt(id)
	require.NoError(t, store.Receipts.Create(t.Context(), r))
	return r
}

func session(t *T, store *tier2.Store, id string) *models.WorkflowSession {
	t.Helper()
	s := &models.WorkflowSession{SessionID: id, AgentCount: 2}
	require.NoError(t, store.Sessions.Start(t.Context(), s))
	return s
}

// rowsOf returns every row of a table, without the entries of rejected writes.
func rowsOf(t *T, store *tier2.Store, m models.Model) (rows []map[string]any) {
	t.Helper()
	q := store.DB().Table(m.TableName()).Order("id")
	if m.TableName() == "audit_log" {
		q = q.Where("status <> 'failed'")
	}
	require.NoError(t, q.Find(&rows).Error)
	return rows
}

// dump returns every row of every table, without the entries of rejected writes.
func dump(t *T, store *tier2.Store) string {
	t.Helper()
	var b strings.Builder
	for _, m := range models.All() {
		fmt.Fprintf(&b, "%s %v\n", m.TableName(), rowsOf(t, store, m))
	}
	return b.String()
}

func metric(executionID string, stage models.Stage) *models.PipelineMetric {
	return &models.PipelineMetric{ExecutionID: executionID, Stage: stage, DurationMS: 5, InputSizeBytes: 10, Status: models.StagePassed}
}

func violation(executionID string) *models.SLOViolation {
	return &models.SLOViolation{ExecutionID: executionID, Metric: "first_build", TargetValue: 15, ActualValue: 20, Severity: models.SeverityWarning}
}

func collision(sessionID string) *models.Collision {
	return &models.Collision{
		SessionID: sessionID, AgentID1: "a", AgentID2: "b", CollisionType: models.FileConflict, Description: "both wrote main.rs", Severity: models.SeverityWarning,
	}
}

var entries, counts, activity = stored.Entries, stored.Counts, stored.Activity

func ids(rows []models.Receipt) (list []string) {
	for _, r := range rows {
		list = append(list, r.ExecutionID)
	}
	return list
}
