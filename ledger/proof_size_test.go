package ledger_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/seanchatmangpt/ggen/tier2/internal/anchor"
	"github.com/seanchatmangpt/ggen/tier2/ledger"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// TestSize: proofs for trees of impossible sizes are rejected; package tlog would not return.
func TestSize(t *testing.T) {
	t.Parallel()
	for _, size := range []int64{math.MinInt64, -1, 0, anchor.MaxSize + 1, math.MaxInt64} {
		p := ledger.Proof{Checkpoint: ledger.Checkpoint{Size: size}}
		assert.ErrorIs(t, p.Check(), models.ErrConflict, "%d", size)
	}
}
