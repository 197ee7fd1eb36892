package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// schemaText returns the schema.sql that package tier2 embeds.
func schemaText(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("../../../schema.sql")
	require.NoError(t, err)
	return string(b)
}

// plain opens a file as other programs do: without pragmas, with deferred transactions.
func plain(t *testing.T, path string) *sql.DB {
	t.Helper()
	db := sql.OpenDB(&connector{driver: newDriver(), dsn: "file://" + path})
	t.Cleanup(func() { db.Close() })
	return db
}

// seedDatabase creates a database of schema 1.0.0 and runs extra SQL on it.
func seedDatabase(t *testing.T, extra ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "seed.db")
	seed, err := os.ReadFile("testdata/seed-1.0.0.sql")
	require.NoError(t, err)
	db := plain(t, path)
	db.SetMaxOpenConns(1)
	for _, statements := range append([]string{string(seed)}, extra...) {
		_, err := db.Exec(statements)
		require.NoError(t, err)
	}
	require.NoError(t, db.Close())
	return path
}

// dump returns every row of the seven tables, each value with its storage class.
func dump(t *testing.T, db *sql.DB) map[string][]string {
	t.Helper()
	rows := map[string][]string{}
	for _, m := range models.All() {
		table := m.TableName()
		columns := strings.Join(strs(t, db, "SELECT 'typeof('||name||')||'':''||quote('||name||')' FROM pragma_table_info(?) ORDER BY name", table), "||' '||")
		rows[table] = strs(t, db, "SELECT "+columns+" FROM "+table+" ORDER BY id")
	}
	return rows
}

func strs(t *testing.T, db *sql.DB, query string, args ...any) []string {
	t.Helper()
	rows, err := db.Query(query, args...)
	require.NoError(t, err, query)
	defer rows.Close()
	var list []string
	for rows.Next() {
		var s sql.NullString
		require.NoError(t, rows.Scan(&s))
		list = append(list, s.String)
	}
	require.NoError(t, rows.Err())
	return list
}

func TestUpgradeKeepsEverything(t *testing.T) {
	t.Parallel()
	path := seedDatabase(t, `
		CREATE TABLE mine (note TEXT, receipt INTEGER REFERENCES receipts(id));
		INSERT INTO mine VALUES ('kept', 1);
		CREATE INDEX my_index ON receipts(environment);
		CREATE TRIGGER my_trigger AFTER INSERT ON receipts BEGIN INSERT INTO mine VALUES (NEW.execution_id, NEW.id); END;
		CREATE VIEW my_view AS SELECT execution_id FROM receipts;`)
	before := dump(t, plain(t, path))
	for table, rows := range before {
		require.NotEmpty(t, rows, table)
	}

	h, err := Open(context.Background(), backend.Config{DSN: path, Schema: schemaText(t)})
	require.NoError(t, err)
	require.NoError(t, h.Close())

	db := plain(t, path)
	assert.Equal(t, before, dump(t, db))
	assert.Equal(t, []string{"4"}, strs(t, db, "PRAGMA user_version"))
	assert.Equal(t, []string{"wal"}, strs(t, db, "PRAGMA journal_mode"))
	assert.Equal(t, []string{"ok"}, strs(t, db, "PRAGMA integrity_check"))
	assert.Empty(t, strs(t, db, "PRAGMA foreign_key_check"))
	assert.Empty(t, strs(t, db, "SELECT name FROM sqlite_schema WHERE sql LIKE ? OR name LIKE ?", "%tier2_upgrade%", "%tier2_upgrade%"))
	assert.Equal(t, []string{"kept"}, strs(t, db, "SELECT note FROM mine"), "the user's trigger must not fire for the copy")
	assert.Equal(t, []string{"my_index", "my_trigger", "my_view"}, strs(t, db, "SELECT name FROM sqlite_schema WHERE name LIKE 'my\\_%' ESCAPE '\\' ORDER BY name"))
	assert.Equal(t, []string{"9"}, strs(t, db, "SELECT seq FROM sqlite_sequence WHERE name = 'receipts'"), "the id of a deleted row is not given again")
	assert.Len(t, strs(t, db, "SELECT name FROM sqlite_sequence"), len(models.All()))
	assert.Equal(t, []string{"2", "0"}, strs(t, db, "SELECT audit_entries FROM recent_executions ORDER BY id"), "the view counts")

	fresh := filepath.Join(t.TempDir(), "fresh.db")
	h, err = Open(context.Background(), backend.Config{DSN: fresh, Schema: schemaText(t)})
	require.NoError(t, err)
	require.NoError(t, h.Close())
	const ours = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'm%' AND name NOT LIKE 'sqlite%' ORDER BY type, name"
	assert.Equal(t, strs(t, plain(t, fresh), ours), strs(t, db, ours), "an upgraded schema is the same as a new one")

	h, err = Open(context.Background(), backend.Config{DSN: path, Schema: schemaText(t)})
	require.NoError(t, err, "a second Open finds nothing to do")
	require.NoError(t, h.Close())
	assert.Equal(t, before, dump(t, db))
}

