package docs_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/hooks"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

func readme(work func(models.Stage) func(context.Context, *repository.StageResult) error) error {
	ctx := hooks.WithActor(context.Background(), "code-generator") // who is acting
	store, err := tier2.Open(ctx, ".ggen/tier2.db")                // makes folder, file and schema
	if err != nil {
		return err
	}
	defer store.Close()

	execution, err := store.Executions.Begin(ctx, "code-generator", models.OperationGeneration,
		repository.ExecutionOptions{Environment: "dev"})
	if err != nil {
		return err
	}
	for _, stage := range models.Stages() { // μ₁_normalize ... μ₅_receipt
		if err = execution.Stage(ctx, stage, work(stage)); err != nil {
			break // the failure goes into the receipt
		}
	}
	receipt, err := execution.Finish(ctx, repository.Outcome{Err: err, FilesGenerated: 5})

	if err == nil && receipt.Status != models.ReceiptFailed {
		return errors.New("the receipt does not tell of the failed stage")
	}
	return err
}

func readmeSQL(ctx context.Context, store *tier2.Store) error {
	err := store.Transaction(ctx, func(tx *tier2.Store) error {
		res := tx.DB().Exec("UPDATE receipts SET environment = 'staging' WHERE environment = 'stage'")
		if res.Error != nil {
			return res.Error
		}
		return tx.Audit.Record(ctx, &models.AuditEntry{
			AgentID: "release-manager", Operation: "rename environment", Status: models.AuditCompleted,
		})
	})
	return err
}

// TestReadme runs it, with a stage that fails. (Not parallel: it changes folder.)
func TestReadme(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, readme(func(stage models.Stage) func(context.Context, *repository.StageResult) error {
		return func(context.Context, *repository.StageResult) error {
			if stage == models.StageEmit {
				return errors.New("no template")
			}
			return nil
		}
	}))
	store, err := tier2.Open(t.Context(), ".ggen/tier2.db")
	require.NoError(t, err)
	defer store.Close()
	receipt, err := store.Receipts.LatestByAgent(t.Context(), "code-generator")
	require.NoError(t, err)
	assert.Equal(t, models.ReceiptFailed, receipt.Status)
	assert.Contains(t, receipt.ErrorMessage, "no template")
	require.NoError(t, readmeSQL(t.Context(), store))
}
