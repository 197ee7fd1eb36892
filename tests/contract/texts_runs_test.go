package contract

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// endStep starts a new session and ends it.
func endStep(method string, end func(s *repository.Sessions) func(context.Context, string) (*models.WorkflowSession, error)) textStep {
	return textStep{"Sessions." + method, func(t *T, s *tier2.Store, x string) {
		id := x + method
		session(t, s, id)
		ended, err := end(s.Sessions)(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, id, ended.SessionID)
		_, err = end(s.Sessions)(t.Context(), id+"'")
		notThere(t, err)
	}}
}

var sessionSteps = []textStep{
	{"Sessions.Start", func(t *T, s *tier2.Store, x string) {
		doc, err := models.JSONOf(map[string]string{x: x})
		require.NoError(t, err)
		require.NoError(t, s.Sessions.Start(t.Context(), &models.WorkflowSession{SessionID: x, ContextJSON: doc}))
		require.ErrorIs(t, s.Sessions.Start(t.Context(), &models.WorkflowSession{SessionID: x}), models.ErrDuplicate)
	}},
	{"Sessions.AddOutcome", func(t *T, s *tier2.Store, x string) {
		require.NoError(t, s.Sessions.AddOutcome(t.Context(), x, 2, 1))
		notThere(t, s.Sessions.AddOutcome(t.Context(), x+"'", 1, 1))
	}},
	{"Sessions.Get", func(t *T, s *tier2.Store, x string) {
		got, err := s.Sessions.Get(t.Context(), x)
		require.NoError(t, err)
		require.Equal(t, []any{x, int64(2), int64(1)}, []any{got.SessionID, got.SuccessfulOperations, got.FailedOperations})
		var doc map[string]string
		require.NoError(t, got.ContextJSON.Decode(&doc))
		require.Equal(t, map[string]string{x: x}, doc)
		_, err = s.Sessions.Get(t.Context(), x+"'")
		notThere(t, err)
	}},
	{"Sessions.Active", func(t *T, s *tier2.Store, x string) {
		rows, err := s.Sessions.Active(t.Context())
		require.NoError(t, err)
		require.True(t, slices.ContainsFunc(rows, func(r models.WorkflowSession) bool { return r.SessionID == x }))
	}},
	{"Sessions.List", func(t *T, s *tier2.Store, x string) {
		for _, f := range []repository.SessionFilter{{Status: models.SessionStatus(x)}, {Page: repository.Page{Cursor: x}}} {
			_, _, err := s.Sessions.List(t.Context(), f)
			refusedText(t, err)
		}
	}},
	endStep("Finish", func(s *repository.Sessions) func(context.Context, string) (*models.WorkflowSession, error) {
		return s.Finish
	}),
	endStep("Fail", func(s *repository.Sessions) func(context.Context, string) (*models.WorkflowSession, error) {
		return s.Fail
	}),
	endStep("Cancel", func(s *repository.Sessions) func(context.Context, string) (*models.WorkflowSession, error) {
		return s.Cancel
	}),
}

