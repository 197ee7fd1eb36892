package tier2_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// TestImportAtOnce: of several imports of one receipt at once, one stores it and the
// others find it unchanged.
func TestImportAtOnce(t *testing.T) {
	t.Parallel()
	const raw = `{"receipt":{"execution_id":"e1","agent_id":"coder","operation":"generation","status":"passed",
		"timestamp":"2026-01-29T17:25:27Z","pipeline_stages":{"μ₃_emit":{"status":"completed","duration_ms":6}},"total_duration_ms":6}}`
	eachEngine(t, func(t *testing.T, store *tier2.Store) {
		var stored atomic.Int64
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				result, err := store.Executions.Import(t.Context(), []byte(raw), repository.ImportOptions{})
				assert.NoError(t, err)
				if err == nil && !result.Unchanged {
					stored.Add(1)
				}
			})
		}
		wg.Wait()
		assert.EqualValues(t, 1, stored.Load())
		metrics, err := store.Metrics.ByExecution(t.Context(), "e1")
		require.NoError(t, err)
		assert.Len(t, metrics, 1)
	})
}
