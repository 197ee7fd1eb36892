package postgres

import (
	"context"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	"github.com/seanchatmangpt/ggen/tier2/internal/pgtest"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// version creates a schema of that version, with rows in every table and objects that users may
// add. It returns its DSN and the connection.
func version(t *testing.T, number string) (dsn string, db *gorm.DB) {
	t.Helper()
	old, err := os.ReadFile("testdata/schema-" + number + ".sql")
	require.NoError(t, err)
	dsn = pgtest.DSN(t)
	server, err := parse(dsn)
	require.NoError(t, err)
	cfg := backend.Config{DSN: dsn}
	cfg.Fill()
	server.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	pool := openPool(cfg, server, "")
	t.Cleanup(func() { assert.NoError(t, pool.Close()) })
	for _, statement := range []string{string(old),
		`INSERT INTO receipts (execution_id, agent_id, operation, status, timestamp, duration_ms, receipt_json) VALUES
			('x', 'ann', 'watch', 'passed', '2026-01-29T12:00:00Z', 3, '{"b" : 1.0,  "a":2}'), ('y', 'bob', 'watch', 'failed', '2026-01-29T13:00:00Z', 4, NULL)`,
		`INSERT INTO agent_memory (agent_id, memory_json) VALUES ('ann', '{"k":1e2}')`,
		`INSERT INTO audit_log (timestamp, agent_id, operation, status, context_json) VALUES
			('2026-01-30T12:00:00Z', 'bob', 'o', 'completed', '{"z":1, "execution_id":"x"}'), ('2026-01-29T12:00:00Z', 'ann', 'o', 'completed', NULL),
			('2026-01-29T12:00:00Z', 'ann', 'o', 'completed', '{"execution_id":"other"}'), ('2026-01-29T13:00:00.004Z', 'bob', 'o', 'completed', '[]')`,
		`INSERT INTO workflow_sessions (session_id, start_time, status, agent_count) VALUES ('s', '2026-01-29T12:00:00Z', 'running', 2)`,
		`INSERT INTO collision_detection (session_id, agent_id_1, agent_id_2, collision_type, description, severity, timestamp)
			VALUES ('s', 'ann', 'bob', 'file_conflict', 'both', 'warning', '2026-01-29T12:00:00Z')`,
		`INSERT INTO pipeline_metrics (execution_id, stage, duration_ms, status, timestamp) VALUES ('x', 'μ₃_emit', 3, 'passed', '2026-01-29T12:00:00Z')`,
		`INSERT INTO slo_violations (execution_id, metric, target_value, actual_value, severity, timestamp) VALUES ('x', 'm', 1, 2.5, 'warning', '2026-01-29T12:00:00Z')`,
		`CREATE INDEX idx_receipts_mine ON receipts(environment)`,
		`CREATE VIEW mine AS SELECT execution_id, audit_entries FROM recent_executions`,
		`GRANT SELECT ON recent_executions TO PUBLIC`,
	} {
		_, err := pool.Exec(statement)
		require.NoError(t, err, statement)
	}
	db, err = openGORM(cfg, pool)
	require.NoError(t, err)
	return dsn, db
}

// everything returns each row of each table, in the server's text form.
func everything(t *testing.T, db *gorm.DB) map[string][]string {
	t.Helper()
	rows := map[string][]string{}
	for _, m := range models.All() {
		rows[m.TableName()] = texts(t, db, "SELECT r::text FROM "+m.TableName()+" r ORDER BY id")
		require.NotEmpty(t, rows[m.TableName()], m.TableName())
	}
	return rows
}

// TestUpgrade: concurrent opens upgrade once; rows, results of the views and objects of users
// stay.
func TestUpgrade(t *testing.T) {
	for _, number := range []string{"2", "3"} {
		t.Run(number, func(t *testing.T) { upgradeFrom(t, number) })
	}
}

func upgradeFrom(t *testing.T, number string) {
	dsn, db := version(t, number)
	before := everything(t, db)
	views := []string{"recent_executions", "agent_performance_summary", "pipeline_stage_performance", "mine"}
	answers := func() (list []string) {
		for _, view := range views {
			rows := texts(t, db, "SELECT v::text FROM "+view+" v")
			require.NotEmpty(t, rows, view)
			list = append(list, rows...)
		}
		return list
	}
	answered := answers()

	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			h, err := Open(context.Background(), backend.Config{DSN: dsn})
			if assert.NoError(t, err) {
				assert.NoError(t, h.Close())
			}
		})
	}
	all.Wait()

	assert.Equal(t, []string{"4"}, texts(t, db, "SELECT version::text FROM tier2_schema"))
	assert.Equal(t, before, everything(t, db))
	assert.Equal(t, answered, answers())
	assert.Equal(t, []string{"y", "x"}, texts(t, db, "SELECT execution_id FROM recent_executions"))
	assert.Equal(t, []string{"1", "2"}, texts(t, db, "SELECT audit_entries::text FROM mine"))
	assert.Equal(t, []string{"idx_receipts_mine"}, texts(t, db, "SELECT indexname FROM pg_indexes WHERE schemaname = current_schema() AND indexname = 'idx_receipts_mine'"))
	assert.Contains(t, texts(t, db, "SELECT relacl::text FROM pg_class WHERE oid = 'recent_executions'::regclass")[0], "=r/", "who may read the view")
	for _, change := range []string{"UPDATE audit_log SET agent_id = 'eve'", "DELETE FROM audit_log", "TRUNCATE audit_log", "TRUNCATE audit_log CASCADE",
		"SET LOCAL session_replication_role = replica; DELETE FROM audit_log"} {
		err := db.Transaction(func(tx *gorm.DB) error { return tx.Exec(change).Error })
		require.ErrorIs(t, err, models.ErrAppendOnly, change)
	}
	v, err := Verify(t.Context(), dsn, "")
	require.NoError(t, err)
	assert.Empty(t, v.Findings)

	fresh := openTest(t, backend.Config{DSN: pgtest.DSN(t)}).Write
	const definitions = `SELECT replace(indexdef, schemaname || '.', '') FROM pg_indexes WHERE schemaname = current_schema() AND indexname <> 'idx_receipts_mine' ORDER BY 1`
	assert.Equal(t, texts(t, fresh, definitions), texts(t, db, definitions), "an upgraded schema is the same as a new one")
	h := openTest(t, backend.Config{DSN: dsn}).Write
	require.NoError(t, h.Create(&models.Receipt{ExecutionID: "z", AgentID: "ann", Operation: models.OperationWatch, Status: models.ReceiptPassed, Timestamp: models.At(time.Now())}).Error)
	assert.Equal(t, []string{"3"}, texts(t, h, "SELECT id::text FROM receipts WHERE execution_id = 'z'"), "ids go on")
}

