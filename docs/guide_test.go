package docs_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/hooks"
	"github.com/seanchatmangpt/ggen/tier2/ledger"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
	"github.com/seanchatmangpt/ggen/tier2/tier2test"
)

// The Go of guide.md: TestGo holds that it stands here, TestGuide runs it.

func guideRecord(ctx context.Context, store *tier2.Store) error {
	receipt := &models.Receipt{
		AgentID: "code-generator", Operation: models.OperationGeneration, Status: models.ReceiptFailed,
		DurationMS: 2500, FilesGenerated: 5, ErrorMessage: "no template for ex:Order", Environment: "dev",
		Metrics: []models.PipelineMetric{{Stage: models.StageEmit, Status: models.StageFailed, DurationMS: 1800}},
	}
	err := store.Receipts.Create(ctx, receipt) // fills ID, ExecutionID, Timestamp, CreatedAt
	return err
}

func guideImport(ctx context.Context, store *tier2.Store, path string) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	result, err := store.Executions.Import(ctx, raw, repository.ImportOptions{AgentID: "code-generator"})
	if err == nil && result.Unchanged {
		fmt.Println(result.Receipt.ExecutionID, "was there already")
	}
	return err
}

func guideMemory(ctx context.Context, store *tier2.Store) error {
	err := store.Memory.Update(ctx, "code-generator", func(doc map[string]any) error {
		doc["state"] = "ready" // read, changed and written while others wait: no update is lost
		return nil
	})
	if err == nil { // or a merge patch (RFC 7396): null removes a key
		err = store.Memory.Merge(ctx, "code-generator", models.JSON(`{"capacity":100,"draft":null}`))
	}
	return err
}

func guideSwap(ctx context.Context, store *tier2.Store) error {
	memory, err := store.Memory.Get(ctx, "code-generator")
	if err != nil {
		return err
	}
	tag := store.Memory.ETag(memory)
	// ... decide, without holding any lock ...
	err = store.Memory.CompareAndSwap(ctx, "code-generator", tag, models.JSON(`{"state":"done"}`))
	if errors.Is(err, models.ErrConflict) {
		err = nil // somebody was faster: read again
	}
	return err
}

func guideHistory(ctx context.Context, store *tier2.Store) error {
	for version, err := range store.Memory.HistoryAll(ctx, "code-generator", repository.HistoryFilter{}) {
		if err != nil {
			return err
		}
		fmt.Println(version.Timestamp, version.ChangedBy, version.Action, version.Document)
	}
	return nil
}

func guideSession(ctx context.Context, store *tier2.Store) error {
	session := &models.WorkflowSession{AgentCount: 2}
	if err := store.Sessions.Start(ctx, session); err != nil {
		return err
	}
	collision := &models.Collision{
		SessionID: session.SessionID, AgentID1: "code-generator", AgentID2: "validator",
		CollisionType: models.FileConflict, Severity: models.SeverityWarning, Description: "both wrote src/main.rs",
	}
	if err := store.Collisions.Report(ctx, collision); err != nil {
		return err
	}
	if err := store.Collisions.Resolve(ctx, collision.ID, "validator goes first"); err != nil {
		return err
	}
	_, err := store.Sessions.Finish(ctx, session.SessionID)
	return err
}

func guideTargets(ctx context.Context, store *tier2.Store) error {
	targets := append(repository.DefaultTargets(), repository.Target{
		Metric: "tokens", Target: 50_000, Warning: 50_000, Critical: 100_000,
	})
	execution, err := store.Executions.Begin(ctx, "code-generator", models.OperationGeneration,
		repository.ExecutionOptions{Targets: targets})
	if err != nil {
		return err
	}
	err = errors.Join(execution.Measure("tokens", 61_000), execution.Measure(repository.MetricFirstBuild, 2.5))
	if err != nil {
		return err
	}
	receipt, err := execution.Finish(ctx, repository.Outcome{})
	if err == nil {
		fmt.Println(receipt.Violations[0].Description)
	}
	return err
}

func guideLists(ctx context.Context, store *tier2.Store) error {
	filter := repository.ReceiptFilter{AgentID: "code-generator", Status: models.ReceiptFailed, Since: time.Now().AddDate(0, 0, -7)}
	page, next, err := store.Receipts.List(ctx, filter) // newest first, 50 rows
	if err != nil {
		return err
	}
	filter.Cursor = next // the page after it
	for receipt, err := range store.Receipts.All(ctx, repository.ReceiptFilter{}) {
		if err != nil {
			return err
		}
		fmt.Println(receipt.ExecutionID, receipt.Status) // all of them, in constant memory
	}
	_ = page
	return nil
}

