// Package stored reads what a store holds, for tests to compare.
package stored

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Entries returns the audit log, oldest first, as "operation status agent key".
func Entries(t testing.TB, store *tier2.Store) (list []string) {
	t.Helper()
	var rows []models.AuditEntry
	require.NoError(t, store.DB().WithContext(t.Context()).Order("id").Find(&rows).Error)
	for _, e := range rows {
		var doc struct{ Key string }
		require.NoError(t, e.ContextJSON.Decode(&doc))
		list = append(list, strings.TrimSpace(fmt.Sprintf("%s %s %s %s", e.Operation, e.Status, e.AgentID, doc.Key)))
	}
	return list
}

// Counts returns the number of rows per table.
func Counts(t testing.TB, store *tier2.Store) map[string]int64 {
	t.Helper()
	n := map[string]int64{}
	for _, m := range models.All() {
		var rows int64
		require.NoError(t, store.DB().WithContext(t.Context()).Model(m).Count(&rows).Error)
		n[m.TableName()] = rows
	}
	return n
}

// Activity returns the store's own counts in an agent's memory.
func Activity(t testing.TB, store *tier2.Store, agent string) (doc struct {
	Saves      int64
	Executions map[string]int64
}) {
	t.Helper()
	memory, err := store.Memory.Get(t.Context(), agent)
	require.NoError(t, err)
	var whole map[string]json.RawMessage
	require.NoError(t, memory.MemoryJSON.Decode(&whole))
	require.NoError(t, json.Unmarshal(whole[models.ActivityKey], &doc))
	return doc
}
