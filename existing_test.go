package tier2_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/internal/pgtest"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// existing checks that Open makes nothing at dsn under WithExisting, and opens it
// when it is there.
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

func TestLocation(t *testing.T) {
	t.Parallel()
	where, err := tier2.Location("postgres://u:hunter2@db.example:5433/x?search_path=y")
	require.NoError(t, err)
	assert.Equal(t, "postgres://u@db.example:5433/x", where)
	where, err = tier2.Location("file:/a/b.db?mode=rw")
	require.NoError(t, err)
	assert.Equal(t, filepath.FromSlash("/a/b.db"), where)
	where, err = tier2.Location("file:x?mode=memory")
	require.NoError(t, err)
	assert.Equal(t, ":memory:", where)
	for _, dsn := range []string{"", "mysql://u:hunter2@h/db", "postgres://u:hunter2@h:port/db", "file:%zz"} {
		_, err = tier2.Location(dsn)
		require.ErrorIs(t, err, models.ErrInvalid, dsn)
		assert.NotContains(t, err.Error(), "hunter2")
	}
	_, err = tier2.Verify(t.Context(), ":memory:")
	assert.ErrorIs(t, err, models.ErrInvalid)
}
