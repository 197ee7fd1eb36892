package audit

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// TestTurns: of many who wait for a database that another program holds, two find out,
// the first, and the first of those who came while it waited. The clock is synctest's.
func TestTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		turns := &turns{place: make(chan struct{}, 1)}
		begun, held := 0, true
		begin := func() error {
			begun++
			if held {
				time.Sleep(time.Second)
				return &models.Error{Kind: models.ErrBusy}
			}
			return nil
		}
		first := time.Now()
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				assert.ErrorIs(t, turns.take(t.Context(), begin), models.ErrBusy)
				assert.LessOrEqual(t, time.Since(first), 2*time.Second)
			})
		}
		all.Wait()
		assert.Equal(t, 2, begun)

		held = false
		assert.NoError(t, turns.take(t.Context(), begin), "who comes later looks again")
		assert.Equal(t, 3, begun)
	})
}
