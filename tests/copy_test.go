package tests

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// directions runs a case per pair of engines, on two empty stores.
func directions(t *testing.T, test func(t *testing.T, from, to *tier2.Store)) {
	t.Helper()
	for from, source := range engines {
		for to, target := range engines {
			t.Run(from+"To"+to, func(t *testing.T) {
				t.Parallel()
				test(t, open(t, source(t)), open(t, target(t)))
			})
		}
	}
}

// crossings runs a case from each engine to the other.
func crossings(t *testing.T, test func(t *testing.T, from, to *tier2.Store)) {
	t.Helper()
	for from, to := range map[string]string{"SQLite": "Postgres", "Postgres": "SQLite"} {
		t.Run(from+"To"+to, func(t *testing.T) {
			t.Parallel()
			test(t, open(t, engines[from](t)), open(t, engines[to](t)))
		})
	}
}

// run stores a complete execution of an agent, which may fail, and a rejected write.
func run(t *testing.T, store *tier2.Store, agent string, fail bool) {
	t.Helper()
	ctx := t.Context()
	execution, err := store.Executions.Begin(ctx, agent, models.OperationGeneration, repository.ExecutionOptions{Environment: "dev"})
	require.NoError(t, err)
	for _, stage := range models.Stages() {
		require.NoError(t, execution.Stage(ctx, stage, func(context.Context, *repository.StageResult) error { return nil }))
	}
	outcome := repository.Outcome{FilesGenerated: 5}
	if fail {
		outcome.Err = fmt.Errorf("μ₃_emit: no such template")
	}
	finished, err := execution.Finish(ctx, outcome)
	require.NoError(t, err)
	require.NoError(t, store.Violations.Record(ctx, &models.SLOViolation{
		ExecutionID: finished.ExecutionID, Metric: "latency", TargetValue: 0.1, ActualValue: 1e300, Severity: models.SeverityWarning,
	}))
	require.Error(t, store.Receipts.Create(ctx, &models.Receipt{ExecutionID: finished.ExecutionID, AgentID: agent, Operation: "watch", Status: "passed"}))
}

// fill stores rows in every table, including edge cases.
func fill(t *testing.T, store *tier2.Store) {
	t.Helper()
	ctx := t.Context()
	run(t, store, "coder", false)
	run(t, store, "μ₁ tester", true)
	require.NoError(t, store.Memory.Merge(ctx, "coder", models.JSON(`{"big":12345678901234567890.000000000000000001,"huge":1e400,"tiny":-1e-400,"one":1.0,"zero":-0,"e":1E+2,"z":"","a":"μ₁ \" \\ \u001f 😀","n":[null,true,{"b":1,"a":[]}]}`)))
	session := &models.WorkflowSession{AgentCount: 2, ContextJSON: models.JSON(`{"b" : 1.50, "a":[ ]}`)}
	require.NoError(t, store.Sessions.Start(ctx, session))
	collision := &models.Collision{SessionID: session.SessionID, AgentID1: "coder", AgentID2: "tester", CollisionType: models.FileConflict, Description: "μ₅", Severity: models.SeverityInfo}
	require.NoError(t, store.Collisions.Report(ctx, collision))
	require.NoError(t, store.Collisions.Resolve(ctx, collision.ID, "merged"))
	require.NoError(t, store.Audit.Record(ctx, &models.AuditEntry{AgentID: "a", Operation: "free text", Status: models.AuditSkipped, ContextJSON: models.JSON("{ \"x\" : 1.0,\n\"x\":2 }")}))
	require.NoError(t, store.Receipts.Create(ctx, &models.Receipt{
		AgentID: "long", Operation: models.OperationWatch, Status: models.ReceiptPartial, ManifestHash: strings.Repeat("0a", 32),
		ReceiptJSON: models.JSON(`{ "text":"` + strings.Repeat("μ", 1<<18) + `", "n":1e2 }`), DurationMS: 1<<63 - 1,
	}))
	for _, statement := range []string{
		"INSERT INTO receipts (execution_id, agent_id, operation, status, timestamp, created_at, files_generated, files_modified, duration_ms) VALUES ('raw', '', 'watch', 'passed', '2026-01-29T12:34:56Z', NULL, NULL, NULL, 0)",
		"INSERT INTO receipts (id, execution_id, agent_id, operation, status, timestamp, created_at, duration_ms, error_message, environment) VALUES (5000, 'raw2', 'x', 'watch', 'failed', '2026-01-29 12:34:56.5', '2026-01-29T12:34:56.123456+02:00', 0, '', ' ')",
		"INSERT INTO audit_log (timestamp, agent_id, operation, status) VALUES ('0001-01-01T00:00:00Z', 'a', 'o', 'failed')",
		"INSERT INTO audit_log (timestamp, agent_id, operation, status, context_json) VALUES ('9999-12-31T23:59:59.999999Z', 'a', 'o', 'started', 'null')",
		`INSERT INTO agent_memory (id, agent_id, memory_json, created_at) VALUES (77, 'raw', '{"a":1,"a":2,"b":[1e2,100,0.10]}', '2026-01-29 12:34:56')`,
		"INSERT INTO slo_violations (execution_id, metric, target_value, actual_value, severity, timestamp) VALUES ('raw', 'm', -0.0, 5, 'critical', '2026-01-29 12:34:56')",
	} {
		require.NoError(t, store.DB().Exec(statement).Error, statement)
	}
}

