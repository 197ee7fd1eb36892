package hooks_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/hooks"
	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	"github.com/seanchatmangpt/ggen/tier2/internal/engine/postgres"
	"github.com/seanchatmangpt/ggen/tier2/internal/engine/sqlite"
	"github.com/seanchatmangpt/ggen/tier2/internal/pgtest"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// TestOwnDatabase: the hooks do on a caller's own *gorm.DB what they do in a store,
// whose cases are in tests/contract, and take the clock that they are given.
func TestOwnDatabase(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 1, 29, 12, 0, 0, 0, time.UTC)
	for name, open := range map[string]func(t *testing.T) (*backend.Handles, error){
		"SQLite": func(t *testing.T) (*backend.Handles, error) {
			return sqlite.Open(t.Context(), backend.Config{DSN: filepath.Join(t.TempDir(), "own.db"), Schema: tier2.Schema()})
		},
		"Postgres": func(t *testing.T) (*backend.Handles, error) {
			return postgres.Open(t.Context(), backend.Config{DSN: pgtest.DSN(t)})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, err := open(t)
			require.NoError(t, err)
			t.Cleanup(func() { assert.NoError(t, h.Close()) })
			db := h.Write
			require.NoError(t, db.Use(hooks.New(hooks.WithClock(func() time.Time { return noon }))))
			require.ErrorIs(t, db.Use(hooks.New()), gorm.ErrRegistered)
			require.NoError(t, db.WithContext(hooks.WithActor(t.Context(), "lead")).Create(&models.Receipt{
				ExecutionID: "x", AgentID: "coder", Operation: models.OperationWatch, Status: models.ReceiptPassed,
			}).Error)
			var entry models.AuditEntry
			require.NoError(t, db.Take(&entry).Error)
			assert.Equal(t, []any{"lead", "receipts.create", models.At(noon)}, []any{entry.AgentID, entry.Operation, entry.Timestamp})
			var memory models.AgentMemory
			require.NoError(t, db.Take(&memory).Error)
			assert.Equal(t, "lead", memory.AgentID)
		})
	}
}
