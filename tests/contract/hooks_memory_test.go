package contract

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

func memoryOf(t *T, db *gorm.DB, agent string) models.AgentMemory {
	t.Helper()
	var m models.AgentMemory
	require.NoError(t, db.Where("agent_id = ?", agent).Take(&m).Error)
	return m
}

func outcome(id string, status models.ReceiptStatus, message string) *models.Receipt {
	r := alices(id)
	r.Status, r.ErrorMessage = status, message
	return r
}

// hooksActivity fixes the document under "_activity".
func hooksActivity(t *T) {
	db := openDB(t)
	require.NoError(t, db.Create(outcome("e1", models.ReceiptFailed, "no ontology")).Error)
	assert.JSONEq(t, `{"_activity": {
		"saves": 1,
		"executions": {"passed": 0, "failed": 1, "partial": 0, "cancelled": 0},
		"last_save": {"table": "receipts", "action": "create", "id": 1, "timestamp": "2026-01-29T12:00:00.000000Z"},
		"last_execution": {"execution_id": "e1", "operation": "generation", "status": "failed", "timestamp": "2026-01-29T12:00:00.000000Z"}
	}}`, memoryOf(t, db, "alice").MemoryJSON.String())

	require.NoError(t, db.Create([]*models.Receipt{alices("e2"), outcome("e3", models.ReceiptPartial, ""), outcome("e4", models.ReceiptCancelled, "")}).Error)
	require.NoError(t, db.Create(emitted("e4")).Error)
	assert.JSONEq(t, `{"_activity": {
		"saves": 5,
		"executions": {"passed": 1, "failed": 1, "partial": 1, "cancelled": 1},
		"last_save": {"table": "pipeline_metrics", "action": "create", "id": 1, "timestamp": "2026-01-29T12:00:00.000000Z"},
		"last_execution": {"execution_id": "e4", "operation": "generation", "status": "cancelled", "timestamp": "2026-01-29T12:00:00.000000Z"}
	}}`, memoryOf(t, db, "alice").MemoryJSON.String())
}

func hooksRetriesAndLastError(t *T) {
	failed, passed := models.ReceiptFailed, models.ReceiptPassed
	for name, tc := range map[string]struct {
		statuses  []models.ReceiptStatus
		retries   int64
		lastError string
	}{
		"passed":              {[]models.ReceiptStatus{passed}, 0, ""},
		"failed":              {[]models.ReceiptStatus{failed}, 1, "error 0"},
		"failed twice":        {[]models.ReceiptStatus{failed, failed}, 2, "error 1"},
		"failed, then passed": {[]models.ReceiptStatus{failed, failed, passed}, 0, "error 1"},
		"and failed again":    {[]models.ReceiptStatus{failed, passed, failed}, 1, "error 2"},
		"partial is neither":  {[]models.ReceiptStatus{failed, models.ReceiptPartial, models.ReceiptCancelled}, 1, "error 0"},
	} {
		for _, batch := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", batch ", batch), func(t *T) {
				t.Parallel()
				db := openDB(t)
				var rows []*models.Receipt
				for i, status := range tc.statuses {
					message := ""
					if status == failed {
						message = fmt.Sprint("error ", i)
					}
					rows = append(rows, outcome(fmt.Sprint("e", i), status, message))
				}
				if batch {
					require.NoError(t, db.Create(rows).Error)
				} else {
					for _, r := range rows {
						require.NoError(t, db.Create(r).Error)
					}
				}
				m := memoryOf(t, db, "alice")
				assert.Equal(t, tc.retries, m.RetryCount)
				assert.Equal(t, tc.lastError, m.LastError)
			})
		}
	}
}

// hooksAgentsOwnKeys: numbers, order and escapes of the agent's own document stay.
func hooksAgentsOwnKeys(t *T) {
	db := openDB(t)
	const own = `{"z":12345678901234567890.10,"a":"\u00e9 <b>","_activity":5,"list":[1,2.50]}`
	require.NoError(t, db.Create(&models.AgentMemory{AgentID: "alice", MemoryJSON: models.JSON(own)}).Error)
	require.NoError(t, db.Create(alices("e1")).Error)
	var got map[string]json.RawMessage
	require.NoError(t, memoryOf(t, db, "alice").MemoryJSON.Decode(&got))
	assert.Equal(t, `12345678901234567890.10`, string(got["z"]))
	assert.JSONEq(t, `"\u00e9 <b>"`, string(got["a"]))
	assert.Equal(t, `[1,2.50]`, strings.ReplaceAll(string(got["list"]), " ", ""))
	assert.Contains(t, strings.ReplaceAll(string(got["_activity"]), " ", ""), `"saves":1`)
	assert.Len(t, got, 4)
}

func hooksCollisionHistory(t *T) {
	db := openDB(t)
	require.NoError(t, db.Create(&models.WorkflowSession{SessionID: "s", AgentCount: 2}).Error)
	require.NoError(t, db.Create(&models.AgentMemory{AgentID: "bob", CollisionHistory: models.JSON(`["own",1,true,null,[2]]`)}).Error)
	collide := func(n int) []*models.Collision {
		list := make([]*models.Collision, n)
		for i := range list {
			list[i] = &models.Collision{
				SessionID: "s", AgentID1: "alice", AgentID2: "bob", CollisionType: models.FileConflict,
				Description: "d", Severity: models.SeverityInfo,
			}
		}
		return list
	}
	require.NoError(t, db.Create(collide(1)[0]).Error)
	assert.JSONEq(t, `["own",1,true,null,[2],{"id":1,"session_id":"s","with":"alice","type":"file_conflict","severity":"info","timestamp":"2026-01-29T12:00:00.000000Z"}]`,
		memoryOf(t, db, "bob").CollisionHistory.String())

	require.NoError(t, db.Create(collide(70)).Error)
	require.NoError(t, db.Create(collide(70)).Error)
	for agent, other := range map[string]string{"alice": "bob", "bob": "alice"} {
		var history []struct {
			ID   int64
			With string
		}
		require.NoError(t, memoryOf(t, db, agent).CollisionHistory.Decode(&history))
		require.Len(t, history, models.CollisionHistoryLimit)
		assert.EqualValues(t, 42, history[0].ID)
		assert.EqualValues(t, 141, history[99].ID)
		assert.Equal(t, other, history[0].With)
	}
	assert.EqualValues(t, 141, count(t, db, "collision_detection", "1 = 1"))
}

// hooksCorruptMemory: what another program left invalid is reported and stays.
func hooksCorruptMemory(t *T) {
	for name, columns := range map[string][2]string{
		"no JSON": {"{oops", "[]"}, "an array": {"[1]", "[]"}, "history no array": {"{}", "{}"}, "history no JSON": {"{}", "["},
	} {
		t.Run(name, func(t *T) {
			t.Parallel()
			db := openDB(t)
			unchecked := strings.HasSuffix(name, "no JSON")
			if unchecked {
				require.NoError(t, db.Exec(t.engine.SQL.CheckOff).Error)
			}
			require.NoError(t, db.Exec("INSERT INTO agent_memory (agent_id, memory_json, collision_history) VALUES ('alice', ?, ?)", columns[0], columns[1]).Error)
			if unchecked {
				require.NoError(t, db.Exec(t.engine.SQL.CheckOn).Error)
			}
			before := snapshot(t, db)

			err := db.Create(alices("e1")).Error
			require.ErrorIs(t, err, models.ErrCorrupt)
			assert.ErrorContains(t, err, "alice")
			assert.Equal(t, before, snapshot(t, db))
			assert.Equal(t, 1, failed(t, db, 0))
		})
	}
}