// copied runs Copy and requires that both sides are equal.
func copied(t *testing.T, from, to *tier2.Store) *tier2.CopyReport {
	t.Helper()
	report, err := tier2.Copy(t.Context(), from, to, tier2.CopyOptions{})
	require.NoError(t, err)
	require.True(t, report.Equal)
	for _, table := range report.Tables {
		assert.True(t, table.Equal)
		assert.Equal(t, table.Source, table.Target)
		assert.Equal(t, count(t, from, table.Name), table.Source.Rows, table.Name)
		assert.Equal(t, count(t, to, table.Name), table.Target.Rows, table.Name)
	}
	return report
}

// total returns how many rows a copy inserted and updated.
func total(report *tier2.CopyReport) (inserted, updated int64) {
	for _, table := range report.Tables {
		inserted, updated = inserted+table.Inserted, updated+table.Updated
	}
	return inserted, updated
}

// rows returns every row of every table, as readers of the store see it.
func rows(t *testing.T, store *tier2.Store) (list []any) {
	t.Helper()
	add := func(found any) {
		require.NoError(t, store.DB().WithContext(t.Context()).Order("id").Find(found).Error)
		list = append(list, found)
	}
	receipts := &[]models.Receipt{}
	add(receipts)
	for i := range *receipts { // raw SQL wrote another zone
		(*receipts)[i].CreatedAt = (*receipts)[i].CreatedAt.UTC()
	}
	add(&[]models.AuditEntry{})
	sessions := &[]models.WorkflowSession{}
	add(sessions)
	add(&[]models.Collision{})
	add(&[]models.PipelineMetric{})
	add(&[]models.SLOViolation{})
	memories := &[]models.AgentMemory{}
	add(memories)
	for i := range *memories { // jsonb reformats documents; the digests compare the values
		(*memories)[i].MemoryJSON, (*memories)[i].CollisionHistory = nil, nil
	}
	for i := range *sessions {
		(*sessions)[i].ContextJSON = nil
	}
	return list
}

func TestCopy(t *testing.T) {
	t.Parallel()
	directions(t, func(t *testing.T, from, to *tier2.Store) {
		fill(t, from)
		before := rows(t, from)
		report := copied(t, from, to)
		require.Greater(t, len(report.Tables), len(models.All()))
		for _, table := range report.Tables[:len(models.All())] {
			assert.Positive(t, table.Inserted, table.Name)
			assert.Equal(t, table.Inserted, table.Source.Rows)
			assert.Zero(t, table.Updated)
		}
		assert.Equal(t, before, rows(t, from), "the source is not changed")
		assert.Equal(t, before, rows(t, to), "rows are as they were, the bytes of receipt_json and of the audit's context too")
		memory, err := to.Memory.Get(t.Context(), "coder")
		require.NoError(t, err)
		assert.Contains(t, string(memory.MemoryJSON), "12345678901234567890.000000000000000001")
		if to.DB().Name() == "sqlite" {
			want := []string{"2026-01-29T12:34:56.000000Z", "2026-01-29T12:34:56.500000Z", "2026-01-29 10:34:56.123456+00:00"}
			if from.DB().Name() == "sqlite" {
				want = texts(t, from)
			}
			assert.Equal(t, want, texts(t, to), "as the store writes times; between files, as they were written")
		}

		inserted, updated := total(copied(t, from, to))
		assert.Zero(t, inserted+updated, "copying again changes nothing")

		r := receipt("after")
		require.NoError(t, to.Receipts.Create(t.Context(), r))
		assert.EqualValues(t, 5001, r.ID, "ids go on after the largest")
	})
}

// texts returns times that raw SQL stored, as a SQLite file holds them.
func texts(t *testing.T, store *tier2.Store) (list []string) {
	t.Helper()
	const query = `SELECT timestamp FROM receipts WHERE execution_id = 'raw' UNION ALL SELECT timestamp FROM receipts WHERE execution_id = 'raw2'
		UNION ALL SELECT CAST(created_at AS TEXT) FROM receipts WHERE execution_id = 'raw2'`
	require.NoError(t, store.DB().Raw(query).Scan(&list).Error)
	return list
}

func TestCopy_Empty(t *testing.T) {
	t.Parallel()
	crossings(t, func(t *testing.T, from, to *tier2.Store) {
		inserted, updated := total(copied(t, from, to))
		assert.Zero(t, inserted+updated)
		require.NoError(t, to.Receipts.Create(t.Context(), receipt("first")))
	})
}

