package tier2_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

func newReceipt(id string) *models.Receipt {
	return &models.Receipt{ExecutionID: id, AgentID: "coder", Operation: models.OperationGeneration, Status: models.ReceiptPassed, DurationMS: 20}
}

// entries lists the audit log, oldest first, as "operation status agent key".
func entries(t *testing.T, store *tier2.Store) (list []string) {
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

// counts is how many rows each table holds.
func counts(t *testing.T, store *tier2.Store) map[string]int64 {
	t.Helper()
	n := map[string]int64{}
	for _, m := range models.All() {
		var rows int64
		require.NoError(t, store.DB().WithContext(t.Context()).Model(m).Count(&rows).Error)
		n[m.TableName()] = rows
	}
	return n
}

// activity is what the store counted for an agent.
func activity(t *testing.T, store *tier2.Store, agent string) (doc struct {
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
