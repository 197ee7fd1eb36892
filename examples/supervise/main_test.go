package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const want = `round 1
  normalizer failed 1 times: shapes.ttl is missing
round 2
  normalizer failed 2 times: shapes.ttl is missing
  -> normalizer is to take default.ttl
  warning file_conflict of emitter and validator: both wrote src/model.rs
  -> keep what emitter made
round 3
round 4
  critical semantic_overlap of emitter and validator: both define schema:Port
  -> session-1 is cancelled
session-1 is cancelled: 10 executions passed, 2 failed
audit  12:02 agent_memory.update
audit  12:02 agent_memory.update
audit  12:02 collision_detection.update
audit  12:04 workflow_sessions.update
`

func TestOutput(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out))
	assert.Equal(t, want, out.String())
}