// TestCopy_Again: another copy brings over the rows that are new or changed in the source.
func TestCopy_Again(t *testing.T) {
	t.Parallel()
	crossings(t, func(t *testing.T, from, to *tier2.Store) {
		fill(t, from)
		require.NoError(t, from.DB().Exec("DELETE FROM pipeline_metrics WHERE id = 3").Error)
		copied(t, from, to)
		ctx := t.Context()
		metric := &models.PipelineMetric{ID: 3, ExecutionID: "raw", Stage: models.StageEmit, Status: models.StagePassed} // as a late commit
		require.NoError(t, from.Metrics.Record(ctx, metric))
		require.NoError(t, from.Memory.Merge(ctx, "coder", models.JSON(`{"big":12345678901234567891}`)))
		session, err := from.Sessions.Active(ctx)
		require.NoError(t, err)
		_, err = from.Sessions.Finish(ctx, session[0].SessionID)
		require.NoError(t, err)
		run(t, from, "new", true)
		report := copied(t, from, to)
		memory, err := to.Memory.Get(ctx, "coder")
		require.NoError(t, err)
		assert.Contains(t, string(memory.MemoryJSON), "12345678901234567891")
		for _, table := range report.Tables {
			switch table.Name {
			case "agent_memory":
				assert.Positive(t, table.Inserted)
				assert.Positive(t, table.Updated)
			case "workflow_sessions":
				assert.Equal(t, []int64{0, 1}, []int64{table.Inserted, table.Updated})
			case "pipeline_metrics":
				assert.Equal(t, []int64{6, 0}, []int64{table.Inserted, table.Updated}, "one of them between others")
			case "receipts":
				assert.Equal(t, []int64{1, 0}, []int64{table.Inserted, table.Updated})
			}
		}
	})
}

// TestCopy_Snapshot: Copy reads one state of the source while others write to it.
func TestCopy_Snapshot(t *testing.T) {
	t.Parallel()
	directions(t, func(t *testing.T, from, to *tier2.Store) {
		fill(t, from)
		n := count(t, from, "audit_log")
		wrote := false
		report, err := tier2.Copy(t.Context(), from, to, tier2.CopyOptions{Progress: func(p tier2.CopyProgress) {
			if p.Step == "copying" && !wrote {
				wrote = true
				run(t, from, "meanwhile", false)
			}
		}})
		require.NoError(t, err)
		assert.True(t, wrote && report.Equal)
		assert.Equal(t, n, count(t, to, "audit_log"))
		copied(t, from, to)
	})
}

func TestCopy_Progress(t *testing.T) {
	t.Parallel()
	from, to := open(t, ":memory:"), open(t, ":memory:")
	fill(t, from)
	var all int64
	for _, m := range models.All() {
		all += count(t, from, m.TableName())
	}
	for _, steps := range [][]string{{"copying", "comparing"}, {"checking", "copying", "comparing"}} {
		var seen []string
		var last tier2.CopyProgress
		_, err := tier2.Copy(t.Context(), from, to, tier2.CopyOptions{Progress: func(p tier2.CopyProgress) {
			assert.Equal(t, all, p.Total)
			if p.Step != last.Step {
				seen = append(seen, p.Step)
			} else {
				assert.Greater(t, p.Rows, last.Rows)
			}
			last = p
		}})
		require.NoError(t, err)
		assert.Equal(t, steps, seen)
		assert.Equal(t, all, last.Rows)
	}
}

// interrupted copies until the context is cancelled, after a number of batches.
func interrupted(t *testing.T, from, to *tier2.Store, batches int) bool {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	report, err := tier2.Copy(ctx, from, to, tier2.CopyOptions{Progress: func(p tier2.CopyProgress) {
		if batches--; p.Step == "copying" && batches <= 0 {
			cancel()
		}
	}})
	if err == nil {
		return false
	}
	require.ErrorIs(t, err, context.Canceled)
	assert.Nil(t, report)
	return true
}

func TestCopy_Interrupted(t *testing.T) {
	t.Parallel()
	directions(t, func(t *testing.T, from, to *tier2.Store) {
		fill(t, from)
		var many []*models.Receipt
		for i := range 1500 {
			many = append(many, &models.Receipt{ExecutionID: fmt.Sprint("many-", i), AgentID: "many", Operation: models.OperationWatch, Status: models.ReceiptPassed})
		}
		require.NoError(t, from.Receipts.CreateBatch(t.Context(), many))
		times, before := 0, int64(-1)
		for batches := 1; interrupted(t, from, to, batches); batches += 2 {
			now := count(t, to, "receipts") + count(t, to, "audit_log")
			assert.GreaterOrEqual(t, now, before, "what was copied stays")
			before = now
			times++
			if times == 1 { // ids continue regardless
				tx := to.DB().Begin()
				require.NoError(t, tx.Create(receipt("between")).Error)
				require.NoError(t, tx.Rollback().Error)
			}
		}
		assert.Greater(t, times, 3)
		copied(t, from, to)
	})
}
