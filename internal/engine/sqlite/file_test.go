package sqlite

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
)

// BenchmarkOnCommit measures the check of the files that a commit makes.
func BenchmarkOnCommit(b *testing.B) {
	path := filepath.Join(b.TempDir(), "tier2.db")
	h, err := Open(b.Context(), backend.Config{DSN: path, Schema: "CREATE TABLE t (x)"})
	require.NoError(b, err)
	defer h.Close()
	p, err := placeOf(path)
	require.NoError(b, err)
	require.NoError(b, p.opened())
	for b.Loop() {
		if p.onCommit() != 0 {
			b.Fatal("the files are unchanged")
		}
	}
}
