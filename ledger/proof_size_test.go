package ledger_test

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2/ledger"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// TestSize: a size that no tree has is refused; package tlog would not return.
func TestSize(t *testing.T) {
	t.Parallel()
	for _, size := range []int64{math.MinInt64, -1, 0, ledger.MaxSize + 1, math.MaxInt64} {
		p := ledger.Proof{Checkpoint: ledger.Checkpoint{Size: size}}
		assert.ErrorIs(t, p.Check(), models.ErrConflict, "%d", size)
		path := filepath.Join(t.TempDir(), "anchor")
		require.NoError(t, ledger.AppendAnchor(path, p.Checkpoint))
		_, err := ledger.ReadAnchor(path)
		assert.ErrorIs(t, err, models.ErrInvalid, "%d", size)
		_, err = ledger.LastAnchored(path)
		assert.ErrorIs(t, err, models.ErrInvalid, "%d", size)
		require.NoError(t, os.Remove(path))
	}
}
