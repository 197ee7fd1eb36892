package tests

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/internal/pgtest"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// TestClock checks the text of times in the file.
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

// TestBusy: a write fails with ErrBusy if another program locks the file for longer than the
// busy timeout.
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
		require.ErrorIs(t, store.Receipts.Create(t.Context(), receipt("b")), models.ErrBusy)
		receipts, _, err := store.Receipts.List(t.Context(), repository.ReceiptFilter{})
		require.NoError(t, err, "reading does not wait")
		assert.Empty(t, receipts)
		return nil
	}))
	require.NoError(t, store.Receipts.Create(t.Context(), receipt("b")))
}

// existing checks that Open with WithExisting creates nothing at dsn, and opens an existing
// database.
func existing(t *testing.T, dsn string) {
	t.Helper()
	_, err := tier2.Open(t.Context(), dsn, tier2.WithExisting())
	require.ErrorIs(t, err, models.ErrNotFound)
	open(t, dsn)
	store, err := tier2.Open(t.Context(), dsn, tier2.WithExisting())
	require.NoError(t, err)
	require.NoError(t, store.Close())
}

func TestWithExisting(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new")
	_, err := tier2.Open(t.Context(), filepath.Join(dir, "a.db"), tier2.WithExisting())
	require.ErrorIs(t, err, models.ErrNotFound)
	assert.NoDirExists(t, dir)
	existing(t, filepath.Join(dir, "a.db"))

	empty := filepath.Join(dir, "empty.db")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	_, err = tier2.Open(t.Context(), empty, tier2.WithExisting())
	require.ErrorIs(t, err, models.ErrNotFound)
	info, err := os.Stat(empty)
	require.NoError(t, err)
	assert.Zero(t, info.Size())
	existing(t, empty)
}

func TestWithExisting_PostgreSQL(t *testing.T) {
	t.Parallel()
	existing(t, pgtest.DSN(t))
}

// TestOpenWithRedactor: additional keys are redacted besides the usual ones.
func TestOpenWithRedactor(t *testing.T) {
	t.Parallel()
	key := func(name string) tier2.Option {
		return tier2.WithRedactor(func(key string) bool { return key == name })
	}
	store, err := tier2.Open(t.Context(), ":memory:", key("ssn"), key("iban"))
	require.NoError(t, err)
	defer store.Close()
	s := &models.WorkflowSession{SessionID: "s", AgentCount: 1, ContextJSON: models.JSON(`{"ssn":1,"iban":[2],"token":3,"name":4}`)}
	require.NoError(t, store.Sessions.Start(t.Context(), s))
	got, err := store.Sessions.Get(t.Context(), "s")
	require.NoError(t, err)
	assert.JSONEq(t, `{"ssn":"[redacted]","iban":"[redacted]","token":"[redacted]","name":4}`, got.ContextJSON.String())
}

// TestWithReadOnly: reads work, and every write is rejected.
func TestWithReadOnly(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "new", "a.db")
	for name, dsn := range map[string]string{"SQLite": file, "Postgres": pgtest.DSN(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			_, err := tier2.Open(ctx, dsn, tier2.WithReadOnly())
			require.ErrorIs(t, err, models.ErrNotFound)
			if dsn == file {
				assert.NoDirExists(t, filepath.Dir(file), "it makes nothing")
			}
			writing := open(t, dsn)
			receipt := &models.Receipt{ExecutionID: "x", AgentID: "a", Operation: models.OperationWatch, Status: models.ReceiptPassed}
			require.NoError(t, writing.Receipts.Create(ctx, receipt))

			store, err := tier2.Open(ctx, dsn, tier2.WithReadOnly())
			require.NoError(t, err)
			_, err = store.Receipts.Get(ctx, "x")
			require.NoError(t, err)
			rows, err := store.Reports.AgentPerformance(ctx)
			require.NoError(t, err)
			assert.Len(t, rows, 1)
			for name, write := range map[string]func(context.Context) error{
				"Create": func(ctx context.Context) error {
					return store.Receipts.Create(ctx, &models.Receipt{AgentID: "a", Operation: models.OperationWatch, Status: models.ReceiptPassed})
				},
				"Put": func(ctx context.Context) error { return store.Memory.Put(ctx, "a", models.JSON("{}")) },
				"GORM": func(ctx context.Context) error {
					return store.DB().WithContext(ctx).Where("1 = 1").Delete(&models.Receipt{}).Error
				},
				"Exec": func(ctx context.Context) error { return store.DB().WithContext(ctx).Exec("DELETE FROM receipts").Error },
				"Seal": func(ctx context.Context) error { _, err := store.Audit.Seal(ctx); return err },
				"Transaction": func(ctx context.Context) error {
					return store.Transaction(ctx, func(tx *tier2.Store) error { return tx.Memory.Put(ctx, "a", models.JSON("{}")) })
				},
			} {
				require.ErrorIs(t, write(ctx), models.ErrReadOnly, name)
			}
			if dsn == file {
				require.NoError(t, store.DB().Exec("PRAGMA query_only = OFF").Error)
				require.ErrorIs(t, store.DB().Exec("DELETE FROM receipts").Error, models.ErrReadOnly, "no pragma changes that")
			}
			require.NoError(t, store.Close())
			n, _, err := writing.Audit.List(ctx, repository.AuditFilter{})
			require.NoError(t, err)
			assert.Len(t, n, 1, "nothing was written, also not what was refused")
			if dsn == file {
				crashed := filepath.Join(t.TempDir(), "crashed.db") // with a WAL that was not checkpointed
				for _, end := range []string{"", "-wal"} {
					text, err := os.ReadFile(file + end)
					require.NoError(t, err)
					require.NoError(t, os.WriteFile(crashed+end, text, 0o600))
				}
				unchanged(t, crashed, crashed, crashed+"-wal")
				copied := filepath.Join(t.TempDir(), "backup.db") // without a WAL
				require.NoError(t, writing.Backup(ctx, copied))
				unchanged(t, copied, copied)
				require.NoError(t, os.Chmod(copied, 0o400)) // root can still write it
				unchanged(t, copied, copied)
				require.NoError(t, writing.Close())
				unchanged(t, file, file)
				assert.NoFileExists(t, file+"-wal", "nothing is left of what reading needed")
				assert.NoFileExists(t, file+"-shm")
			}
		})
	}
}

// unchanged opens a database for reading only and requires that the files stay unchanged.
func unchanged(t *testing.T, dsn string, files ...string) {
	read := func() (all []string) {
		for _, name := range files {
			text, err := os.ReadFile(name)
			require.NoError(t, err)
			all = append(all, string(text))
		}
		return all
	}
	before := read()
	store, err := tier2.Open(t.Context(), dsn, tier2.WithReadOnly())
	require.NoError(t, err)
	_, err = store.Receipts.Get(t.Context(), "x")
	require.NoError(t, err)
	require.NoError(t, store.Close())
	require.True(t, slices.Equal(before, read()), "%s was changed", dsn)
}
