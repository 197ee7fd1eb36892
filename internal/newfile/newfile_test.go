package newfile

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// TestPublish: a name that something got meanwhile is not taken away from it.
func TestPublish(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	from, to := filepath.Join(folder, "from"), filepath.Join(folder, "to")
	require.NoError(t, os.WriteFile(from, []byte("new"), 0o600))
	require.NoError(t, os.WriteFile(to, []byte("there"), 0o600))
	require.ErrorIs(t, publish(from, to), models.ErrConflict)
	require.ErrorIs(t, publish(filepath.Join(folder, "none"), to+"2"), os.ErrNotExist)
	require.NoFileExists(t, to+"2", "nor is an empty file left")
	text, err := os.ReadFile(to)
	require.NoError(t, err)
	assert.Equal(t, "there", string(text))

	require.NoError(t, os.Remove(to))
	require.NoError(t, publish(from, to))
	text, err = os.ReadFile(to)
	require.NoError(t, err)
	assert.Equal(t, "new", string(text))
}

// TestMakeFolder: it has its name when it is whole, or never; what is there stays.
func TestMakeFolder(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	path := filepath.Join(root, "new", "folder")
	one := func(dir string) error {
		require.NoDirExists(t, path, "not yet")
		return Make(filepath.Join(dir, "one"), func(f *os.File) error { _, err := f.WriteString("1"); return err })
	}
	require.ErrorIs(t, MakeFolder(path, func(dir string) error { require.NoError(t, one(dir)); return os.ErrInvalid }), os.ErrInvalid)
	require.NoDirExists(t, filepath.Join(root, "new"), "nothing is left")
	require.NoError(t, MakeFolder(path, one))
	require.ErrorIs(t, MakeFolder(path, one), models.ErrConflict)
	require.ErrorIs(t, MakeFolder(filepath.Join(path, "one", "x"), one), syscall.ENOTDIR)
	other := filepath.Join(root, "other")
	require.ErrorIs(t, MakeFolder(other, func(dir string) error { return os.Mkdir(other, 0o700) }), models.ErrConflict, "another's, made meanwhile")
	names, err := filepath.Glob(filepath.Join(root, "*", "*"))
	require.NoError(t, err)
	assert.Equal(t, []string{path}, names)
	text, err := os.ReadFile(filepath.Join(path, "one"))
	require.NoError(t, err)
	assert.Equal(t, "1", string(text))
}
