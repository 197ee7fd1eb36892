package docs_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

const ggenReceipt = `{"receipt":{"execution_id":"ggen-001","agent_id":"code-generator","operation":"generation","status":"passed",
"timestamp":"2026-01-29T12:34:56Z","total_duration_ms":120,"files_generated":2,
"pipeline_stages":{"μ₁_normalize":{"status":"completed","duration_ms":20}}}}
`

// sample is a folder as a user of the pages has it: a store of two agents in
// .ggen/tier2.db, and what ggen wrote.
func sample(t *testing.T) (folder string) {
	t.Helper()
	folder = t.TempDir()
	for name, text := range map[string]string{
		".ggen/receipts/ggen-001.json": ggenReceipt,
		".ggen-v2/receipt-log.jsonl":   ggenLog,
	} {
		path := filepath.Join(folder, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	now := time.Date(2026, 1, 29, 12, 34, 56, 0, time.UTC)
	store, err := tier2.Open(t.Context(), filepath.Join(folder, ".ggen", "tier2.db"), tier2.WithClock(func() time.Time { return now }))
	require.NoError(t, err)
	fill(t, store, &now)
	require.NoError(t, store.Close())
	return folder
}

// fill makes three executions of two agents in a session: one that fails, one that misses
// a target, and a collision.
func fill(t *testing.T, store *tier2.Store, now *time.Time) {
	t.Helper()
	ctx := t.Context()
	require.NoError(t, store.Sessions.Start(ctx, &models.WorkflowSession{SessionID: "session-001", AgentCount: 2}))
	require.NoError(t, store.Memory.Put(ctx, "code-generator", models.JSON(`{"state":"ready"}`)))
	for _, run := range []struct {
		id, agent string
		err       error
		seconds   float64
	}{
		{"exec-001", "code-generator", nil, 2},
		{"exec-002", "code-generator", nil, 17},
		{"exec-003", "validator", errors.New("no shape for ex:Order"), 2},
	} {
		execution, err := store.Executions.Begin(ctx, run.agent, models.OperationGeneration,
			repository.ExecutionOptions{ExecutionID: run.id, SessionID: "session-001", Environment: "dev"})
		require.NoError(t, err)
		for _, stage := range models.Stages() {
			err = execution.Stage(ctx, stage, func(context.Context, *repository.StageResult) error {
				*now = now.Add(300 * time.Millisecond)
				if stage == models.StageCanonicalize {
					return run.err
				}
				return nil
			})
			if err != nil {
				break
			}
		}
		require.NoError(t, execution.Measure(repository.MetricFirstBuild, run.seconds))
		_, err = execution.Finish(ctx, repository.Outcome{FilesGenerated: 5})
		require.NoError(t, err)
	}
	require.NoError(t, store.Collisions.Report(ctx, &models.Collision{
		SessionID: "session-001", AgentID1: "code-generator", AgentID2: "validator", CollisionType: models.FileConflict,
		Severity: models.SeverityWarning, Description: "both wrote src/main.rs",
	}))
}