// childSteps are the steps for rows that belong to a session or a receipt.
var childSteps = []textStep{
	{"Collisions.Report", func(t *T, s *tier2.Store, x string) {
		c := collision(x)
		c.AgentID1, c.AgentID2, c.Description = x, second(x), x
		require.NoError(t, s.Collisions.Report(t.Context(), c))
		for _, bad := range []func(c *models.Collision){
			func(c *models.Collision) { c.CollisionType = models.CollisionType(x) }, func(c *models.Collision) { c.Severity = models.Severity(x) },
		} {
			c := collision(x)
			bad(c)
			refusedText(t, s.Collisions.Report(t.Context(), c))
		}
	}},
	{"Collisions.Unresolved", func(t *T, s *tier2.Store, x string) {
		rows, _, err := s.Collisions.Unresolved(t.Context(), repository.CollisionFilter{SessionID: x, AgentID: second(x)})
		require.NoError(t, err)
		require.Len(t, rows, 1)
	}},
	{"Collisions.Resolve", func(t *T, s *tier2.Store, x string) {
		rows, err := s.Collisions.BySession(t.Context(), x)
		require.NoError(t, err)
		require.NoError(t, s.Collisions.Resolve(t.Context(), rows[0].ID, x))
	}},
	{"Collisions.BySession", func(t *T, s *tier2.Store, x string) {
		rows, err := s.Collisions.BySession(t.Context(), x)
		require.NoError(t, err)
		require.Len(t, rows, 1)
		require.Equal(t, []string{x, x, second(x), x, x}, []string{rows[0].SessionID, rows[0].AgentID1, rows[0].AgentID2, rows[0].Description, rows[0].Resolution})
		rows, err = s.Collisions.BySession(t.Context(), x+"'")
		require.NoError(t, err)
		require.Empty(t, rows)
	}},
	{"Collisions.BetweenAgents", func(t *T, s *tier2.Store, x string) {
		rows, err := s.Collisions.BetweenAgents(t.Context(), second(x), x)
		require.NoError(t, err)
		require.Len(t, rows, 1)
		rows, err = s.Collisions.BetweenAgents(t.Context(), x, x+"'")
		require.NoError(t, err)
		require.Empty(t, rows)
	}},
	{"Collisions.List", func(t *T, s *tier2.Store, x string) {
		for _, f := range []repository.CollisionFilter{{SessionID: x}, {AgentID: x}, {AgentID: second(x), Severity: models.SeverityWarning}} {
			rows, _, err := s.Collisions.List(t.Context(), f)
			require.NoError(t, err)
			require.Len(t, rows, 1)
			require.Equal(t, x, rows[0].Resolution)
		}
		for _, f := range []repository.CollisionFilter{{CollisionType: models.CollisionType(x)}, {Severity: models.Severity(x)}, {Page: repository.Page{Cursor: x}}} {
			_, _, err := s.Collisions.List(t.Context(), f)
			refusedText(t, err)
		}
	}},
	{"Collisions.Summary", func(t *T, s *tier2.Store, _ string) {
		rows, err := s.Collisions.Summary(t.Context(), time.Time{}, time.Time{})
		require.NoError(t, err)
		require.Len(t, rows, 1)
	}},
	{"Metrics.Record", func(t *T, s *tier2.Store, x string) {
		m := metric(x, models.StageEmit)
		m.Status, m.ErrorMessage = models.StageFailed, x
		require.NoError(t, s.Metrics.Record(t.Context(), m))
		m = metric(x, models.Stage(x))
		refusedText(t, s.Metrics.Record(t.Context(), m))
	}},
	{"Metrics.RecordBatch", func(t *T, s *tier2.Store, x string) {
		require.ErrorIs(t, s.Metrics.RecordBatch(t.Context(), []*models.PipelineMetric{metric(x, models.StageEmit), metric(x+"'", models.StageEmit)}), models.ErrForeignKey)
	}},
	{"Metrics.ByExecution", func(t *T, s *tier2.Store, x string) {
		rows, err := s.Metrics.ByExecution(t.Context(), x)
		require.NoError(t, err)
		require.Len(t, rows, 1)
		require.Equal(t, []string{x, x}, []string{rows[0].ExecutionID, rows[0].ErrorMessage})
	}},
	{"Violations.Record", func(t *T, s *tier2.Store, x string) {
		v := violation(x)
		v.Metric, v.Description = x, x
		require.NoError(t, s.Violations.Record(t.Context(), v))
	}},
	{"Violations.Check", func(t *T, s *tier2.Store, x string) {
		targets := []repository.Target{{Metric: x, Target: 1, Warning: 1, Critical: 2, Unit: x, Scope: second(x)}}
		missed, err := s.Violations.Check(t.Context(), x, targets, map[string]float64{x: 3, second(x): 1})
		require.NoError(t, err)
		require.Len(t, missed, 1)
		_, err = s.Violations.Check(t.Context(), x+"'", targets, nil)
		notThere(t, err)
	}},
	{"Violations.ByExecution", func(t *T, s *tier2.Store, x string) {
		rows, err := s.Violations.ByExecution(t.Context(), x)
		require.NoError(t, err)
		require.Len(t, rows, 2)
		require.Equal(t, []string{x, x, x}, []string{rows[0].Metric, rows[0].Description, rows[1].Metric})
	}},
	{"Violations.SummaryByMetric", func(t *T, s *tier2.Store, x string) {
		rows, err := s.Violations.SummaryByMetric(t.Context(), time.Time{}, time.Time{})
		require.NoError(t, err)
		require.Contains(t, rows, repository.ViolationSummary{Metric: x, ViolationCount: 2, AvgValue: 11.5})
	}},
}

