package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const want = `-- sync-1: emit fails
receipt    sync-1 failed after 3900 ms: "template service.tera: undefined variable ` + "`" + `port` + "`" + `"
stage      μ₁_normalize     passed  300 ms  ""
stage      μ₂_extract       passed  300 ms  ""
stage      μ₃_emit          failed  3300 ms  "template service.tera: undefined variable ` + "`" + `port` + "`" + `"
violation  warning: sync is 3.9 s, target 2 s
audit      generation started
audit      generation failed
memory     retry_count 1, last_error "template service.tera: undefined variable ` + "`" + `port` + "`" + `"
-- sync-2: repaired
receipt    sync-2 passed after 1500 ms: ""
stage      μ₁_normalize     passed  300 ms  ""
stage      μ₂_extract       passed  300 ms  ""
stage      μ₃_emit          passed  300 ms  ""
stage      μ₄_canonicalize  passed  300 ms  ""
stage      μ₅_receipt       passed  300 ms  ""
audit      generation started
audit      generation completed
memory     retry_count 0, last_error "template service.tera: undefined variable ` + "`" + `port` + "`" + `"
`

func TestOutput(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out))
	assert.Equal(t, want, out.String())
}
