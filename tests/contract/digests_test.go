package contract

import (
	"encoding/json"
	"strings"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// rowName identifies a row.
type rowName struct {
	table string
	id    int64
}

// digestsHold compares the audit log with every row that it names: the newest entry of a row
// has the digest of the stored row, and a row that was deleted or got another id does not
// exist. Only memories that the hooks created have no entry.
func digestsHold(t *T, db *gorm.DB) {
	t.Helper()
	logged, stored := loggedDigests(t, db), storedDigests(t, db)
	for name, digest := range logged {
		assert.Equal(t, digest, stored[name], "the newest entry of %v", name)
	}
	for name := range stored {
		if _, ok := logged[name]; !ok {
			assert.Equal(t, "agent_memory", name.table, "no entry names %v", name)
		}
	}
}

// hooksDigestOfMovedRow: the entry of an update of the id records that the row with the old
// id does not exist, and a new row may take that id.
func hooksDigestOfMovedRow(t *T) {
	db := openSeeded(t)
	require.NoError(t, db.Model(&models.PipelineMetric{}).Where("execution_id = 'r1'").Update("id", gorm.Expr("id + 100")).Error)
	digestsHold(t, db)
	again := emitted("r2")
	again.ID = 1
	require.NoError(t, db.Create(again).Error)
	digestsHold(t, db)
	require.NoError(t, db.Exec("UPDATE pipeline_metrics SET duration_ms = duration_ms + 1 WHERE id = 1").Error)
	assert.NotEqual(t, loggedDigests(t, db), storedDigests(t, db), "a write that bypasses the hooks is visible")
}

// loggedDigests returns the digests in the newest entries; "" for a row that was deleted.
func loggedDigests(t *T, db *gorm.DB) map[rowName]string {
	t.Helper()
	var entries []models.AuditEntry
	require.NoError(t, db.Where("status = 'completed'").Order("id").Find(&entries).Error)
	logged := map[rowName]string{}
	for _, e := range entries {
		var c struct {
			Table, Action, Digest string
			ID                    int64
			Changes               map[string]struct{ From any }
		}
		require.NoError(t, json.Unmarshal(e.ContextJSON, &c))
		if c.Table == "" { // an entry of a caller
			continue
		}
		if c.Action == "delete" {
			assert.Empty(t, c.Digest, "%s", e.ContextJSON)
		} else {
			assert.Len(t, c.Digest, 64, "%s", e.ContextJSON)
		}
		if from, ok := c.Changes["id"].From.(float64); ok {
			logged[rowName{c.Table, int64(from)}] = ""
		}
		logged[rowName{c.Table, c.ID}] = c.Digest
	}
	return logged
}

// storedDigests returns the digests of all rows, computed from the values of the driver.
func storedDigests(t *T, db *gorm.DB) map[rowName]string {
	t.Helper()
	stored := map[rowName]string{}
	for _, table := range tables {
		of := schema.Named(table)
		names := of.Names()
		rows, err := db.Raw("SELECT " + strings.Join(names, ", ") + " FROM " + table).Rows()
		require.NoError(t, err)
		defer rows.Close()
		for rows.Next() {
			values, dest := make(schema.Row, len(names)), make([]any, len(names))
			for i := range values {
				dest[i] = &values[i]
			}
			require.NoError(t, rows.Scan(dest...))
			stored[rowName{table, values[0].(int64)}] = of.Digest(values)
		}
		require.NoError(t, rows.Err())
	}
	return stored
}