// TestUpgradeThatCannotBe: a failed upgrade leaves the schema unchanged.
func TestUpgradeThatCannotBe(t *testing.T) {
	dsn, db := version(t, "2")
	before := everything(t, db)
	const indexes = "SELECT indexdef FROM pg_indexes WHERE schemaname = current_schema() ORDER BY 1"
	defined := texts(t, db, indexes)
	require.NoError(t, db.Exec(`INSERT INTO audit_log (timestamp, agent_id, operation, status, context_json) VALUES (now(), 'eve', 'o', 'completed', ?)`,
		`{"execution_id":"a\u0000b"}`).Error)
	_, err := Open(t.Context(), backend.Config{DSN: dsn})
	require.ErrorIs(t, err, models.ErrInvalid)
	assert.Equal(t, []string{"2"}, texts(t, db, "SELECT version::text FROM tier2_schema"))
	assert.Equal(t, defined, texts(t, db, indexes))
	require.NoError(t, db.Exec("DELETE FROM audit_log WHERE agent_id = 'eve'").Error)
	assert.Equal(t, before, everything(t, db))
	// An index includes deleted rows while any transaction of the server, such as one of another
	// test, may still see them.
	require.Eventually(t, func() bool {
		h, err := Open(t.Context(), backend.Config{DSN: dsn})
		return err == nil && h.Close() == nil
	}, time.Minute, 50*time.Millisecond)
	assert.NotContains(t, strings.Join(texts(t, db, indexes), "\n"), "DESC")
}
