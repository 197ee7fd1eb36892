package postgres

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	"github.com/seanchatmangpt/ggen/tier2/internal/pgtest"
)

// shortLived is a context that ends at the nth call of its methods.
type shortLived struct {
	context.Context
	cancel context.CancelFunc
	left   atomic.Int64
}

func (s *shortLived) Done() <-chan struct{} {
	if s.left.Add(-1) == 0 {
		s.cancel()
	}
	return s.Context.Done()
}

// TestCancelledLetsGoOfLocks: when a context ends a statement, even while it is being sent, the
// server ends its transaction before other transactions give up waiting. Over TLS, which the
// server must have enabled, pgx's own handler does not ensure that.
func TestCancelledLetsGoOfLocks(t *testing.T) {
	t.Parallel()
	h := openTest(t, backend.Config{DSN: pgtest.DSN(t), BusyTimeout: 5 * time.Second})
	require.NoError(t, h.Write.Exec(insert, "e", "watch", 1, nil).Error)
	pool, err := h.Write.DB()
	require.NoError(t, err)
	const lock = "UPDATE receipts SET duration_ms = duration_ms"
	for n := int64(1); n <= 30; n++ {
		tx, err := pool.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		_, err = tx.ExecContext(t.Context(), lock)
		require.NoError(t, err)
		ctx := &shortLived{}
		ctx.Context, ctx.cancel = context.WithCancel(t.Context())
		ctx.left.Store(n%5 + 1)
		_, _ = tx.ExecContext(ctx, "SELECT 1")
		ctx.cancel()
		_ = tx.Rollback()
		require.NoError(t, h.Write.Exec(lock).Error, "look %d", n%5+1)
	}
}
