package tests

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/tests/workload"
)

// smallDisk mounts a file system of the given size in KiB; resize changes the size.
func smallDisk(t *testing.T, kib int) (dir string, resize func(kib int)) {
	t.Helper()
	dir = t.TempDir()
	options := func(kib int) string { return fmt.Sprintf("size=%dk", kib) }
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, options(kib)); err != nil {
		t.Skip("cannot mount a tmpfs, for which one must be root: ", err)
	}
	t.Cleanup(func() { assert.NoError(t, syscall.Unmount(dir, 0)) })
	return dir, func(kib int) {
		t.Helper()
		require.NoError(t, syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, options(kib)))
	}
}

// TestDiskFull_FileSystem: workers continue while the disk is full and after it has space
// again. Every acknowledged step is stored.
func TestDiskFull_FileSystem(t *testing.T) {
	t.Parallel()
	dir, resize := smallDisk(t, 1000)
	dsn, journals := filepath.Join(dir, "tier2.db"), t.TempDir()
	require.NoError(t, workload.Start(t.Context(), dsn))
	work := func(phase string, steps int) *workload.Result {
		var all sync.WaitGroup
		for i := range 3 {
			all.Go(func() {
				life := fmt.Sprint(phase, i)
				journal, err := workload.OpenJournal(journals, life)
				if !assert.NoError(t, err) {
					return
				}
				w := &workload.Worker{
					Open: func(ctx context.Context) (*tier2.Store, error) { return tier2.Open(ctx, dsn, tier2.WithExisting()) },
					Life: life, Journal: journal, Rand: rand.New(rand.NewPCG(1, uint64(i))), Steps: steps,
				}
				assert.NoError(t, w.Run(t.Context()))
			})
		}
		all.Wait()
		result, err := workload.Check(t.Context(), dsn, journals)
		require.NoError(t, err)
		require.Empty(t, result.Findings)
		return result
	}
	full := work("full", 100)
	assert.Positive(t, full.Refused)
	for message := range full.Errors {
		assert.Contains(t, message, "no space", "every refusal says why")
	}
	resize(20_000)
	after := work("after", 20)
	assert.Equal(t, full.Refused, after.Refused, "nothing more is refused")
	t.Logf("%d steps acknowledged and %d refused on a full disk; %d more acknowledged when there was space again",
		full.Acknowledged, full.Refused, after.Acknowledged-full.Acknowledged)
}

// TestDiskFull_Open: without space no database is created, and an upgrade leaves the
// database unchanged.
func TestDiskFull_Open(t *testing.T) {
	t.Parallel()
	seed, err := os.ReadFile("../internal/engine/sqlite/testdata/seed-1.0.0.sql")
	require.NoError(t, err)
	old := filepath.Join(t.TempDir(), "old.db")
	db := elsewhere(t, old)
	_, err = db.Exec(string(seed))
	require.NoError(t, err)
	require.NoError(t, db.Close())
	bytes, err := os.ReadFile(old)
	require.NoError(t, err)
	for name, content := range map[string][]byte{"New": nil, "Upgrade": bytes} {
		for _, slack := range []int{4, 16, 48, 100, 160} { // KiB
			t.Run(fmt.Sprint(name, slack), func(t *testing.T) {
				t.Parallel()
				dir, resize := smallDisk(t, (len(content)+4095)/4096*4+slack)
				path := filepath.Join(dir, "tier2.db")
				if content != nil {
					require.NoError(t, os.WriteFile(path, content, 0o600))
				}
				store, err := tier2.Open(t.Context(), path)
				if err == nil {
					require.NoError(t, store.Close())
					t.Skip("there was space enough")
				}
				require.ErrorIs(t, err, models.ErrFull)
				if content == nil {
					assert.NoFileExists(t, path)
				} else {
					now, err := os.ReadFile(path)
					require.NoError(t, err)
					assert.True(t, string(content) == string(now), "it is as it was")
				}
				resize(4000)
				again := open(t, path)
				require.NoError(t, again.Receipts.Create(t.Context(), newReceipt("after")))
				verifyWhole(t, path)
			})
		}
	}
}

// TestDiskFull_Close: closing a store while the disk is full loses nothing.
func TestDiskFull_Close(t *testing.T) {
	t.Parallel()
	dir, resize := smallDisk(t, 1000)
	dsn := filepath.Join(dir, "tier2.db")
	store, err := tier2.Open(t.Context(), dsn)
	require.NoError(t, err)
	saved := 0
	for err == nil {
		r := newReceipt(fmt.Sprint(saved))
		r.ReceiptJSON = models.JSON(`"` + strings.Repeat("x", 3000) + `"`)
		if err = store.Receipts.Create(t.Context(), r); err == nil {
			saved++
		}
	}
	require.ErrorIs(t, err, models.ErrFull)
	_, err = store.Receipts.Get(t.Context(), "0")
	require.NoError(t, err)
	require.NoError(t, store.Close())
	resize(8000)
	assert.EqualValues(t, saved, count(t, open(t, dsn), "receipts"))
	verifyWhole(t, dsn)
}
