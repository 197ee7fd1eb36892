package sqlite

import (
	"os"
	"path/filepath"
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
