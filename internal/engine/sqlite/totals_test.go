package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
)

// direct has the queries for the expected rows of the views.
var direct = map[string]string{
	"agent_performance_summary": `SELECT agent_id, COUNT(*), SUM(status = 'passed'), SUM(status = 'failed'), AVG(duration_ms), MIN(duration_ms),
		MAX(duration_ms), SUM(files_generated), MAX(timestamp) FROM receipts GROUP BY agent_id`,
	"pipeline_stage_performance": `SELECT stage, COUNT(*), AVG(duration_ms), MIN(duration_ms), MAX(duration_ms), SUM(status = 'passed'),
		SUM(status = 'failed') FROM pipeline_metrics GROUP BY stage`,
}

// answers returns the rows of a query as text, in order.
func answers(db *sql.DB, query string) (list []string, err error) {
	rows, err := db.Query(query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		values := make([]any, len(columns))
		dest := make([]any, len(columns))
		for i := range values {
			dest[i] = &values[i]
		}
		if err := rows.Scan(dest...); err != nil {
			return nil, err
		}
		list = append(list, fmt.Sprintf("%v", values))
	}
	slices.Sort(list)
	return list, rows.Err()
}

// TestViewsAreExact: after any sequence of raw SQL and folds, the views return the sums of the
// rows, and verify finds nothing.
func TestViewsAreExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		h, err := Open(context.Background(), backend.Config{DSN: ":memory:", Schema: schemaText(t)})
		require.NoError(t, err)
		defer h.Close()
		db, err := h.Write.DB()
		require.NoError(t, err)
		agent := rapid.SampledFrom([]string{"a", "b", "c"})
		status := rapid.SampledFrom([]string{"passed", "failed", "partial"})
		stage := rapid.SampledFrom([]string{"μ₁_normalize", "μ₃_emit"})
		duration := rapid.IntRange(0, 5)
		files := rapid.SampledFrom([]any{nil, 0, 1, 7})
		id := rapid.IntRange(-2, 40)
		n := 0
		exec := func(query string, args ...any) {
			if _, err := db.Exec(query, args...); err != nil {
				rt.Fatalf("%s %v: %v", query, args, err)
			}
		}
		const receipt = ` INTO receipts (execution_id, agent_id, operation, status, timestamp, duration_ms, files_generated) VALUES (?, ?, 'watch', ?, ?, ?, ?)`
		values := func(key string) []any {
			n++
			return []any{key, agent.Draw(rt, "agent"), status.Draw(rt, "status"), fmt.Sprintf("2026-01-29T12:00:%02dZ", n%60), duration.Draw(rt, "ms"), files.Draw(rt, "files")}
		}
		rt.Repeat(map[string]func(*rapid.T){
			"insert":  func(*rapid.T) { exec("INSERT"+receipt, values(fmt.Sprint("new", n))...) },
			"replace": func(*rapid.T) { exec("INSERT OR REPLACE"+receipt, values(fmt.Sprint("x", id.Draw(rt, "key")))...) },
			"upsert": func(*rapid.T) {
				exec("INSERT"+receipt+" ON CONFLICT (execution_id) DO UPDATE SET agent_id = excluded.agent_id, duration_ms = excluded.duration_ms",
					values(fmt.Sprint("x", id.Draw(rt, "key")))...)
			},
			"status": func(*rapid.T) {
				exec("UPDATE receipts SET status = ? WHERE id = ?", status.Draw(rt, "status"), id.Draw(rt, "id"))
			},
			"agents": func(*rapid.T) {
				exec("UPDATE receipts SET agent_id = ? WHERE agent_id = ?", agent.Draw(rt, "to"), agent.Draw(rt, "from"))
			},
			"files": func(*rapid.T) {
				exec("UPDATE receipts SET files_generated = ? WHERE id <= ?", files.Draw(rt, "files"), id.Draw(rt, "id"))
			},
			"id": func(*rapid.T) { exec("UPDATE OR IGNORE receipts SET id = id + 100 WHERE id = ?", id.Draw(rt, "id")) },
			"back": func(*rapid.T) {
				exec("UPDATE OR REPLACE receipts SET id = ? WHERE id = ?", id.Draw(rt, "to"), id.Draw(rt, "from"))
			},
			"delete": func(*rapid.T) { exec("DELETE FROM receipts WHERE duration_ms = ?", duration.Draw(rt, "ms")) },
			"clear":  func(*rapid.T) { exec("DELETE FROM receipts WHERE agent_id = ?", agent.Draw(rt, "agent")) },
			"metric": func(*rapid.T) {
				exec("PRAGMA foreign_keys=OFF")
				exec(`INSERT INTO pipeline_metrics (execution_id, stage, duration_ms, status, timestamp) VALUES ('x', ?, ?, ?, '2026-01-29T12:00:00Z')`,
					stage.Draw(rt, "stage"), duration.Draw(rt, "ms"), rapid.SampledFrom([]string{"passed", "failed"}).Draw(rt, "status"))
			},
			"metrics": func(*rapid.T) {
				exec("UPDATE pipeline_metrics SET stage = ?, duration_ms = ? WHERE id = ?", stage.Draw(rt, "stage"), duration.Draw(rt, "ms"), id.Draw(rt, "id"))
			},
			"metric gone": func(*rapid.T) { exec("DELETE FROM pipeline_metrics WHERE id = ?", id.Draw(rt, "id")) },
			"fold": func(*rapid.T) {
				for _, t := range totals {
					require.NoError(rt, t.fold(context.Background(), db))
				}
			},
			"": func(rt *rapid.T) {
				for view, query := range direct {
					want, err := answers(db, query)
					require.NoError(rt, err)
					got, err := answers(db, "SELECT * FROM "+view)
					require.NoError(rt, err)
					require.Equal(rt, want, got, view)
				}
				v := backend.NewVerification()
				require.NoError(rt, checkTotals(context.Background(), db, nil, v))
				require.Empty(rt, v.Findings)
			},
		})
	})
}

