package contract

import (
	"context"
	"strings"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/hooks"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// executionsOf returns the completed entries since an id, oldest first, as "operation execution".
func executionsOf(t *T, db *gorm.DB, since int64) (list []string) {
	t.Helper()
	var rows []models.AuditEntry
	require.NoError(t, db.Where("id > ?", since).Order("id").Find(&rows).Error)
	for _, e := range rows {
		var doc struct {
			ExecutionID string `json:"execution_id"`
		}
		require.NoError(t, e.ContextJSON.Decode(&doc))
		list = append(list, strings.TrimSpace(e.Operation+" "+doc.ExecutionID))
	}
	return list
}

// hooksExecutionAtWork: entries of rows without an execution name the context's execution,
// however the rows are written; entries of rows with an execution name that execution.
func hooksExecutionAtWork(t *T) {
	db := openSeeded(t)
	ctx := hooks.WithExecution(t.Context(), "x1")
	assert.Equal(t, "x1", hooks.Execution(hooks.WithExecution(ctx, " ")))
	assert.Empty(t, hooks.Execution(t.Context()))
	last := maxID(t, db)
	in := db.WithContext(ctx)
	require.NoError(t, in.Create(&models.AgentMemory{AgentID: "n1"}).Error)
	require.NoError(t, in.Model(&models.WorkflowSession{}).Where("session_id = 's1'").Update("agent_count", 9).Error)
	require.NoError(t, in.Create(alices("n1")).Error)
	w := newWriter(t, db, 1)
	require.NoError(t, w.Create(ctx, db, collision("s1"), &models.AgentMemory{AgentID: "n2"}, metric("r1", models.StageEmit)))
	require.NoError(t, in.Where("agent_id = 'n1'").Delete(&models.AgentMemory{}).Error)
	require.Error(t, in.Create(&models.AgentMemory{AgentID: "n2"}).Error)
	require.Error(t, w.Create(ctx, db, &models.AgentMemory{AgentID: "n2"}))
	require.NoError(t, db.Create(&models.AgentMemory{AgentID: "n3"}).Error)
	assert.Equal(t, []string{
		"agent_memory.create x1", "workflow_sessions.update x1", "receipts.create n1",
		"collision_detection.create x1", "agent_memory.create x1", "pipeline_metrics.create r1",
		"agent_memory.delete x1", "agent_memory.create x1", "agent_memory.create x1", "agent_memory.create",
	}, executionsOf(t, db, last))
}

// sameExecutionsAtWork: an execution that does not fit into execution_id is rejected.
func sameExecutionsAtWork(t *T) {
	store := open(t)
	for name, id := range map[string]string{"NUL": "a\x00b", "NotUTF8": "a\xffb", "Long": random(models.MaxKeyBytes + 1)} {
		t.Run(name, func(t *T) {
			before, ctx := dump(t, store), hooks.WithExecution(t.Context(), id)
			for _, err := range []error{
				store.Receipts.Create(ctx, receipt("x")), store.Memory.Put(ctx, "a", models.JSON(`{}`)),
				store.DB().WithContext(ctx).Create(&models.AgentMemory{AgentID: "a"}).Error,
			} {
				require.ErrorIs(t, err, models.ErrInvalid)
				var e *models.Error
				require.ErrorAs(t, err, &e)
				assert.Equal(t, []any{"audit_log", "context_json", id}, []any{e.Table, e.Column, e.Value})
			}
			assert.Equal(t, before, dump(t, store))
		})
	}
}

// executionsAtWork: rows that the function of a stage writes are found by its execution and
// counted for it alone, even if the agent works in several executions at once.
func executionsAtWork(t *T) {
	store, ctx := open(t), t.Context()
	s := session(t, store, "s")
	begin := func(id string) *repository.Execution {
		e, err := store.Executions.Begin(ctx, "coder", models.OperationGeneration, repository.ExecutionOptions{ExecutionID: id, SessionID: s.SessionID, Targets: []repository.Target{}})
		require.NoError(t, err)
		return e
	}
	outer, inner := begin("outer"), begin("inner")
	require.NoError(t, outer.Stage(ctx, models.StageEmit, func(ctx context.Context, _ *repository.StageResult) error {
		assert.Equal(t, "outer", hooks.Execution(ctx))
		require.NoError(t, store.Memory.Put(ctx, "coder", models.JSON(`{"a":1}`)))
		return inner.Stage(ctx, models.StageEmit, func(ctx context.Context, _ *repository.StageResult) error {
			assert.Equal(t, "inner", hooks.Execution(ctx))
			return store.Memory.Put(ctx, "coder", models.JSON(`{"a":2}`))
		})
	}))
	for _, e := range []*repository.Execution{outer, inner} {
		_, err := e.Finish(ctx, repository.Outcome{})
		require.NoError(t, err)
		trail, err := store.Audit.Trail(ctx, e.ID())
		require.NoError(t, err)
		var operations []string
		for _, entry := range trail {
			operations = append(operations, entry.Operation)
		}
		memory := map[string]string{"outer": "agent_memory.create", "inner": "agent_memory.update"}[e.ID()]
		assert.ElementsMatch(t, []string{"generation", memory, "receipts.create", "pipeline_metrics.create", "generation", "workflow_sessions.update"}, operations)
	}
	recent, err := store.Reports.RecentExecutions(ctx)
	require.NoError(t, err)
	require.Len(t, recent, 2)
	assert.Equal(t, []int64{6, 6}, []int64{recent[0].AuditEntries, recent[1].AuditEntries})
}
