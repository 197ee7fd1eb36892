package tier2_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/ledger"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// TestMarkedAsArchive: a store that somebody made look like an archive is not held against
// less than it was: an anchor and keys are refused, not passed over.
func TestMarkedAsArchive(t *testing.T) {
	t.Parallel()
	for name, dsn := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			private, public, err := ledger.GenerateKey("k")
			require.NoError(t, err)
			anchor := filepath.Join(t.TempDir(), "anchor")
			where := dsn(t)
			store := open(t, where, tier2.WithAnchor(anchor), tier2.WithSigner(private))
			for range 3 {
				require.NoError(t, store.Receipts.Create(t.Context(), receipt("coder")))
			}
			_, err = store.Audit.Seal(t.Context())
			require.NoError(t, err)
			for _, sql := range []string{
				"INSERT INTO tier2_archive VALUES ('elsewhere', '2026-01-29 12:34:56+00:00')",
				"INSERT INTO tier2_removed VALUES (2, 3)",
				"DELETE FROM audit_log WHERE id = 2", "DELETE FROM tier2_audit_tree WHERE entry_id = 2",
				"DELETE FROM tier2_checkpoints",
			} {
				require.NoError(t, store.DB().Exec(sql).Error)
			}
			for _, opts := range []ledger.VerifyOptions{{Anchor: anchor}, {Keys: []string{public}}} {
				_, err := store.Audit.Verify(t.Context(), opts)
				require.ErrorIs(t, err, models.ErrInvalid)
				_, err = tier2.VerifyAudit(t.Context(), where, opts)
				require.ErrorIs(t, err, models.ErrInvalid)
			}
		})
	}
}
