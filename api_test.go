package tier2_test

import (
	"flag"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2/internal/surface"
)

var update = flag.Bool("update", false, "TestAPI writes docs/api.txt anew")

// loaded is this module.
var loaded = sync.OnceValues(func() (*surface.Module, error) { return surface.Load(".") })

// TestAPI: docs/api.txt lists all that others can import, so that no change of it goes
// unnoticed, and for those who upgrade.
func TestAPI(t *testing.T) {
	t.Parallel()
	const path = "docs/api.txt"
	module, err := loaded()
	require.NoError(t, err)
	list := module.List()
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(strings.Join(list, "\n")+"\n"), 0o644))
	}
	text, err := os.ReadFile(path)
	require.NoError(t, err, "write it with go test -run TestAPI . -update")
	var changes []string
	listed := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	for _, line := range listed {
		if !slices.Contains(list, line) {
			changes = append(changes, "- "+line)
		}
	}
	for _, line := range list {
		if !slices.Contains(listed, line) {
			changes = append(changes, "+ "+line)
		}
	}
	require.Empty(t, changes, "%s is not what the packages export. If that is meant, write it anew, and tell of it in CHANGELOG.md:\n"+
		"\tgo test -run TestAPI . -update\n%s", path, strings.Join(changes, "\n"))
	assert.True(t, slices.Equal(list, listed), "the lines of %s are not in order", path)
}
