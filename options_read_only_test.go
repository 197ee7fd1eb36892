package tier2_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/internal/pgtest"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// TestWithReadOnly: what is there is read, and whatever writes is refused.
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
				crashed := filepath.Join(t.TempDir(), "crashed.db") // whose WAL nobody has folded
				for _, end := range []string{"", "-wal"} {
					text, err := os.ReadFile(file + end)
					require.NoError(t, err)
					require.NoError(t, os.WriteFile(crashed+end, text, 0o600))
				}
				unchanged(t, crashed, crashed, crashed+"-wal")
				copied := filepath.Join(t.TempDir(), "backup.db") // which has no WAL
				require.NoError(t, writing.Backup(ctx, copied))
				unchanged(t, copied, copied)
				require.NoError(t, os.Chmod(copied, 0o400)) // which keeps everyone but root from writing it
				unchanged(t, copied, copied)
				require.NoError(t, writing.Close())
				unchanged(t, file, file)
				assert.NoFileExists(t, file+"-wal", "nothing is left of what reading needed")
				assert.NoFileExists(t, file+"-shm")
			}
		})
	}
}

// unchanged opens a database to read it, and holds that files stay as they are.
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