var executionSteps = []textStep{
	{"Executions.Begin", func(t *T, s *tier2.Store, x string) {
		_, err := s.Executions.Begin(t.Context(), x, models.OperationWatch, repository.ExecutionOptions{ExecutionID: x + "open", SessionID: x, Environment: x})
		require.NoError(t, err)
		_, err = s.Executions.Begin(t.Context(), x, models.Operation(x), repository.ExecutionOptions{})
		refusedText(t, err)
		_, err = s.Executions.Begin(t.Context(), x, models.OperationWatch, repository.ExecutionOptions{SessionID: x + "'"})
		notThere(t, err)
		_, err = s.Executions.Begin(t.Context(), x, models.OperationWatch, repository.ExecutionOptions{ManifestHash: x})
		refusedText(t, err)
	}},
	{"Executions.Interrupted", func(t *T, s *tier2.Store, x string) {
		rows, err := s.Executions.Interrupted(t.Context())
		require.NoError(t, err)
		require.True(t, slices.ContainsFunc(rows, func(e models.AuditEntry) bool {
			var doc map[string]any
			return json.Unmarshal(e.ContextJSON, &doc) == nil && doc["execution_id"] == x+"open" && e.AgentID == x
		}))
	}},
	{"Execution.ID Execution.Stage Execution.Measure Execution.Finish", func(t *T, s *tier2.Store, x string) {
		ran(t, s, x)
		got, err := s.Sessions.Get(t.Context(), x)
		require.NoError(t, err)
		require.EqualValues(t, 2, got.FailedOperations, "it is counted in its session")
	}},
	{"Executions.Import", func(t *T, s *tier2.Store, x string) {
		doc, err := json.Marshal(map[string]any{
			"execution_id": x + "import", "agent_id": x, "environment": x, "operation": x, "timestamp": "2026-01-29T12:00:00Z", x: x, "error": x, "status": "failed",
			"pipeline": map[string]any{"μ₅_receipt": map[string]any{"status": "failed", "duration_ms": 1, "error": x}}, "measurements": map[string]any{x: 1},
		})
		require.NoError(t, err)
		_, err = s.Executions.Import(t.Context(), doc, repository.ImportOptions{})
		refusedText(t, err)
		result, err := s.Executions.Import(t.Context(), doc, repository.ImportOptions{Map: map[string]models.Operation{x: models.OperationWatch}})
		require.NoError(t, err)
		got, err := s.Receipts.Get(t.Context(), x+"import")
		require.NoError(t, err)
		require.Equal(t, []string{x, x, x, string(doc)}, []string{got.AgentID, got.Environment, got.ErrorMessage, got.ReceiptJSON.String()})
		require.Equal(t, x, result.Receipt.Metrics[0].ErrorMessage)
	}},
	{"Executions.ImportLog", func(t *T, s *tier2.Store, x string) {
		quoted, err := json.Marshal(x)
		require.NoError(t, err)
		id := fmt.Sprintf("%x", sha256.Sum256([]byte(x)))
		line := strings.NewReplacer(`chain_hash_hex":"`+logID(1), `chain_hash_hex":"`+id, `"ggen.sync"`, string(quoted), `"Green"`, `{"Overridden":{"reason":`+string(quoted)+`}}`, `"c.rs"`, string(quoted)).Replace(logLine(1))
		opts := repository.ImportOptions{AgentID: x}
		for _, err := range s.Executions.ImportLog(t.Context(), strings.NewReader(line), opts) {
			refusedText(t, err)
		}
		opts.Map = map[string]models.Operation{x: models.OperationWatch}
		require.NoError(t, drain(s.Executions.ImportLog(t.Context(), strings.NewReader(line), opts)))
		got, err := s.Receipts.Get(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, []any{x, x, models.OperationWatch, line}, []any{got.AgentID, got.ErrorMessage, got.Operation, got.ReceiptJSON.String()})
	}},
	{"Executions.ImportBatch", func(t *T, s *tier2.Store, x string) {
		got, err := s.Receipts.Get(t.Context(), x+"import")
		require.NoError(t, err)
		other := bytes.Replace(got.ReceiptJSON, []byte("12:00:00"), []byte("12:00:01"), 1)
		list, err := s.Executions.ImportBatch(t.Context(), [][]byte{got.ReceiptJSON, other}, repository.ImportOptions{Map: map[string]models.Operation{x: models.OperationWatch}})
		require.NoError(t, err)
		require.True(t, list[0].Unchanged, list[0].Err)
		require.ErrorIs(t, list[1].Err, models.ErrDuplicate)
	}},
}

// ran returns a complete execution in which every text is x.
func ran(t *T, s *tier2.Store, x string) {
	t.Helper()
	e, err := s.Executions.Begin(t.Context(), x, models.OperationWatch, repository.ExecutionOptions{ExecutionID: x + "run", SessionID: x, Environment: x})
	require.NoError(t, err)
	require.Equal(t, x+"run", e.ID())
	boom := errors.New(x)
	require.ErrorIs(t, e.Stage(t.Context(), models.StageReceipt, func(context.Context, *repository.StageResult) error { return boom }), boom)
	refusedText(t, e.Stage(t.Context(), models.Stage(x), func(context.Context, *repository.StageResult) error { return nil }))
	require.NoError(t, e.Measure(x, 1))
	r, err := e.Finish(t.Context(), repository.Outcome{Err: boom})
	require.NoError(t, err)
	stored, err := s.Receipts.Get(t.Context(), x+"run")
	require.NoError(t, err)
	require.Equal(t, []string{x, x, x}, []string{stored.AgentID, stored.Environment, stored.ErrorMessage})
	require.Equal(t, x, r.Metrics[0].ErrorMessage)
}
