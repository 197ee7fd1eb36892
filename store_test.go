package tier2_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// TestClock: the text of times in the file.
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

// TestBusy: another program holds the file for longer than the busy timeout.
func TestBusy(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tier2.db")
	holder, err := tier2.Open(t.Context(), path)
	require.NoError(t, err)
	defer holder.Close()
	store, err := tier2.Open(t.Context(), path, tier2.WithBusyTimeout(5*time.Millisecond))
	require.NoError(t, err)
	defer store.Close()
	require.NoError(t, holder.Transaction(t.Context(), func(tx *tier2.Store) error {
		require.NoError(t, tx.Receipts.Create(t.Context(), receipt("a")))
		require.ErrorIs(t, store.Receipts.Create(t.Context(), receipt("b")), repository.ErrBusy)
		receipts, _, err := store.Receipts.List(t.Context(), repository.ReceiptFilter{})
		require.NoError(t, err, "reading does not wait")
		assert.Empty(t, receipts)
		return nil
	}))
	require.NoError(t, store.Receipts.Create(t.Context(), receipt("b")))
}
