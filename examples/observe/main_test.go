package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const want = `level=ERROR msg="SQL executed" trace.rows=0 trace.error="receipts.execution_id \"build-1\": a row with this key already exists [idx_receipts_execution_id]"
span "insert pipeline_metrics" in "insert receipts", 1 rows
span "insert receipts" in "build", 1 rows
span "insert receipts" in "build", 0 rows, failed: receipts.execution_id "build-1": a row with this key already exists [idx_receipts_execution_id]
span "gorm.Raw" in "build", 1 rows
span "select agent_memory" in "build", 1 rows
span "update agent_memory" in "build", 1 rows
span "update agent_memory" in "build", 1 rows
span "build"
`

func TestOutput(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out))
	assert.Equal(t, want, out.String())
}

// TestNoDependency: tier2 itself does not depend on what this module is about.
func TestNoDependency(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "go.mod"))
	require.NoError(t, err)
	assert.Contains(t, string(text), "module github.com/seanchatmangpt/ggen/tier2\n")
	assert.NotContains(t, string(text), "opentelemetry")
}