// TestFoldsNowAndThen: the store folds during inserts, so that the views add up few rows.
func TestFoldsNowAndThen(t *testing.T) {
	t.Parallel()
	h := openTest(t, backend.Config{DSN: ":memory:"})
	db, err := h.Write.DB()
	require.NoError(t, err)
	insert := func(n int) {
		_, err := db.Exec(`WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < ?) INSERT INTO receipts
			(execution_id, agent_id, operation, status, timestamp, duration_ms) SELECT hex(randomblob(16)), 'a', 'watch', 'passed', '2026-01-29T12:00:00Z', n FROM c`, n)
		require.NoError(t, err)
	}
	for _, step := range []struct {
		rows, id int
		folded   string
	}{{1000, 1000, "-9223372036854775808"}, {100, 1100, "1100"}, {1000, 2100, "1100"}, {100, 2200, "2200"}} {
		insert(step.rows)
		h.Inserted(context.Background(), db, "receipts", int64(step.id))
		h.Inserted(context.Background(), db, "audit_log", 1_000_000)
		assert.Equal(t, []string{step.folded}, strs(t, db, "SELECT last_id FROM tier2_folded WHERE name = 'receipts'"))
	}
}

// TestTotalsThatAreWrong: verify reports the changes that bypass the triggers, and maintain
// repairs the totals.
func TestTotalsThatAreWrong(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "t.db")
	h := openTest(t, backend.Config{DSN: path})
	db := plain(t, path)
	_, err := db.Exec(`INSERT INTO receipts (id, execution_id, agent_id, operation, status, timestamp, duration_ms) VALUES
		(5, 'x5', 'ann', 'watch', 'passed', '2026-01-29T12:00:00Z', 3), (6, 'x6', 'bob', 'watch', 'passed', '2026-01-29T12:00:00Z', 3)`)
	require.NoError(t, err)
	require.NoError(t, h.Maintain(t.Context(), t.Logf))
	verify := func() []string {
		v, err := Verify(t.Context(), path, schemaText(t))
		require.NoError(t, err)
		return v.Findings
	}
	require.Empty(t, verify())
	_, err = db.Exec(`INSERT INTO receipts (id, execution_id, agent_id, operation, status, timestamp, duration_ms)
		VALUES (2, 'x2', 'ann', 'watch', 'failed', '2026-01-29T12:00:00Z', 4)`)
	require.NoError(t, err)
	assert.Equal(t, []string{`totals: tier2_agent_totals of "ann" is not what receipts adds up to; maintain mends it`}, verify())
	require.NoError(t, h.Maintain(t.Context(), t.Logf))
	assert.Empty(t, verify())
	assert.Equal(t, []string{"2", "1"}, strs(t, db, "SELECT total_executions FROM agent_performance_summary ORDER BY agent_id"))
}

