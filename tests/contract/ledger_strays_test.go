package contract

import (
	"context"
	"strings"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2/ledger"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// ledgerStrays: rows beside the log and its tree that a walk over them does not reach.
// Sealing reports them or continues; it must not search endlessly for the leaves before the
// largest index.
func ledgerStrays(t *T) {
	const leaf = "INSERT INTO tier2_audit_tree SELECT 0, %n, hash, 9223372036854775807 FROM tier2_audit_tree WHERE level = 0 AND n = 0"
	for name, tt := range map[string]struct {
		sql  string
		kind ledger.Kind
		seal error
	}{
		"Lowest":     {"INSERT INTO audit_log (id, timestamp, agent_id, operation, status) VALUES (-9223372036854775808, '2026-01-29T12:34:56Z', 'eve', 'o', 'failed')", ledger.Inserted, nil},
		"Leaf":       {strings.Replace(leaf, "%n", "1099511627776", 1), ledger.Forked, models.ErrCorrupt},
		"LastLeaf":   {strings.Replace(leaf, "%n", "4611686018427387904", 1), ledger.Forked, models.ErrCorrupt},
		"Node":       {"INSERT INTO tier2_audit_tree VALUES (8, 7, 'x', NULL)", ledger.Forked, nil},
		"Level":      {"INSERT INTO tier2_audit_tree VALUES (-1, 7, 'x', NULL)", ledger.Forked, nil},
		"Checkpoint": {"INSERT INTO tier2_checkpoints SELECT 9223372036854775807, root, timestamp, note FROM tier2_checkpoints", ledger.Forked, models.ErrCorrupt},
		"Archive":    {"INSERT INTO tier2_archive VALUES ('elsewhere', '2026-01-29 12:34:56+00:00')", ledger.Forked, models.ErrReadOnly},
	} {
		t.Run(name, func(t *T) {
			store := t.database().store
			for _, id := range []string{"a", "b", "c"} {
				saved(t, store, id)
			}
			verified(t, store)
			saved(t, store, "unsealed")
			require.NoError(t, store.DB().Exec(tt.sql).Error)
			t.Cleanup(func() { store.DB().Exec("DELETE FROM tier2_archive") })
			report, err := store.Audit.Verify(t.Context(), ledger.VerifyOptions{})
			require.NoError(t, err)
			require.EqualValues(t, 1, report.Total, "%v", report.Findings)
			assert.Equal(t, tt.kind, report.Findings[0].Kind)

			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			_, err = store.Audit.Seal(ctx)
			if tt.seal == nil {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, tt.seal)
		})
	}
}
