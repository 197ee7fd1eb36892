package contract_test

import (
	"path/filepath"
	"testing"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/tier2test/contract"
)

// In a test of your own, t is its *testing.T: on your file system, with your options.
func ExampleRun() {
	var t *testing.T
	contract.Run(t, func(tb testing.TB) string {
		return filepath.Join(tb.TempDir(), "tier2.db")
	}, tier2.WithSynchronousFull())
}
