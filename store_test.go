package tier2_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

func TestTransaction(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	boom := errors.New("boom")
	for _, dsn := range []string{":memory:", filepath.Join(t.TempDir(), "tier2.db")} {
		store := open(t, dsn)
		assert.ErrorIs(t, store.Transaction(ctx, func(tx *tier2.Store) error {
			require.NoError(t, tx.Receipts.Create(ctx, receipt("a")))
			return boom
		}), boom)
		assert.PanicsWithValue(t, "boom", func() {
			_ = store.Transaction(ctx, func(tx *tier2.Store) error {
				require.NoError(t, tx.Receipts.Create(ctx, receipt("a")))
				panic("boom")
			})
		})
		for _, table := range []string{"receipts", "audit_log", "agent_memory"} {
			assert.Zero(t, count(t, store, table), table)
		}
		require.NoError(t, store.Transaction(ctx, func(tx *tier2.Store) error {
			require.NoError(t, tx.Receipts.Create(ctx, receipt("kept")))
			assert.ErrorIs(t, tx.Transaction(ctx, func(inner *tier2.Store) error {
				require.NoError(t, inner.Receipts.Create(ctx, receipt("undone")))
				assert.ErrorIs(t, inner.Close(), models.ErrInvalid)
				return boom
			}), boom)
			assert.EqualValues(t, 1, count(t, tx, "receipts"), "an inner error undoes the inner part only")
			return nil
		}))
		assert.EqualValues(t, 1, count(t, store, "receipts"))
	}
}

func TestClose(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	store, err := tier2.Open(ctx, filepath.Join(t.TempDir(), "tier2.db"))
	require.NoError(t, err)
	var closers sync.WaitGroup
	for range 4 {
		closers.Go(func() { assert.NoError(t, store.Close()) })
	}
	closers.Wait()
	require.NoError(t, store.Close())

	_, err = store.Receipts.Get(ctx, "x")
	assert.ErrorIs(t, err, models.ErrClosed, "reading")
	assert.ErrorIs(t, store.Receipts.Create(ctx, receipt("a")), models.ErrClosed, "writing")
	assert.ErrorIs(t, store.Transaction(ctx, func(*tier2.Store) error { return nil }), models.ErrClosed)
	assert.ErrorIs(t, store.DB().Exec("SELECT 1").Error, models.ErrClosed)
}

func TestClock(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 29, 13, 34, 56, 123456789, time.FixedZone("CET", 3600))
	store := open(t, ":memory:", tier2.WithClock(func() time.Time { return at }))
	r := receipt("a")
	require.NoError(t, store.Receipts.Create(context.Background(), r))
	assert.Equal(t, "2026-01-29T12:34:56.123456Z", r.Timestamp.String())
	var created, audited string
	require.NoError(t, store.DB().Raw("SELECT CAST(created_at AS text) FROM receipts").Scan(&created).Error)
	require.NoError(t, store.DB().Raw("SELECT timestamp FROM audit_log").Scan(&audited).Error)
	assert.Equal(t, "2026-01-29 12:34:56.123456+00:00", created)
	assert.Equal(t, r.Timestamp.String(), audited)
}