func guideDB(ctx context.Context, store *tier2.Store) error {
	ctx = hooks.WithActor(ctx, "release-manager")
	err := store.DB().WithContext(ctx).Model(&models.Receipt{}).
		Where("environment = ?", "stage").Update("environment", "staging").Error // an entry for each row that changed
	return err
}

func guideTransaction(ctx context.Context, store *tier2.Store, a, b *models.Receipt) error {
	err := store.Transaction(ctx, func(tx *tier2.Store) error {
		if err := tx.Receipts.Create(ctx, a); err != nil {
			return err // nothing of it is kept
		}
		return tx.Receipts.Create(ctx, b)
	})
	return err
}

// As scale-out.md has it.
func guideRetry(save func() error) error {
	err := save()
	for tries := 0; errors.Is(err, models.ErrRetry) && tries < 10; tries++ {
		err = save() // the whole store.Transaction(...)
	}
	return err
}

func guideErrors(ctx context.Context, store *tier2.Store) string {
	err := store.Receipts.Create(ctx, &models.Receipt{AgentID: "code-generator", Operation: "generation", Status: "done"})
	var refused *models.Error
	if errors.Is(err, models.ErrInvalid) && errors.As(err, &refused) {
		fmt.Println(refused.Table, refused.Column, refused.Value, refused.Allowed)
	}
	return err.Error()
}

func guideAudit(ctx context.Context, dsn, anchor, private, public string) error {
	store, err := tier2.Open(ctx, dsn, tier2.WithAnchor(anchor), tier2.WithSigner(private))
	if err != nil {
		return err
	}
	defer store.Close()
	checkpoint, err := store.Audit.Seal(ctx)
	if err != nil {
		return err
	}
	report, err := store.Audit.Verify(ctx, ledger.VerifyOptions{Anchor: anchor, Keys: []string{public}})
	if err == nil && !report.OK() {
		err = fmt.Errorf("%d findings, such as %v", report.Total, report.Findings[0])
	}
	if err != nil {
		return err
	}
	proof, err := store.Audit.Prove(ctx, 1)
	if err == nil {
		err = proof.Check(public) // anywhere: a proof is JSON
	}

	if err == nil && proof.Checkpoint != checkpoint {
		return errors.New("the proof is of another checkpoint")
	}
	return err
}

func latestFailure(ctx context.Context, store *tier2.Store) (string, error) {
	failures, _, err := store.Receipts.Failures(ctx, repository.ReceiptFilter{})
	if err != nil {
		return "", err
	}
	return failures[0].ErrorMessage, nil
}

func TestLatestFailure(t *testing.T) {
	store := tier2test.Open(t) // a database of its own, whose clock stands still
	tier2test.Save(t, store, tier2test.Receipt("build-1", func(r *models.Receipt) {
		r.Status, r.ErrorMessage = models.ReceiptFailed, "no template"
	}))
	message, err := latestFailure(t.Context(), store) // what is tested
	if err != nil || message != "no template" {
		t.Errorf("got %q, %v", message, err)
	}
}

func TestGuide(t *testing.T) {
	t.Parallel()
	folder := sample(t)
	path := filepath.Join(folder, ".ggen", "tier2.db")
	store, err := tier2.Open(t.Context(), path)
	require.NoError(t, err)
	newReceipt := func() *models.Receipt {
		return &models.Receipt{AgentID: "a", Operation: models.OperationGeneration, Status: models.ReceiptPassed, Environment: "stage"}
	}
	for name, run := range map[string]func(context.Context, *tier2.Store) error{
		"Record": guideRecord, "Memory": guideMemory, "Swap": guideSwap, "History": guideHistory, "Session": guideSession,
		"Targets": guideTargets, "Lists": guideLists, "DB": guideDB,
		"Import": func(ctx context.Context, store *tier2.Store) error {
			return guideImport(ctx, store, filepath.Join(folder, ".ggen/receipts/ggen-001.json"))
		},
		"Transaction": func(ctx context.Context, store *tier2.Store) error {
			return guideTransaction(ctx, store, newReceipt(), newReceipt())
		},
	} {
		assert.NoError(t, run(t.Context(), store), name)
	}
	lost := 3
	assert.NoError(t, guideRetry(func() error {
		if lost--; lost > 0 {
			return models.ErrRetry
		}
		return nil
	}))
	page, err := os.ReadFile("guide.md")
	require.NoError(t, err)
	assert.Contains(t, string(page), guideErrors(t.Context(), store), "the message, as the page has it")
	require.NoError(t, store.Close())
	private, public, err := ledger.GenerateKey("guide")
	require.NoError(t, err)
	require.NoError(t, guideAudit(t.Context(), path, filepath.Join(folder, "anchor"), private, public))
}
