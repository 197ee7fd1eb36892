package main

import (
	"bytes"
	"io"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
)

const want = `release 1.0.0 by build-1: passed, 3 files
1 receipt
audit   receipts.create failed by release-bot
audit   receipts.create completed by release-bot
memory  of release-bot: 1 save
`

func TestOutput(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out, ""))
	assert.Equal(t, want, out.String())
}

// TestKeptFile: what the example leaves is a database of tier2 with one more table, and a
// second run is refused by its first release.
func TestKeptFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "my.db")
	require.NoError(t, run(t.Context(), io.Discard, path))
	require.Error(t, run(t.Context(), io.Discard, path))

	found, err := tier2.Verify(t.Context(), path)
	require.NoError(t, err)
	assert.Empty(t, found.Findings)
	store, err := tier2.Open(t.Context(), path)
	require.NoError(t, err)
	defer store.Close()
	var releases int64
	require.NoError(t, store.DB().WithContext(t.Context()).Model(&Release{}).Count(&releases).Error)
	assert.EqualValues(t, 1, releases)
}
