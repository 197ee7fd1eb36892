package docs_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

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

// TestReadme compiles and runs the program of the page as it is printed, and once more with
// a stage that fails.
func TestReadme(t *testing.T) {
	t.Parallel()
	programs := inLanguage(t, "../README.md", "go")
	require.Len(t, programs, 1)
	program := programs[0]
	const succeeds = "return nil // an error fails the stage and the execution"
	require.Contains(t, program, succeeds)
	for _, tt := range []struct {
		name, program string
		status        models.ReceiptStatus
		message       string
		metrics       int
	}{
		{"Passed", program, models.ReceiptPassed, "", 5},
		{"Failed", strings.Replace(program, succeeds, `return errors.New("no template")`, 1), models.ReceiptFailed, "no template", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			require.NoError(t, runProgram(t, tt.program, folder))
			store, err := tier2.Open(t.Context(), filepath.Join(folder, ".ggen", "tier2.db"))
			require.NoError(t, err)
			defer store.Close()
			receipt, err := store.Receipts.LatestByAgent(t.Context(), "code-generator")
			require.NoError(t, err)
			assert.Equal(t, tt.status, receipt.Status)
			assert.Contains(t, receipt.ErrorMessage, tt.message)
			metrics, err := store.Metrics.ByExecution(t.Context(), receipt.ExecutionID)
			require.NoError(t, err)
			assert.Len(t, metrics, tt.metrics)
			require.NoError(t, readmeSQL(t.Context(), store))
		})
	}
}

// runProgram builds a program inside the module and runs it in a folder. The error holds its
// output.
func runProgram(t *testing.T, program, folder string) error {
	t.Helper()
	dir := t.TempDir()
	source, built := filepath.Join(dir, "main.go"), filepath.Join(dir, "main.exe")
	require.NoError(t, os.WriteFile(source, []byte(program), 0o600))
	output, err := exec.Command("go", "build", "-o", built, source).CombinedOutput()
	require.NoError(t, err, string(output))
	cmd := exec.Command(built)
	cmd.Dir = folder
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, output)
	}
	return nil
}
