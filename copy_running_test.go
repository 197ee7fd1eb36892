package tier2_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// TestCopy_Snapshot: the source is read in one state, while it is written.
func TestCopy_Snapshot(t *testing.T) {
	t.Parallel()
	directions(t, func(t *testing.T, from, to *tier2.Store) {
		fill(t, from)
		n := count(t, from, "audit_log")
		wrote := false
		report, err := tier2.Copy(t.Context(), from, to, tier2.CopyOptions{Progress: func(p tier2.CopyProgress) {
			if p.Step == "copying" && !wrote {
				wrote = true
				run(t, from, "meanwhile", false)
			}
		}})
		require.NoError(t, err)
		assert.True(t, wrote && report.Equal)
		assert.Equal(t, n, count(t, to, "audit_log"))
		copied(t, from, to)
	})
}

func TestCopy_Progress(t *testing.T) {
	t.Parallel()
	from, to := open(t, ":memory:"), open(t, ":memory:")
	fill(t, from)
	var all int64
	for _, m := range models.All() {
		all += count(t, from, m.TableName())
	}
	for _, steps := range [][]string{{"copying", "comparing"}, {"checking", "copying", "comparing"}} {
		var seen []string
		var last tier2.CopyProgress
		_, err := tier2.Copy(t.Context(), from, to, tier2.CopyOptions{Progress: func(p tier2.CopyProgress) {
			assert.Equal(t, all, p.Total)
			if p.Step != last.Step {
				seen = append(seen, p.Step)
			} else {
				assert.Greater(t, p.Rows, last.Rows)
			}
			last = p
		}})
		require.NoError(t, err)
		assert.Equal(t, steps, seen)
		assert.Equal(t, all, last.Rows)
	}
}

// interrupted copies until the context is cancelled, after a number of batches.
func interrupted(t *testing.T, from, to *tier2.Store, batches int) bool {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	report, err := tier2.Copy(ctx, from, to, tier2.CopyOptions{Progress: func(p tier2.CopyProgress) {
		if batches--; p.Step == "copying" && batches <= 0 {
			cancel()
		}
	}})
	if err == nil {
		return false
	}
	require.ErrorIs(t, err, context.Canceled)
	assert.Nil(t, report)
	return true
}

func TestCopy_Interrupted(t *testing.T) {
	t.Parallel()
	directions(t, func(t *testing.T, from, to *tier2.Store) {
		fill(t, from)
		var many []*models.Receipt
		for i := range 1500 {
			many = append(many, &models.Receipt{ExecutionID: fmt.Sprint("many-", i), AgentID: "many", Operation: models.OperationWatch, Status: models.ReceiptPassed})
		}
		require.NoError(t, from.Receipts.CreateBatch(t.Context(), many))
		times, before := 0, int64(-1)
		for batches := 1; interrupted(t, from, to, batches); batches += 2 {
			now := count(t, to, "receipts") + count(t, to, "audit_log")
			assert.GreaterOrEqual(t, now, before, "what was copied stays")
			before = now
			times++
			if times == 1 { // ids go on, even so
				tx := to.DB().Begin()
				require.NoError(t, tx.Create(receipt("between")).Error)
				require.NoError(t, tx.Rollback().Error)
			}
		}
		assert.Greater(t, times, 3)
		copied(t, from, to)
	})
}
