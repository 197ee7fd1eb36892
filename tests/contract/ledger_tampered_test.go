package contract

import (
	"strings"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2/ledger"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// tampering is a change without the store, and the first finding that it causes.
type tampering struct {
	sql   []string
	kind  ledger.Kind
	entry int64
	total int64
}

// ledgerTampered: each way to change a sealed log has its own kind of finding.
func ledgerTampered(t *T) {
	const insert = "INSERT INTO audit_log (id, timestamp, agent_id, operation, status) VALUES "
	for name, tt := range map[string]tampering{
		"Agent":    {[]string{"UPDATE audit_log SET agent_id = 'eve' WHERE id = 3"}, ledger.Edited, 3, 1},
		"Time":     {[]string{"UPDATE audit_log SET timestamp = '2020-01-01T00:00:00Z' WHERE id = 3"}, ledger.Edited, 3, 1},
		"Null":     {[]string{"UPDATE audit_log SET context_json = NULL WHERE id = 3"}, ledger.Edited, 3, 1},
		"Empty":    {[]string{"UPDATE audit_log SET error_message = '' WHERE id = 3"}, ledger.Edited, 3, 1},
		"Two":      {[]string{"UPDATE audit_log SET status = 'skipped' WHERE id IN (4, 5)"}, ledger.Edited, 4, 2},
		"Deleted":  {[]string{"DELETE FROM audit_log WHERE id = 3"}, ledger.Missing, 3, 1},
		"First":    {[]string{"DELETE FROM audit_log WHERE id = 1"}, ledger.Missing, 1, 1},
		"Last":     {[]string{"DELETE FROM audit_log WHERE id = 300"}, ledger.Missing, 300, 1},
		"All":      {[]string{"DELETE FROM audit_log"}, ledger.Missing, 1, 300},
		"Before":   {[]string{insert + "(-1, '2026-01-29T12:34:56Z', 'eve', 'o', 'failed')"}, ledger.Inserted, -1, 1},
		"Between":  {[]string{"DELETE FROM audit_log WHERE id = 3", "DELETE FROM tier2_audit_tree WHERE entry_id = 3", insert + "(3, '2026-01-29T12:34:56Z', 'eve', 'o', 'failed')"}, ledger.Forked, 4, 1},
		"Swapped":  {[]string{"UPDATE audit_log SET id = -3 WHERE id = 3", "UPDATE audit_log SET id = 3 WHERE id = 4", "UPDATE audit_log SET id = 4 WHERE id = -3"}, ledger.Reordered, 3, 2},
		"ToTheEnd": {[]string{"UPDATE audit_log SET id = 999 WHERE id = 3"}, ledger.Reordered, 3, 1},
		"Forward":  {[]string{"UPDATE audit_log SET id = -7 WHERE id = 7"}, ledger.Inserted, -7, 2},
		"Removed":  {[]string{"INSERT INTO tier2_removed VALUES (3, 2)", "DELETE FROM audit_log WHERE id = 3"}, ledger.Missing, 3, 1},
		"Leaf":     {[]string{"UPDATE tier2_audit_tree SET hash = (SELECT hash FROM tier2_audit_tree WHERE level = 0 AND n = 8) WHERE level = 0 AND n = 7"}, ledger.Forked, 1, 3},
		"Node":     {[]string{"UPDATE tier2_audit_tree SET hash = (SELECT hash FROM tier2_audit_tree WHERE level = 0 AND n = 8) WHERE level = 8"}, ledger.Forked, 1, 1},
		"NoHash":   {[]string{"UPDATE tier2_audit_tree SET hash = 'nonsense' WHERE level = 0 AND n = 7"}, ledger.Forked, 0, 1},
		"Root":     {[]string{"UPDATE tier2_checkpoints SET root = (SELECT hash FROM tier2_audit_tree WHERE level = 0 AND n = 8)"}, ledger.Forked, 300, 1},
		"Cut":      {[]string{"DELETE FROM audit_log WHERE id > 290", "DELETE FROM tier2_audit_tree WHERE entry_id > 290"}, ledger.Truncated, 0, 1},
		"Rewritten": {[]string{"UPDATE audit_log SET agent_id = 'eve' WHERE id = 3", "DELETE FROM tier2_audit_tree"},
			ledger.Truncated, 0, 1},
	} {
		t.Run(name, func(t *T) {
			d := t.database()
			store := d.store
			t.filled(d, "sealed", func() {
				batch := make([]*models.Receipt, 300)
				for i := range batch {
					batch[i] = receipt(models.NewID())
				}
				require.NoError(t, store.Receipts.CreateBatch(t.Context(), batch))
				verified(t, store)
			})
			require.NoError(t, store.DB().Exec(t.engine.SQL.AppendOnlyOff).Error)
			for _, statement := range tt.sql {
				require.NoError(t, store.DB().Exec(statement).Error, statement)
			}
			require.NoError(t, store.DB().Exec(t.engine.SQL.AppendOnlyOn).Error)
			report, err := store.Audit.Verify(t.Context(), ledger.VerifyOptions{})
			require.NoError(t, err)
			require.NotEmpty(t, report.Findings)
			first := report.Findings[0]
			assert.Equal(t, tampering{tt.sql, first.Kind, first.EntryID, tt.total}, tampering{tt.sql, tt.kind, tt.entry, ofTheLog(report)}, "%v", report.Findings)
			assert.NotEmpty(t, first.Reason)
			assert.False(t, strings.Contains(first.Reason, "%!"), first.Reason)
		})
	}
}

// ofTheLog returns the number of findings that are not about rows.
func ofTheLog(report *ledger.Report) (n int64) {
	if report.Total > int64(len(report.Findings)) {
		return report.Total
	}
	for _, f := range report.Findings {
		if f.Table == "" {
			n++
		}
	}
	return n
}
