package tier2_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/hooks"
	"github.com/seanchatmangpt/ggen/tier2/ledger"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// The README's Go, which TestReadmeCode holds equal to what stands there.

func readmeRun(work func(models.Stage) func(context.Context, *repository.StageResult) error) error {
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

func readmeAudit(ctx context.Context, dsn, anchor, private, public string) error {
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

// fenced gives the README's code blocks of a language.
func fenced(t *testing.T, language string) (blocks []string) {
	t.Helper()
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	for _, m := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(string(readme), -1) {
		blocks = append(blocks, m[1])
	}
	return blocks
}

// flat is code without its indentation.
func flat(code string) string {
	lines := strings.Split(code, "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.Join(lines, "\n")
}

func TestReadmeCode(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("readme_test.go")
	require.NoError(t, err)
	blocks := fenced(t, "go")
	require.Len(t, blocks, 3)
	for _, block := range blocks {
		assert.Contains(t, flat(string(source)), flat(block))
	}
}

// TestReadmeRuns runs it, with a stage that fails. (Not parallel: it changes folder.)
func TestReadmeRuns(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, readmeRun(func(stage models.Stage) func(context.Context, *repository.StageResult) error {
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
	private, public, err := ledger.GenerateKey("readme")
	require.NoError(t, err)
	require.NoError(t, readmeAudit(t.Context(), ".ggen/tier2.db", "tier2.anchor", private, public))
}

// compact is a JSON block on one line, its members in the order they have.
func compact(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, json.Compact(&b, []byte(text)))
	return b.String()
}

// TestReadmeJSON: the two documents that the README shows are, byte for byte, what the
// store writes.
func TestReadmeJSON(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	blocks := fenced(t, "json")
	require.Len(t, blocks, 2)

	t.Run("Audit", func(t *testing.T) {
		t.Parallel()
		now := time.Date(2026, 1, 29, 12, 34, 56, 0, time.UTC)
		store, err := tier2.Open(ctx, ":memory:", tier2.WithClock(func() time.Time { return now }))
		require.NoError(t, err)
		defer store.Close()
		for range 6 {
			require.NoError(t, store.Receipts.Create(ctx, receipt("coder")))
		}
		r := receipt("coder")
		r.ExecutionID, r.Status = "exec-001", models.ReceiptFailed
		require.NoError(t, store.Receipts.Create(ctx, r))
		require.NoError(t, store.DB().WithContext(ctx).Model(r).Update("status", models.ReceiptPassed).Error)
		newest, _, err := store.Audit.List(ctx, repository.AuditFilter{Operation: "receipts.update"})
		require.NoError(t, err)
		require.Len(t, newest, 1)
		assert.Equal(t, compact(t, blocks[0]), newest[0].ContextJSON.String())
	})

	t.Run("Memory", func(t *testing.T) {
		t.Parallel()
		now := time.Date(2026, 1, 29, 12, 34, 56, 0, time.UTC)
		store, err := tier2.Open(ctx, filepath.Join(t.TempDir(), "tier2.db"), tier2.WithClock(func() time.Time { return now }))
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
		assert.Equal(t, compact(t, blocks[1]), compact(t, memory.MemoryJSON.String()))
	})
}
