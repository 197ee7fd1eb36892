package tier2_test

import (
	"context"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

func TestOpenMakesFoldersAndFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "a", "b", "tier2.db")
	store := open(t, path)
	require.NoError(t, store.Receipts.Create(context.Background(), receipt("a")))
	for name, mode := range map[string]fs.FileMode{"a": 0o700, "a/b": 0o700, "a/b/tier2.db": 0o600, "a/b/tier2.db-wal": 0o600, "a/b/tier2.db-shm": 0o600} {
		info, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
		assert.Equal(t, mode, info.Mode().Perm(), name)
	}
	require.NoError(t, store.Close())
	assert.NoFileExists(t, path+"-wal", "Close folds the WAL into the file")

	again := open(t, path)
	assert.EqualValues(t, 1, count(t, again, "receipts"))
}

func TestOpenReadsEveryFormOfDSN(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	odd := "sp ace %20 ?mode=ro #x & =;ü'\".db"
	escaped := func(name string) string { return (&url.URL{Path: filepath.Join(dir, name)}).EscapedPath() }
	for name, tt := range map[string]struct{ dsn, file string }{
		"Path":          {filepath.Join(dir, "plain.db"), "plain.db"},
		"OddPath":       {filepath.Join(dir, odd), odd},
		"File":          {"file:" + filepath.Join(dir, "f1.db"), "f1.db"},
		"FileThree":     {"file://" + filepath.Join(dir, "f2.db"), "f2.db"},
		"FileLocalhost": {"file://localhost" + filepath.Join(dir, "f3.db"), "f3.db"},
		"FileEscaped":   {"file:" + escaped("e "+odd) + "?mode=rwc&cache=shared#fragment", "e " + odd},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := open(t, tt.dsn)
			require.NoError(t, store.Receipts.Create(context.Background(), receipt("a")))
			assert.FileExists(t, filepath.Join(dir, tt.file))
			_, err := store.Reports.AgentPerformance(context.Background())
			assert.NoError(t, err, "the readers find the same file")
		})
	}
}

func TestOpenRelativePath(t *testing.T) { // not parallel: it changes the working directory
	dir := t.TempDir()
	t.Chdir(dir)
	store := open(t, ".ggen/tier2.db")
	viaURI := open(t, "file:rel.db")
	t.Chdir(t.TempDir())
	for _, s := range []*tier2.Store{store, viaURI} {
		require.NoError(t, s.Receipts.Create(context.Background(), receipt("a")))
		_, err := s.Reports.AgentPerformance(context.Background())
		require.NoError(t, err)
	}
	assert.FileExists(t, filepath.Join(dir, ".ggen", "tier2.db"))
	assert.FileExists(t, filepath.Join(dir, "rel.db"))
}

func TestOpenInMemory(t *testing.T) {
	t.Parallel()
	for _, dsn := range []string{":memory:", "file::memory:", "file::memory:?cache=shared", "file:x?mode=memory"} {
		one, two := open(t, dsn), open(t, dsn)
		require.NoError(t, one.Receipts.Create(context.Background(), receipt("a")))
		assert.EqualValues(t, 1, count(t, one, "receipts"))
		assert.Zero(t, count(t, two, "receipts"), "every store in memory is its own")
		agents, err := one.Reports.AgentPerformance(context.Background())
		require.NoError(t, err)
		assert.Len(t, agents, 1, "the readers see what was written")
	}
	one, two := open(t, "file:open_test_named?mode=memory&cache=shared"), open(t, "file:open_test_named?mode=memory&cache=shared")
	require.NoError(t, one.Receipts.Create(context.Background(), receipt("a")))
	assert.EqualValues(t, 1, count(t, two, "receipts"), "a shared name is one database")
	assert.NoFileExists(t, "x")
}

func TestOpenAnEmptyFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "empty.db")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	store := open(t, path)
	assert.NoError(t, store.Receipts.Create(context.Background(), receipt("a")))
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
