package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const want = `session    swarm-1 completed: 3 agents, 22 operations passed, 2 failed
collision  critical semantic_overlap of validator and emitter: both define schema:Port; resolution ""
collision  warning file_conflict of emitter and normalizer: both wrote src/model.rs; resolution "kept the emitter's"
memory     emitter    8 passed, 0 failed, 2 collisions
memory     normalizer 8 passed, 0 failed, 1 collisions
memory     validator  6 passed, 2 failed, 1 collisions
`

func TestOutput(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out))
	assert.Equal(t, want, out.String())
}
