package anchor_test

import (
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2/internal/anchor"
	"github.com/seanchatmangpt/ggen/tier2/ledger"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// TestTornAnchor: the file stays readable wherever a full disk cut its last line.
func TestTornAnchor(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "anchor")
	sizes := func() (list []int64) {
		all, err := anchor.Read(path)
		require.NoError(t, err)
		for _, c := range all {
			list = append(list, c.Size)
		}
		return list
	}
	require.NoError(t, anchor.Append(path, anchor.Checkpoint{Size: 1}))
	one, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, anchor.Append(path, anchor.Checkpoint{Size: 2}))
	two, err := os.ReadFile(path)
	require.NoError(t, err)
	for end := len(one); end < len(two)-1; end++ {
		require.NoError(t, os.WriteFile(path, two[:end], 0o600))
		require.Equal(t, []int64{1}, sizes())
		last, err := anchor.Last(path)
		require.NoError(t, err)
		require.EqualValues(t, 1, last.Size)
		require.NoError(t, anchor.Append(path, anchor.Checkpoint{Size: 3}))
		require.Equal(t, []int64{1, 3}, sizes())
	}
	require.NoError(t, os.WriteFile(path, append([]byte("{\n"), two...), 0o600))
	_, err = anchor.Read(path)
	assert.ErrorIs(t, err, models.ErrInvalid, "a line before the last one")
	for _, other := range []string{"notes", "{}\nnotes", `{"sizes":[`} {
		require.NoError(t, os.WriteFile(path, []byte(other), 0o600))
		_, err = anchor.Last(path)
		assert.ErrorIs(t, err, models.ErrInvalid, "%s", other)
	}
	require.NoError(t, os.WriteFile(path, one[:len(one)-1], 0o600))
	assert.Equal(t, []int64{1}, sizes(), "complete except for the newline")
}

// TestSize: checkpoints of impossible sizes are rejected; package tlog would not return.
func TestSize(t *testing.T) {
	t.Parallel()
	for _, size := range []int64{math.MinInt64, -1, 0, anchor.MaxSize + 1, math.MaxInt64} {
		path := filepath.Join(t.TempDir(), "anchor")
		require.NoError(t, anchor.Append(path, anchor.Checkpoint{Size: size}))
		_, err := anchor.Read(path)
		assert.ErrorIs(t, err, models.ErrInvalid, "%d", size)
		_, err = anchor.Last(path)
		assert.ErrorIs(t, err, models.ErrInvalid, "%d", size)
	}
}

// TestSign: a checkpoint that the store did not sign can be signed elsewhere.
func TestSign(t *testing.T) {
	t.Parallel()
	private, public, err := ledger.GenerateKey("ggen-ci")
	require.NoError(t, err)
	signer, err := anchor.NewSigner(private)
	require.NoError(t, err)
	c := anchor.Checkpoint{Size: 1, Timestamp: models.At(time.Unix(0, 0))}
	c.Note, err = c.Sign(signer)
	require.NoError(t, err)
	assert.Less(t, len(c.Text()), len(c.Note))
	assert.NoError(t, ledger.Checkpoint(c).Check(public))

	_, err = anchor.NewSigner("PRIVATE+KEY+secret")
	require.ErrorIs(t, err, models.ErrInvalid)
	assert.NotContains(t, err.Error(), "secret")
}
