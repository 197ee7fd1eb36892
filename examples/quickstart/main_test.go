package main

import (
	"bytes"
	"io"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

const want = `receipts
  quickstart-1  code-generator  generation  passed  5 files  1500 ms  2026-01-29T12:34:57.000000Z
pipeline_metrics
  μ₁_normalize     passed  100 ms  4096 -> 8192 bytes
  μ₂_extract       passed  200 ms  4096 -> 8192 bytes
  μ₃_emit          passed  300 ms  4096 -> 8192 bytes
  μ₄_canonicalize  passed  400 ms  4096 -> 8192 bytes
  μ₅_receipt       passed  500 ms  4096 -> 8192 bytes
audit_log
  12:34:57.000  generation              started
  12:34:58.500  receipts.create         completed
  12:34:58.500  pipeline_metrics.create completed
  12:34:58.500  pipeline_metrics.create completed
  12:34:58.500  pipeline_metrics.create completed
  12:34:58.500  pipeline_metrics.create completed
  12:34:58.500  pipeline_metrics.create completed
  12:34:58.500  generation              completed
agent_memory of code-generator
  {"state":"ready","_activity":{"saves":6,"executions":{"passed":1,"failed":0,"partial":0,"cancelled":0},"last_save":{"table":"pipeline_metrics","action":"create","id":5,"timestamp":"2026-01-29T12:34:58.500000Z"},"last_execution":{"execution_id":"quickstart-1","operation":"generation","status":"passed","timestamp":"2026-01-29T12:34:57.000000Z"}}}
recent_executions
  quickstart-1  passed  8 audit entries  0 SLO violations
agent_performance_summary
  code-generator  1 of 1 passed  1500 ms on average
pipeline_stage_performance
  μ₁_normalize     1 passed  0 failed  100 ms on average
  μ₂_extract       1 passed  0 failed  200 ms on average
  μ₃_emit          1 passed  0 failed  300 ms on average
  μ₄_canonicalize  1 passed  0 failed  400 ms on average
  μ₅_receipt       1 passed  0 failed  500 ms on average
`

func TestOutput(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out, ""))
	assert.Equal(t, want, out.String())
}

// TestKeptFile: with a path the file stays, and every run adds an execution.
func TestKeptFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "new", "tier2.db")
	for range 2 {
		require.NoError(t, run(t.Context(), io.Discard, path))
	}
	store, err := tier2.Open(t.Context(), path)
	require.NoError(t, err)
	defer store.Close()
	receipts, _, err := store.Receipts.List(t.Context(), repository.ReceiptFilter{})
	require.NoError(t, err)
	assert.Len(t, receipts, 2)
}

func TestRefusesFolder(t *testing.T) {
	t.Parallel()
	assert.ErrorIs(t, run(t.Context(), io.Discard, t.TempDir()), models.ErrInvalid)
}
