package ledger_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2/ledger"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// TestTornAnchor: wherever a full disk cut the last line, the anchor is still one.
func TestTornAnchor(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "anchor")
	sizes := func() (list []int64) {
		all, err := ledger.ReadAnchor(path)
		require.NoError(t, err)
		for _, c := range all {
			list = append(list, c.Size)
		}
		return list
	}
	require.NoError(t, ledger.AppendAnchor(path, ledger.Checkpoint{Size: 1}))
	one, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, ledger.AppendAnchor(path, ledger.Checkpoint{Size: 2}))
	two, err := os.ReadFile(path)
	require.NoError(t, err)
	for end := len(one); end < len(two)-1; end++ {
		require.NoError(t, os.WriteFile(path, two[:end], 0o600))
		require.Equal(t, []int64{1}, sizes())
		last, err := ledger.LastAnchored(path)
		require.NoError(t, err)
		require.EqualValues(t, 1, last.Size)
		require.NoError(t, ledger.AppendAnchor(path, ledger.Checkpoint{Size: 3}))
		require.Equal(t, []int64{1, 3}, sizes())
	}
	require.NoError(t, os.WriteFile(path, append([]byte("{\n"), two...), 0o600))
	_, err = ledger.ReadAnchor(path)
	assert.ErrorIs(t, err, models.ErrInvalid, "a line before the last one")
	for _, other := range []string{"notes", "{}\nnotes", `{"sizes":[`} {
		require.NoError(t, os.WriteFile(path, []byte(other), 0o600))
		_, err = ledger.LastAnchored(path)
		assert.ErrorIs(t, err, models.ErrInvalid, "%s", other)
	}
	require.NoError(t, os.WriteFile(path, one[:len(one)-1], 0o600))
	assert.Equal(t, []int64{1}, sizes(), "whole, but for the line's end")
}
