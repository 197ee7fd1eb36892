package tests

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// dead returns a folder with tier2.db as a dead process leaves it, with n acknowledged
// receipts: a copy of the files of an open database.
func dead(t *testing.T, n int) (dir string) {
	t.Helper()
	from := filepath.Join(t.TempDir(), "tier2.db")
	store := open(t, from)
	for i := range n {
		require.NoError(t, store.Receipts.Create(t.Context(), newReceipt(fmt.Sprint(i))))
	}
	dir = t.TempDir()
	for _, suffix := range []string{"", "-wal", "-shm"} {
		bytes, err := os.ReadFile(from + suffix)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, "tier2.db"+suffix), bytes, 0o600))
	}
	return dir
}

// TestDeadProcess: the -wal of a dead process is read; without it the database is an older
// state of itself.
func TestDeadProcess(t *testing.T) {
	t.Parallel()
	const n = 20
	for name, tt := range map[string]struct {
		lose    []string
		receipt int64
	}{
		"All":        {receipt: n},
		"WithoutSHM": {lose: []string{"-shm"}, receipt: n},
		"WithoutWAL": {lose: []string{"-shm", "-wal"}}, // no checkpoint has run yet
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(dead(t, n), "tier2.db")
			for _, suffix := range tt.lose {
				require.NoError(t, os.Remove(path+suffix))
			}
			verifyWhole(t, path)
			store := open(t, path)
			assert.Equal(t, tt.receipt, count(t, store, "receipts"))
			assert.Equal(t, tt.receipt, count(t, store, "audit_log"))
			require.NoError(t, store.Receipts.Create(t.Context(), newReceipt("after")))
			verifyWhole(t, path)
		})
	}
}

// TestTornWAL: a WAL that is cut or overwritten from any place on, as by a power loss, is
// read up to its last complete commit.
func TestTornWAL(t *testing.T) {
	t.Parallel()
	const n = 20
	from := dead(t, n)
	wal, err := os.ReadFile(filepath.Join(from, "tier2.db-wal"))
	require.NoError(t, err)
	db, err := os.ReadFile(filepath.Join(from, "tier2.db"))
	require.NoError(t, err)
	last := int64(n)
	for i := range 8 {
		cut := len(wal) - len(wal)*i/8 - 1
		path := filepath.Join(t.TempDir(), "tier2.db")
		torn := append([]byte{}, wal[:cut]...)
		if i%2 == 1 {
			torn = append(torn, make([]byte, len(wal)-cut)...)
		}
		require.NoError(t, os.WriteFile(path, db, 0o600))
		require.NoError(t, os.WriteFile(path+"-wal", torn, 0o600))
		store := open(t, path)
		receipts := count(t, store, "receipts")
		assert.LessOrEqual(t, receipts, last, "a beginning of what there was")
		last = receipts
		assert.Equal(t, receipts, count(t, store, "audit_log"))
		if receipts > 0 {
			assert.Equal(t, receipts, activity(t, store, "coder").Saves)
		}
		for i := range receipts {
			_, err := store.Receipts.Get(t.Context(), fmt.Sprint(i))
			require.NoError(t, err)
		}
		verifyWhole(t, path)
	}
	assert.Less(t, last, int64(n))
}

// TestStaleWAL: with the -wal of another database beside a file, SQLite reads pages of both
// as one database. Verify finds that.
func TestStaleWAL(t *testing.T) {
	t.Parallel()
	closed := filepath.Join(t.TempDir(), "mine.db")
	store, err := tier2.Open(t.Context(), closed)
	require.NoError(t, err)
	for i := range 300 {
		require.NoError(t, store.Receipts.Create(t.Context(), newReceipt(fmt.Sprint("mine-", i))))
	}
	require.NoError(t, store.Close())
	other, err := os.ReadFile(filepath.Join(dead(t, 20), "tier2.db-wal"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(closed+"-wal", other, 0o600))
	findings := verdict(t, closed)
	t.Log(findings)
	assert.NotEmpty(t, findings)
}

// TestReadOnlyFolder: Open fails where the WAL cannot be created.
func TestReadOnlyFolder(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "folder")
	path := filepath.Join(dir, "tier2.db")
	require.NoError(t, open(t, path).Close())
	before, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o500))
	t.Cleanup(func() { _ = os.Chmod(dir, 0o700) })
	if f, err := os.Create(filepath.Join(dir, "probe")); err == nil {
		require.NoError(t, f.Close())
		t.Skip("this user may write into every folder")
	}
	_, err = tier2.Open(t.Context(), path)
	var e *models.Error
	require.ErrorAs(t, err, &e)
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, before, after)
}

// TestReadOnlyLater: a file that becomes read-only while it is open can still be written;
// the next Open is rejected.
func TestReadOnlyLater(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tier2.db")
	store := open(t, path)
	require.NoError(t, os.Chmod(path, 0o400))
	require.NoError(t, store.Receipts.Create(t.Context(), newReceipt("a")))
	_, err := tier2.Open(t.Context(), path)
	require.ErrorIs(t, err, models.ErrReadOnly)
	require.NoError(t, os.Chmod(path, 0o600))
	assert.EqualValues(t, 1, count(t, open(t, path), "receipts"))
}

// TestLockedByAnotherProgram: another program holds the write lock for longer than the busy
// timeout while many goroutines save. Each gets ErrBusy, and the store continues afterwards.
func TestLockedByAnotherProgram(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tier2.db")
	store := open(t, path, tier2.WithBusyTimeout(20*time.Millisecond))
	const goroutines = 16
	errs := make(chan error, goroutines)
	save := func(prefix string) {
		for g := range goroutines {
			go func() { errs <- store.Receipts.Create(t.Context(), newReceipt(fmt.Sprint(prefix, g))) }()
		}
	}
	release := lockElsewhere(t, path)
	save("locked-")
	for range goroutines {
		require.ErrorIs(t, <-errs, models.ErrBusy)
	}
	_, _, err := store.Receipts.List(t.Context(), repository.ReceiptFilter{})
	require.NoError(t, err, "reads go on")
	release()
	save("after-")
	for range goroutines {
		require.NoError(t, <-errs)
	}
	assert.EqualValues(t, goroutines, count(t, store, "receipts"))
	assert.EqualValues(t, goroutines, activity(t, store, "coder").Saves)
	verifyWhole(t, path)
}

// TestVanished: a store whose files were removed or replaced acknowledges no save that would
// be lost with the process, and the database can be opened again.
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
		left int64 // receipts after the next Open
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
				time.Sleep(10 * time.Millisecond) // commits trust the last check for as long
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