// TestBulkBetweenRows: the totals include rows that a copy inserts between existing rows.
func TestBulkBetweenRows(t *testing.T) {
	t.Parallel()
	h := openTest(t, backend.Config{DSN: ":memory:"})
	db, err := h.Write.DB()
	require.NoError(t, err)
	_, err = db.Exec(`INSERT INTO receipts (id, execution_id, agent_id, operation, status, timestamp, duration_ms)
		VALUES (5, 'x5', 'ann', 'watch', 'passed', '2026-01-29T12:00:00Z', 3)`)
	require.NoError(t, err)
	require.NoError(t, h.Maintain(t.Context(), t.Logf))
	table := &schema.Table{Name: "receipts", Key: []int{0}}
	for _, c := range []string{"id", "execution_id", "agent_id", "operation", "status", "timestamp", "duration_ms"} {
		table.Columns = append(table.Columns, schema.Column{Name: c, Kind: schema.Text})
	}
	w, err := h.Bulk.Begin(t.Context())
	require.NoError(t, err)
	require.NoError(t, w.Insert(t.Context(), table, []schema.Row{{int64(2), "x2", "ann", "watch", "failed", "2026-01-29T12:00:00Z", int64(4)}}))
	require.NoError(t, w.Commit(t.Context()))
	require.NoError(t, w.Close())
	assert.Equal(t, []string{"2"}, strs(t, db, "SELECT total_executions FROM agent_performance_summary"))
	require.NoError(t, h.Maintain(t.Context(), t.Logf))
	assert.Equal(t, []string{"2"}, strs(t, db, "SELECT executions FROM tier2_agent_totals"))
}

// TestCloseFoldsOnlyWhatIsLong: opening and closing a store writes nothing, unless many rows are
// not folded.
func TestCloseFoldsOnlyWhatIsLong(t *testing.T) {
	t.Parallel()
	for _, step := range []struct {
		rows   int
		folded string
	}{{foldEvery - 1, "-9223372036854775808"}, {foldEvery, fmt.Sprint(foldEvery)}} {
		path := filepath.Join(t.TempDir(), "t.db")
		h, err := Open(t.Context(), backend.Config{DSN: path, Schema: schemaText(t)})
		require.NoError(t, err)
		_, err = plain(t, path).Exec(`WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < ?) INSERT INTO receipts
			(execution_id, agent_id, operation, status, timestamp, duration_ms) SELECT hex(randomblob(16)), 'a', 'watch', 'passed', '2026-01-29T12:00:00Z', n FROM c`, step.rows)
		require.NoError(t, err)
		require.NoError(t, h.Close())
		assert.Equal(t, []string{step.folded}, strs(t, plain(t, path), "SELECT last_id FROM tier2_folded WHERE name = 'receipts'"))
	}
}

// TestFoldIsWhole: a fold that fails in its second half undoes its first half.
func TestFoldIsWhole(t *testing.T) {
	t.Parallel()
	h := openTest(t, backend.Config{DSN: ":memory:"})
	db, err := h.Write.DB()
	require.NoError(t, err)
	_, err = db.Exec(`INSERT INTO receipts (id, execution_id, agent_id, operation, status, timestamp, duration_ms)
		VALUES (2000, 'x', 'ann', 'watch', 'passed', '2026-01-29T12:00:00Z', 3);
		CREATE TRIGGER boom BEFORE UPDATE ON tier2_folded BEGIN SELECT RAISE(ABORT, 'boom'); END`)
	require.NoError(t, err)
	tx, err := db.Begin()
	require.NoError(t, err)
	h.Inserted(t.Context(), tx, "receipts", 2000)
	require.NoError(t, tx.Commit())
	assert.Equal(t, []string{"1"}, strs(t, db, "SELECT total_executions FROM agent_performance_summary"))
	assert.Equal(t, []string{"0"}, strs(t, db, "SELECT COUNT(*) FROM tier2_agent_totals"))
	_, err = db.Exec("DROP TRIGGER boom")
	require.NoError(t, err)
}