func TestUpgradeOfAnEmptySeedDatabase(t *testing.T) {
	t.Parallel()
	path := seedDatabase(t, `PRAGMA foreign_keys=OFF; DELETE FROM slo_violations; DELETE FROM pipeline_metrics; DELETE FROM collision_detection;
		DELETE FROM receipts; DELETE FROM agent_memory; DELETE FROM audit_log; DELETE FROM workflow_sessions; DROP TABLE slo_violations`)
	h, err := Open(context.Background(), backend.Config{DSN: path, Schema: schemaText(t)})
	require.NoError(t, err)
	require.NoError(t, h.Close())
	db := plain(t, path)
	assert.Equal(t, []string{"0"}, strs(t, db, "SELECT COUNT(*) FROM slo_violations"), "a table that was missing is made")
	assert.Equal(t, []string{"9"}, strs(t, db, "SELECT seq FROM sqlite_sequence WHERE name = 'receipts'"))
}

func TestUpgradeRefusesWhatItCannotKeep(t *testing.T) {
	t.Parallel()
	const off = "PRAGMA foreign_keys=OFF; PRAGMA ignore_check_constraints=ON;"
	for name, tt := range map[string]struct {
		sql  string
		want []string
		is   error
	}{
		"InvalidJSON": {"UPDATE receipts SET receipt_json = '{broken'; UPDATE audit_log SET context_json = 'no' WHERE id = 4",
			[]string{"receipts.receipt_json: is not valid JSON, in the rows with id 1, 7", "audit_log.context_json: is not valid JSON, in the rows with id 4"}, models.ErrInvalid},
		"Negative":     {"UPDATE receipts SET duration_ms = -1 WHERE id = 7; UPDATE pipeline_metrics SET input_size_bytes = -5", []string{"receipts.duration_ms: must not be negative, in the rows with id 7", "pipeline_metrics.input_size_bytes"}, models.ErrInvalid},
		"Enum":         {off + "UPDATE receipts SET operation = 'error-recovery' WHERE id = 1", []string{"receipts.operation: is not an allowed value, in the rows with id 1 (allowed: validation, "}, models.ErrInvalid},
		"MetricStatus": {"UPDATE pipeline_metrics SET status = 'completed'", []string{"pipeline_metrics.status: is not an allowed value, in the rows with id 8 (allowed: passed, failed)"}, models.ErrInvalid},
		"Dangling":     {off + "UPDATE slo_violations SET execution_id = 'nowhere'; UPDATE receipts SET files_modified = -2 WHERE id = 1", []string{"receipts.files_modified", "slo_violations: names a row of receipts that does not exist, in the rows with id 10"}, models.ErrForeignKey},
		"Unreadable": {"UPDATE receipts SET duration_ms = 2.5 WHERE id = 1; UPDATE receipts SET timestamp = 'yesterday' WHERE id = 7; UPDATE slo_violations SET target_value = 'x'",
			[]string{"receipts.duration_ms: is not of type integer, in the rows with id 1", "receipts.timestamp: is no ISO 8601 time, in the rows with id 7", "slo_violations.target_value: is not of type real, in the rows with id 10"}, models.ErrInvalid},
		"ExtraColumn": {"ALTER TABLE receipts ADD COLUMN branch TEXT; UPDATE receipts SET branch = 'main'", []string{"receipts.branch: the new schema has no such column"}, models.ErrInvalid},
	} {
		for _, journal := range []string{"DELETE", "WAL"} {
			t.Run(name+"/"+journal, func(t *testing.T) {
				t.Parallel()
				path := seedDatabase(t, "PRAGMA journal_mode="+journal, tt.sql)
				before, err := os.ReadFile(path)
				require.NoError(t, err)

				_, err = Open(context.Background(), backend.Config{DSN: path, Schema: schemaText(t)})
				require.ErrorIs(t, err, tt.is)
				for _, want := range tt.want {
					assert.ErrorContains(t, err, want)
				}
				after, err := os.ReadFile(path)
				require.NoError(t, err)
				assert.True(t, string(before) == string(after), "the file must stay as it was, byte for byte")
				left, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
				require.NoError(t, err)
				assert.Equal(t, []string{path}, left)
			})
		}
	}
}

