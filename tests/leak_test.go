package tests

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/internal/pgtest"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// TestMain fails if a goroutine is left when all tests have ended.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestStoresLeaveNoGoroutine opens, uses and closes 50 stores of each kind. It is not
// parallel, since it would find the goroutines of other tests.
func TestStoresLeaveNoGoroutine(t *testing.T) {
	for name, dsn := range map[string]func(*testing.T) string{
		"File":     func(t *testing.T) string { return filepath.Join(t.TempDir(), "tier2.db") },
		"Memory":   func(*testing.T) string { return ":memory:" },
		"Postgres": func(t *testing.T) string { return pgtest.DSN(t) },
	} {
		t.Run(name, func(t *testing.T) {
			dsn, before := dsn(t), goleak.IgnoreCurrent()
			for i := range 50 {
				store, err := tier2.Open(t.Context(), dsn)
				require.NoError(t, err)
				require.NoError(t, store.Receipts.Create(t.Context(), &models.Receipt{
					ExecutionID: fmt.Sprint(i), AgentID: "coder", Operation: models.OperationWatch, Status: models.ReceiptPassed,
				}))
				_, err = store.Receipts.Get(t.Context(), fmt.Sprint(i))
				require.NoError(t, err)
				require.NoError(t, store.Close())
			}
			goleak.VerifyNone(t, before)
		})
	}
}
