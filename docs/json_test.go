package docs_test

import (
	"bytes"
	"context"
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// compact is a JSON block on one line, its members in the order they have.
func compact(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, json.Compact(&b, []byte(text)))
	return b.String()
}

// TestJSON: the two documents that data.md shows are, byte for byte, what the store
// writes.
func TestJSON(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	for _, page := range pages(t) {
		if page != "data.md" {
			assert.Empty(t, inLanguage(t, page, "json"), page)
		}
	}
	documents := inLanguage(t, "data.md", "json")
	require.Len(t, documents, 2)
	now := time.Date(2026, 1, 29, 12, 34, 56, 0, time.UTC)
	clock := tier2.WithClock(func() time.Time { return now })

	t.Run("Audit", func(t *testing.T) {
		store, err := tier2.Open(ctx, ":memory:", clock)
		require.NoError(t, err)
		defer store.Close()
		r := &models.Receipt{AgentID: "coder", Operation: models.OperationGeneration, Status: models.ReceiptFailed}
		r.ID, r.ExecutionID = 7, "exec-001"
		require.NoError(t, store.Receipts.Create(ctx, r))
		require.NoError(t, store.DB().WithContext(ctx).Model(r).Update("status", models.ReceiptPassed).Error)
		newest, _, err := store.Audit.List(ctx, repository.AuditFilter{Operation: "receipts.update"})
		require.NoError(t, err)
		require.Len(t, newest, 1)
		assert.Equal(t, compact(t, documents[0]), newest[0].ContextJSON.String())
	})

	t.Run("Memory", func(t *testing.T) {
		store, err := tier2.Open(ctx, filepath.Join(t.TempDir(), "tier2.db"), clock)
		require.NoError(t, err)
		defer store.Close()
		require.NoError(t, store.Memory.Put(ctx, "coder", models.JSON(`{"state":"ready"}`)))
		execution, err := store.Executions.Begin(ctx, "coder", models.OperationGeneration, repository.ExecutionOptions{ExecutionID: "exec-001"})
		require.NoError(t, err)
		for _, stage := range models.Stages() {
			require.NoError(t, execution.Stage(ctx, stage, func(context.Context, *repository.StageResult) error {
				now = now.Add(300 * time.Millisecond)
				return nil
			}))
		}
		_, err = execution.Finish(ctx, repository.Outcome{})
		require.NoError(t, err)
		memory, err := store.Memory.Get(ctx, "coder")
		require.NoError(t, err)
		assert.Equal(t, compact(t, documents[1]), compact(t, memory.MemoryJSON.String()))
	})
}
