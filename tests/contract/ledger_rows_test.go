package contract

import (
	"fmt"
	"strings"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2/ledger"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// ledgerRows: a row that was changed without the store differs from its last entry, and
// Verify reports it. The store's own counts, and rows without entries, are not findings.
func ledgerRows(t *T) {
	for name, tt := range map[string]struct {
		sql  string
		want []string // kind, table and id
	}{
		"Receipt":     {"UPDATE receipts SET status = 'passed' WHERE execution_id = 'b'", []string{"row changed receipts 2"}},
		"ReceiptJSON": {"UPDATE receipts SET receipt_json = '{\"a\":1}' WHERE execution_id = 'b'", []string{"row changed receipts 2"}},
		"Null":        {"UPDATE receipts SET environment = NULL WHERE execution_id = 'b'", []string{"row changed receipts 2"}},
		"Metric":      {"UPDATE pipeline_metrics SET duration_ms = 1", []string{"row changed pipeline_metrics 1"}},
		"Violation":   {"UPDATE slo_violations SET actual_value = 1", []string{"row changed slo_violations 1"}},
		"Session":     {"UPDATE workflow_sessions SET agent_count = 9", []string{"row changed workflow_sessions 1"}},
		"Collision":   {"UPDATE collision_detection SET severity = 'info'", []string{"row changed collision_detection 1"}},
		"Memory":      {"UPDATE agent_memory SET memory_json = '{\"plan\":\"theirs\"}' WHERE agent_id = 'planner'", []string{"row changed agent_memory %planner"}},
		"MemoryKey":   {"UPDATE agent_memory SET agent_id = 'other' WHERE agent_id = 'planner'", []string{"row changed agent_memory %planner"}},
		"Deleted":     {"DELETE FROM slo_violations", []string{"row missing slo_violations 1"}},
		"Back": {"INSERT INTO receipts (id, execution_id, agent_id, operation, status, timestamp, duration_ms) VALUES (3, 'gone', 'coder', 'watch', 'passed', '2026-01-29T12:34:56Z', 1)",
			[]string{"row back receipts 3"}},
		"Unspoken": {"INSERT INTO receipts (execution_id, agent_id, operation, status, timestamp, duration_ms) VALUES ('raw', 'raw', 'watch', 'passed', '2026-01-29T12:34:56Z', 1)", nil},
		"Counted":  {"UPDATE agent_memory SET retry_count = 7, last_error = 'x' WHERE agent_id = 'planner'", nil},
		"Same":     {"UPDATE receipts SET status = status", nil},
	} {
		t.Run(name, func(t *T) {
			store, ctx := open(t), t.Context()
			r := receipt("a")
			r.Metrics, r.Violations = []models.PipelineMetric{*metric("", models.StageEmit)}, []models.SLOViolation{*violation("")}
			require.NoError(t, store.Receipts.Create(ctx, r))
			b := receipt("b")
			b.Status, b.Environment, b.ReceiptJSON = models.ReceiptFailed, "dev", models.JSON(`{"a": 1}`)
			require.NoError(t, store.Receipts.Create(ctx, b))
			saved(t, store, "gone")
			require.NoError(t, store.Receipts.Delete(ctx, "gone"))
			session(t, store, "s")
			require.NoError(t, store.Collisions.Report(ctx, collision("s")))
			require.NoError(t, store.Memory.Put(ctx, "planner", models.JSON(`{"plan": "mine", "n": 1e2}`)))
			planned := receipt("c")
			planned.AgentID = "planner" // the memory of planner counts it
			require.NoError(t, store.Receipts.Create(ctx, planned))
			renumbered := saved(t, store, "renumbered")
			require.NoError(t, store.DB().Model(&models.Receipt{}).Where("id = ?", renumbered.ID).Update("id", 77).Error)
			report := verified(t, store)
			assert.EqualValues(t, 9, report.Rows, "of those that entries speak of")

			memory, err := store.Memory.Get(ctx, "planner")
			require.NoError(t, err)
			require.NoError(t, store.DB().Exec(tt.sql).Error)
			report, err = store.Audit.Verify(ctx, ledger.VerifyOptions{})
			require.NoError(t, err)
			var got []string
			for _, f := range report.Findings {
				got = append(got, fmt.Sprintf("%s %s %d", f.Kind, f.Table, f.RowID))
				assert.Contains(t, f.Reason, fmt.Sprint("entry ", f.EntryID))
			}
			for i := range tt.want {
				tt.want[i] = strings.Replace(tt.want[i], "%planner", fmt.Sprint(memory.ID), 1)
			}
			assert.Equal(t, tt.want, got)
		})
	}
}

// ledgerOlder: a row whose last entry was written before entries had digests is counted.
func ledgerOlder(t *T) {
	store, ctx := open(t), t.Context()
	saved(t, store, "a")
	require.NoError(t, store.Audit.Record(ctx, &models.AuditEntry{
		AgentID: "coder", Operation: "receipts.update", Status: models.AuditCompleted,
		ContextJSON: models.JSON(`{"v":1,"table":"receipts","action":"update","id":1,"key":"a","execution_id":"a"}`),
	}))
	assert.EqualValues(t, 1, verified(t, store).Undigested)
}
