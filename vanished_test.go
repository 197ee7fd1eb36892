package tier2_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// TestVanished: a store whose files are taken away acknowledges nothing that would be
// gone with the process, and can be opened again.
func TestVanished(t *testing.T) {
	t.Parallel()
	other := func(t *testing.T) string {
		path := filepath.Join(t.TempDir(), "other.db")
		store, err := tier2.Open(t.Context(), path)
		require.NoError(t, err)
		require.NoError(t, store.Close())
		return path
	}
	for name, tt := range map[string]struct {
		take func(t *testing.T, path string) error
		left int64 // receipts that are there when it is opened again
	}{
		"Folder":   {take: func(_ *testing.T, path string) error { return os.RemoveAll(filepath.Dir(path)) }},
		"File":     {take: func(_ *testing.T, path string) error { return os.Remove(path) }},
		"Moved":    {take: func(_ *testing.T, path string) error { return os.Rename(path, path+".old") }},
		"Replaced": {take: func(t *testing.T, path string) error { return os.Rename(other(t), path) }},
		"WAL":      {take: func(_ *testing.T, path string) error { return os.Remove(path + "-wal") }, left: 1},
	} {
		for mode, opts := range map[string][]tier2.Option{"": nil, "Ungrouped": {tier2.WithoutGroupCommit()}} {
			t.Run(name+mode, func(t *testing.T) {
				t.Parallel()
				path := filepath.Join(t.TempDir(), "folder", "tier2.db")
				store, err := tier2.Open(t.Context(), path, opts...)
				require.NoError(t, err)
				require.NoError(t, store.Receipts.Create(t.Context(), newReceipt("before")))
				time.Sleep(10 * time.Millisecond) // for as long commits trust those before
				require.NoError(t, tt.take(t, path))
				for what, write := range map[string]func() error{
					"Create": func() error { return store.Receipts.Create(t.Context(), newReceipt("a")) },
					"Batch":  func() error { return store.Receipts.CreateBatch(t.Context(), []*models.Receipt{newReceipt("b")}) },
					"Upsert": func() error { return store.Receipts.Upsert(t.Context(), newReceipt("c")) },
					"Memory": func() error { return store.Memory.Put(t.Context(), "coder", models.JSON(`{}`)) },
					"Exec":   func() error { return store.DB().Exec("UPDATE receipts SET environment = 'x'").Error },
					"Transaction": func() error {
						return store.Transaction(t.Context(), func(tx *tier2.Store) error { return tx.Receipts.Create(t.Context(), newReceipt("d")) })
					},
				} {
					err := write()
					require.ErrorIs(t, err, models.ErrReadOnly, what)
					assert.ErrorContains(t, err, "removed or replaced", what)
				}
				_, err = store.Receipts.Get(t.Context(), "before")
				require.NoError(t, err, "reads still see what was there")
				require.ErrorIs(t, store.Close(), models.ErrReadOnly)

				if name == "Moved" {
					assert.EqualValues(t, 1, count(t, open(t, path+".old"), "receipts"), "Close has folded the WAL into the file")
				}
				again := open(t, path)
				assert.Equal(t, tt.left, count(t, again, "receipts"))
				require.NoError(t, again.Receipts.Create(t.Context(), newReceipt("after")))
				require.NoError(t, again.Close())
				verifyWhole(t, path)
			})
		}
	}
}