func TestUpgradeOfManyRows(t *testing.T) {
	t.Parallel()
	path := seedDatabase(t, `WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
		INSERT INTO receipts (id, execution_id, agent_id, operation, status, timestamp, duration_ms, receipt_json)
		SELECT i, 'e' || i, 'a', 'watch', 'passed', '2026-01-29T12:34:56Z', i, CASE WHEN i > 19000 THEN 'bad' END FROM n`)
	before, err := os.ReadFile(path)
	require.NoError(t, err)
	_, err = Open(context.Background(), backend.Config{DSN: path, Schema: schemaText(t)})
	require.ErrorContains(t, err, "id 19001, 19002, ")
	require.ErrorContains(t, err, fmt.Sprintf("and %d more", 900))
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.True(t, string(before) == string(after))

	_, err = plain(t, path).Exec("UPDATE receipts SET receipt_json = NULL WHERE receipt_json = 'bad'")
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Millisecond)
	defer cancel()
	_, err = Open(ctx, backend.Config{DSN: path, Schema: schemaText(t)})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	assert.Equal(t, []string{"0"}, strs(t, plain(t, path), "PRAGMA user_version"), "an upgrade that was cut short left nothing")

	h, err := Open(context.Background(), backend.Config{DSN: path, Schema: schemaText(t)})
	require.NoError(t, err)
	require.NoError(t, h.Close())
	assert.Equal(t, []string{"19903"}, strs(t, plain(t, path), "SELECT COUNT(*) FROM receipts"))
}

// TestUpgradeFromLater: upgrades from versions 2 and 3 add indexes, totals, views and the proof
// of the audit log, and keep all rows.
func TestUpgradeFromLater(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"2", "3"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			upgradeFrom(t, version)
		})
	}
}

func upgradeFrom(t *testing.T, version string) {
	old, err := os.ReadFile("testdata/schema-" + version + ".sql")
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "t.db")
	db := plain(t, path)
	db.SetMaxOpenConns(1)
	for _, statement := range []string{string(old), `INSERT INTO receipts (execution_id, agent_id, operation, status, timestamp, duration_ms)
		VALUES ('x', 'ann', 'watch', 'passed', '2026-01-29T12:00:00Z', 3)`,
		`INSERT INTO pipeline_metrics (execution_id, stage, duration_ms, status, timestamp) VALUES ('x', 'μ₃_emit', 3, 'passed', '2026-01-29T12:00:00Z')`,
		`INSERT INTO audit_log (timestamp, agent_id, operation, status) VALUES ('2026-01-29T12:00:00Z', 'ann', 'o', 'completed')`,
		`CREATE INDEX idx_receipts_mine ON receipts(environment)`} {
		_, err := db.Exec(statement)
		require.NoError(t, err)
	}
	before := dump(t, db)
	require.NoError(t, db.Close())
	h, err := Open(t.Context(), backend.Config{DSN: path, Schema: schemaText(t)})
	require.NoError(t, err)
	require.NoError(t, h.Close())

	db = plain(t, path)
	assert.Equal(t, before, dump(t, db))
	assert.Equal(t, []string{"1", "1"}, strs(t, db, "SELECT total_executions FROM agent_performance_summary UNION ALL SELECT execution_count FROM pipeline_stage_performance"))
	assert.Equal(t, []string{"idx_receipts_mine"}, strs(t, db, "SELECT name FROM sqlite_schema WHERE name = 'idx_receipts_mine'"))
	_, err = db.Exec("UPDATE audit_log SET agent_id = 'eve'")
	require.ErrorContains(t, err, "append-only")
	v, err := Verify(t.Context(), path, schemaText(t))
	require.NoError(t, err)
	assert.Empty(t, v.Findings)
}
