package main

import (
	"bytes"
	"io"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const want = `memory    20 builds counted by both
audit     10 receipts created by east
audit     10 receipts created by west
report    builder: 20 of 20 passed
`

func TestOutput(t *testing.T) {
	t.Parallel()
	server := os.Getenv("TIER2_TEST_POSTGRES")
	if server == "" {
		t.Skip("no PostgreSQL: set TIER2_TEST_POSTGRES to the URL of a database in which tests may make schemas")
	}
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out, server))
	assert.Equal(t, want, out.String())
}

func TestNoServer(t *testing.T) {
	t.Parallel()
	err := run(t.Context(), io.Discard, "postgres://u:hunter2@127.0.0.1:1/db")
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "hunter2")
	err = run(t.Context(), io.Discard, "postgres://u:hunter2@host:port/db")
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "hunter2")
}
