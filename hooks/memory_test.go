package hooks_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

func memoryOf(t testing.TB, db *gorm.DB, agent string) models.AgentMemory {
	t.Helper()
	var m models.AgentMemory
	require.NoError(t, db.Where("agent_id = ?", agent).Take(&m).Error)
	return m
}

func outcome(id string, status models.ReceiptStatus, message string) *models.Receipt {
	r := receipt(id)
	r.Status, r.ErrorMessage = status, message
	return r
}

// TestActivity fixes the document under "_activity".
func TestActivity(t *testing.T) { eachEngine(t, testActivity) }

func testActivity(t *testing.T, e *engineUnderTest) {
	db := e.open(t)
	require.NoError(t, db.Create(outcome("e1", models.ReceiptFailed, "no ontology")).Error)
	assert.JSONEq(t, `{"_activity": {
		"saves": 1,
		"executions": {"passed": 0, "failed": 1, "partial": 0, "cancelled": 0},
		"last_save": {"table": "receipts", "action": "create", "id": 1, "timestamp": "2026-01-29T12:00:00.000000Z"},
		"last_execution": {"execution_id": "e1", "operation": "generation", "status": "failed", "timestamp": "2026-01-29T12:00:00.000000Z"}
	}}`, memoryOf(t, db, "alice").MemoryJSON.String())

	require.NoError(t, db.Create([]*models.Receipt{receipt("e2"), outcome("e3", models.ReceiptPartial, ""), outcome("e4", models.ReceiptCancelled, "")}).Error)
	require.NoError(t, db.Create(metric("e4")).Error)
	assert.JSONEq(t, `{"_activity": {
		"saves": 5,
		"executions": {"passed": 1, "failed": 1, "partial": 1, "cancelled": 1},
		"last_save": {"table": "pipeline_metrics", "action": "create", "id": 1, "timestamp": "2026-01-29T12:00:00.000000Z"},
		"last_execution": {"execution_id": "e4", "operation": "generation", "status": "cancelled", "timestamp": "2026-01-29T12:00:00.000000Z"}
	}}`, memoryOf(t, db, "alice").MemoryJSON.String())
}

func TestRetriesAndLastError(t *testing.T) { eachEngine(t, testRetriesAndLastError) }

func testRetriesAndLastError(t *testing.T, e *engineUnderTest) {
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
			t.Run(fmt.Sprint(name, ", batch ", batch), func(t *testing.T) {
				t.Parallel()
				db := e.open(t)
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

// TestAgentsOwnKeys: numbers, order and escapes of the agent's own document stay.
func TestAgentsOwnKeys(t *testing.T) { eachEngine(t, testAgentsOwnKeys) }

func testAgentsOwnKeys(t *testing.T, e *engineUnderTest) {
	db := e.open(t)
	const own = `{"z":12345678901234567890.10,"a":"\u00e9 <b>","_activity":5,"list":[1,2.50]}`
	require.NoError(t, db.Create(&models.AgentMemory{AgentID: "alice", MemoryJSON: models.JSON(own)}).Error)
	require.NoError(t, db.Create(receipt("e1")).Error)
	var got map[string]json.RawMessage
	require.NoError(t, memoryOf(t, db, "alice").MemoryJSON.Decode(&got))
	assert.Equal(t, `12345678901234567890.10`, string(got["z"]))
	assert.JSONEq(t, `"\u00e9 <b>"`, string(got["a"]))
	assert.Equal(t, `[1,2.50]`, strings.ReplaceAll(string(got["list"]), " ", ""))
	assert.Contains(t, strings.ReplaceAll(string(got["_activity"]), " ", ""), `"saves":1`)
	assert.Len(t, got, 4)
}

func TestCollisionHistory(t *testing.T) { eachEngine(t, testCollisionHistory) }

func testCollisionHistory(t *testing.T, e *engineUnderTest) {
	db := e.open(t)
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

// TestCorruptMemory: what another program left invalid is reported and stays.
func TestCorruptMemory(t *testing.T) { eachEngine(t, testCorruptMemory) }

func testCorruptMemory(t *testing.T, e *engineUnderTest) {
	for name, columns := range map[string][2]string{
		"no JSON": {"{oops", "[]"}, "an array": {"[1]", "[]"}, "history no array": {"{}", "{}"}, "history no JSON": {"{}", "["},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if e.name == "postgres" && strings.HasSuffix(name, "no JSON") {
				t.Skip("a jsonb column holds nothing else than JSON")
			}
			db := e.open(t)
			if e.name == "sqlite" {
				require.NoError(t, db.Exec("PRAGMA ignore_check_constraints = ON").Error)
			}
			require.NoError(t, db.Exec("INSERT INTO agent_memory (agent_id, memory_json, collision_history) VALUES ('alice', ?, ?)", columns[0], columns[1]).Error)
			if e.name == "sqlite" {
				require.NoError(t, db.Exec("PRAGMA ignore_check_constraints = OFF").Error)
			}
			before := snapshot(t, db)

			err := db.Create(receipt("e1")).Error
			require.ErrorIs(t, err, models.ErrCorrupt)
			assert.ErrorContains(t, err, "alice")
			assert.Equal(t, before, snapshot(t, db))
			assert.Equal(t, 1, failed(t, db, 0))
		})
	}
}

// TestGoldenContext fixes the bytes of context_json. UPDATE_GOLDEN=1 writes the file anew.
func TestGoldenContext(t *testing.T) { eachEngine(t, testGoldenContext) }

func testGoldenContext(t *testing.T, e *engineUnderTest) {
	db := e.openSeeded(t)
	last := maxID(t, db)
	r, err := loaded(db, "r1")
	require.NoError(t, err)
	require.NoError(t, db.Create(receipt("golden")).Error)
	require.NoError(t, db.Model(r).Updates(map[string]any{"error_message": "<μ₁> \"quoted\"", "duration_ms": 11}).Error)
	require.NoError(t, db.Delete(&models.SLOViolation{}, 1).Error)
	require.NoError(t, db.Model(&models.WorkflowSession{}).Where("session_id = ?", "s1").Update("agent_count", 3).Error)
	require.NoError(t, db.Model(&models.AgentMemory{}).Where("agent_id = ?", "carol").Update("last_error", "x").Error)
	require.Error(t, db.Create(receipt("golden")).Error)
	var contexts []string
	require.NoError(t, db.Raw("SELECT operation || ' ' || status || ' ' || agent_id || ' ' || context_json FROM audit_log WHERE id > ? ORDER BY id", last).Scan(&contexts).Error)
	got := ""
	for _, c := range contexts {
		got += c + "\n"
	}
	path := filepath.Join("testdata", "context.golden")
	if os.Getenv("UPDATE_GOLDEN") != "" {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), got)
}

// TestBackfill: the caller's structs get their own ids, whatever the upsert skipped.
func TestBackfill(t *testing.T) { eachEngine(t, testBackfill) }

func testBackfill(t *testing.T, e *engineUnderTest) {
	db := e.openSeeded(t)
	rows := []*models.Receipt{receipt("n1"), receipt("r1"), receipt("n2")}
	require.NoError(t, db.Clauses(doNothing).Create(rows).Error)
	for _, r := range rows {
		var id int64
		require.NoError(t, db.Raw("SELECT id FROM receipts WHERE execution_id = ?", r.ExecutionID).Scan(&id).Error)
		if r.ExecutionID == "r1" {
			assert.Zero(t, r.ID)
		} else {
			assert.Equal(t, id, r.ID)
		}
	}
}

// TestProcesses: 8 processes save for one agent; no count is lost. TIER2_SAVES sets
// how many saves each makes.
func TestProcesses(t *testing.T) {
	if dsn := os.Getenv("TIER2_SAVER_DSN"); dsn != "" {
		saver(t, dsn)
		return
	}
	eachEngine(t, testProcesses)
}

func testProcesses(t *testing.T, e *engineUnderTest) {
	saves := 40
	if s := os.Getenv("TIER2_SAVES"); s != "" {
		var err error
		saves, err = strconv.Atoi(s)
		require.NoError(t, err)
	}
	const processes = 8
	dsn := e.newDSN(t)
	db := openDSN(t, dsn)
	commands := make([]*exec.Cmd, processes)
	for i := range commands {
		commands[i] = exec.Command(os.Args[0], "-test.run=^TestProcesses$")
		commands[i].Env = append(os.Environ(), "TIER2_SAVER_DSN="+dsn, "TIER2_SAVER="+strconv.Itoa(i), "TIER2_SAVES="+strconv.Itoa(saves))
		require.NoError(t, commands[i].Start())
	}
	for _, c := range commands {
		assert.NoError(t, c.Wait())
	}
	total := int64(processes * saves)
	assert.Equal(t, total, count(t, db, "receipts", "1 = 1"))
	assert.Equal(t, total, count(t, db, "audit_log", "operation = 'receipts.create' AND status = 'completed'"))
	assert.Equal(t, total, e.totalSaves(t, db))
	t.Logf("%d processes x %d saves: %d receipts, audit entries and saves counted", processes, saves, total)
}

func saver(t *testing.T, dsn string) {
	db := openDSN(t, dsn)
	saves, err := strconv.Atoi(os.Getenv("TIER2_SAVES"))
	require.NoError(t, err)
	for i := range saves {
		require.NoError(t, db.Create(receipt(fmt.Sprint("p", os.Getenv("TIER2_SAVER"), "-", i))).Error)
	}
}
