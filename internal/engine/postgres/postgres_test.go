package postgres

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	"github.com/seanchatmangpt/ggen/tier2/internal/pgtest"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// openEnv names the URL that a child process of TestProcessesOpenAtOnce opens.
const openEnv = "TIER2_TEST_OPEN"

func TestMain(m *testing.M) {
	if dsn := os.Getenv(openEnv); dsn != "" {
		h, err := Open(context.Background(), backend.Config{DSN: dsn})
		if err == nil {
			err = h.Close()
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

func openTest(t *testing.T, cfg backend.Config) *backend.Handles {
	t.Helper()
	h, err := Open(context.Background(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, h.Close()) })
	return h
}

func texts(t *testing.T, db *gorm.DB, query string, args ...any) []string {
	t.Helper()
	var list []string
	require.NoError(t, db.Raw(query, args...).Scan(&list).Error)
	return list
}

func TestGoroutinesOpenAtOnce(t *testing.T) {
	dsn := pgtest.DSN(t)
	var all sync.WaitGroup
	errs := make([]error, 20)
	for i := range errs {
		all.Go(func() {
			h, err := Open(context.Background(), backend.Config{DSN: dsn})
			if errs[i] = err; err == nil {
				errs[i] = h.Close()
			}
		})
	}
	all.Wait()
	for _, err := range errs {
		assert.NoError(t, err)
	}
	assert.Equal(t, []string{"4"}, texts(t, openTest(t, backend.Config{DSN: dsn}).Read, "SELECT version::text FROM tier2_schema"))
}

func TestProcessesOpenAtOnce(t *testing.T) {
	dsn := pgtest.DSN(t)
	var children []*exec.Cmd
	for range 20 {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), openEnv+"="+dsn)
		child.Stderr = &bytes.Buffer{}
		require.NoError(t, child.Start())
		children = append(children, child)
	}
	for _, child := range children {
		assert.NoError(t, child.Wait(), child.Stderr)
	}
	assert.Equal(t, []string{"4"}, texts(t, openTest(t, backend.Config{DSN: dsn}).Read, "SELECT version::text FROM tier2_schema"))
}

// TestNamesAreThoseOfSQLite compares the names of all objects in the two schemas.
func TestNamesAreThoseOfSQLite(t *testing.T) {
	db := openTest(t, backend.Config{DSN: pgtest.DSN(t)}).Read
	file, err := os.ReadFile("../../../schema.sql")
	require.NoError(t, err)
	sqlite, _, _ := strings.Cut(string(file), "-- Totals of the rows up to last_id") // the rest is SQLite's own
	_, views, _ := strings.Cut(string(file), "END;\n\nDROP VIEW")
	sqlite += views
	named := func(pattern string) (list []string) {
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(sqlite, -1) {
			list = append(list, m[1])
		}
		slices.Sort(list)
		return list
	}
	var columns []string
	for _, m := range regexp.MustCompile("(?s)CREATE TABLE IF NOT EXISTS `(\\w+)` \\((.*?)\n\\)(?: WITHOUT ROWID)?;").FindAllStringSubmatch(sqlite, -1) {
		for _, c := range regexp.MustCompile("(?m)^  `(\\w+)` ").FindAllStringSubmatch(m[2], -1) {
			columns = append(columns, m[1]+"."+c[1])
		}
	}
	slices.Sort(columns)
	const here = " n.nspname = current_schema() "
	const tables = `SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE` + here + `AND c.relname <> 'tier2_schema' AND c.relkind = ? ORDER BY c.relname COLLATE "C"`
	assert.Equal(t, named("CREATE TABLE IF NOT EXISTS `(\\w+)`"), texts(t, db, tables, "r"))
	assert.Equal(t, named("CREATE VIEW `(\\w+)`"), texts(t, db, tables, "v"))
	indexes := texts(t, db, `SELECT indexname FROM pg_indexes WHERE schemaname = current_schema() AND indexname NOT LIKE '%\_pkey' ORDER BY indexname COLLATE "C"`)
	assert.Len(t, indexes, 26, "of the tables, and one of the tree")
	assert.Equal(t, named("INDEX IF NOT EXISTS `(\\w+)`"), indexes)
	assert.Equal(t, named("CREATE UNIQUE INDEX IF NOT EXISTS `(\\w+)`"),
		texts(t, db, `SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE`+here+`AND i.indisunique AND NOT i.indisprimary ORDER BY c.relname COLLATE "C"`))
	assert.Equal(t, named("CONSTRAINT `(\\w+)`"),
		texts(t, db, `SELECT c.conname FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace WHERE`+here+`AND c.contype IN ('c', 'f') ORDER BY c.conname COLLATE "C"`))
	assert.Equal(t, []string{"r", "r", "r"},
		texts(t, db, `SELECT c.confdeltype::text FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace WHERE`+here+`AND c.contype = 'f'`), "ON DELETE RESTRICT")
	got := texts(t, db, `SELECT c.relname || '.' || a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE`+here+`AND c.relkind = 'r' AND a.attnum > 0 AND c.relname <> 'tier2_schema'`)
	slices.Sort(got)
	assert.Equal(t, columns, got)
}

func TestViewsAnswer(t *testing.T) {
	db := openTest(t, backend.Config{DSN: pgtest.DSN(t)}).Write
	at := models.At(time.Date(2026, 1, 29, 12, 0, 0, 123456000, time.UTC))
	for i, status := range []models.ReceiptStatus{models.ReceiptPassed, models.ReceiptFailed} {
		require.NoError(t, db.Create(&models.Receipt{ExecutionID: fmt.Sprint("e", i), AgentID: "a", Operation: models.OperationWatch,
			Status: status, Timestamp: models.At(at.Add(time.Duration(i) * time.Hour)), DurationMS: int64(10 + i), FilesGenerated: 3}).Error)
	}
	require.NoError(t, db.Create(&models.PipelineMetric{ExecutionID: "e0", Stage: models.StageEmit, DurationMS: 5, Status: models.StagePassed, Timestamp: at}).Error)
	for _, e := range []struct {
		after   time.Duration
		context models.JSON
	}{{0, nil}, {10 * time.Millisecond, nil}, {12 * time.Millisecond, nil}, {-2 * time.Millisecond, nil}, {48 * time.Hour, models.JSON(`{"execution_id":"e0"}`)}, {0, models.JSON(`{"execution_id":"x"}`)}} {
		require.NoError(t, db.Create(&models.AuditEntry{Timestamp: models.At(at.Add(e.after)), AgentID: "a", Operation: "o", Status: models.AuditCompleted, ContextJSON: e.context}).Error)
	}
	var recent []models.RecentExecution
	require.NoError(t, db.Find(&recent).Error)
	require.Len(t, recent, 2)
	assert.Equal(t, "e1", recent[0].ExecutionID)
	assert.EqualValues(t, 3, recent[1].AuditEntries, "two in its time, one that names it")
	assert.Equal(t, at, recent[1].Timestamp)
	var agent models.AgentPerformance
	require.NoError(t, db.Take(&agent).Error)
	assert.Equal(t, models.AgentPerformance{AgentID: "a", TotalExecutions: 2, SuccessfulExecutions: 1, FailedExecutions: 1, AvgDurationMS: 10.5,
		MinDurationMS: 10, MaxDurationMS: 11, TotalFilesGenerated: 6, LastExecution: models.At(at.Add(time.Hour))}, agent)
	var stage models.StagePerformance
	require.NoError(t, db.Take(&stage).Error)
	assert.Equal(t, models.StagePerformance{Stage: models.StageEmit, ExecutionCount: 1, AvgDurationMS: 5, MinDurationMS: 5, MaxDurationMS: 5, PassedCount: 1}, stage)
}

func TestSessions(t *testing.T) {
	h := openTest(t, backend.Config{DSN: pgtest.DSN(t), FullSync: true, BusyTimeout: 1500 * time.Millisecond, Readers: 5})
	for handle, readOnly := range map[*gorm.DB]string{h.Write: "off", h.Read: "on"} {
		pool, err := handle.DB()
		require.NoError(t, err)
		assert.Equal(t, 5, pool.Stats().MaxOpenConnections)
		for name, want := range map[string]string{"application_name": "tier2", "TimeZone": "UTC", "lock_timeout": "1500ms", "synchronous_commit": "on", "transaction_read_only": readOnly} {
			assert.Equal(t, []string{want}, texts(t, handle, "SELECT current_setting(?)", name), name)
		}
	}
	var now time.Time
	require.NoError(t, h.Read.Raw("SELECT now()").Row().Scan(&now))
	assert.Equal(t, time.UTC, now.Location())
	for _, statement := range []string{"DELETE FROM receipts", "CREATE TABLE x (y int)"} {
		assert.ErrorIs(t, h.Read.Exec(statement).Error, models.ErrReadOnly, statement)
	}
}

func TestSearchPath(t *testing.T) {
	one, two := pgtest.DSN(t), pgtest.DSN(t)
	a, b := openTest(t, backend.Config{DSN: one}), openTest(t, backend.Config{DSN: two})
	require.NoError(t, a.Write.Exec("INSERT INTO agent_memory (agent_id, memory_json) VALUES ('a', '{}')").Error)
	assert.Len(t, texts(t, a.Read, "SELECT agent_id FROM agent_memory"), 1)
	assert.Empty(t, texts(t, b.Read, "SELECT agent_id FROM agent_memory"))

	u, err := url.Parse(one)
	require.NoError(t, err)
	u.RawQuery = "search_path=tier2_no_such_schema"
	_, err = Open(context.Background(), backend.Config{DSN: u.String()})
	require.ErrorIs(t, err, models.ErrInvalid)
	assert.ErrorContains(t, err, "no schema of the search_path exists")
}

// TestQuotedSchema: names that SQL must quote work.
func TestQuotedSchema(t *testing.T) {
	dsn := pgtest.DSN(t)
	u, err := url.Parse(dsn)
	require.NoError(t, err)
	query := u.Query()
	name := query.Get("search_path") + ` Mixed.Case "x"`
	quoted := pgx.Identifier{name}.Sanitize()
	owner := openTest(t, backend.Config{DSN: dsn})
	require.NoError(t, owner.Write.Exec("CREATE SCHEMA "+quoted).Error)
	t.Cleanup(func() { assert.NoError(t, owner.Write.Exec("DROP SCHEMA "+quoted+" CASCADE").Error) })
	query.Set("search_path", quoted)
	u.RawQuery = strings.ReplaceAll(query.Encode(), "+", "%20") // libpq and pgx do not decode +

	h := openTest(t, backend.Config{DSN: u.String()})
	for _, other := range []*backend.Handles{openTest(t, backend.Config{DSN: u.String()}), owner} {
		same, err := h.Bulk.Same(t.Context(), other.Bulk)
		require.NoError(t, err)
		assert.Equal(t, other != owner, same)
	}
	require.NoError(t, h.Maintain(t.Context(), t.Logf))
	require.NoError(t, h.Write.Exec("INSERT INTO agent_memory (agent_id, memory_json) VALUES ('a', '{}')").Error)
	v, err := Verify(t.Context(), u.String(), "")
	require.NoError(t, err)
	assert.Empty(t, v.Findings)
	assert.EqualValues(t, 1, v.Documents)
}

func TestRefusedSchemas(t *testing.T) {
	for name, tt := range map[string]struct{ statement, says string }{
		"Newer":   {"CREATE TABLE tier2_schema (version bigint); INSERT INTO tier2_schema VALUES (99)", "schema version 99, newer than 4"},
		"Never":   {"CREATE TABLE tier2_schema (version bigint); INSERT INTO tier2_schema VALUES (1)", "never was one of tier2"},
		"Lacking": {"CREATE TABLE tier2_schema (version bigint); INSERT INTO tier2_schema VALUES (2)", "holds only"},
		"Foreign": {"CREATE TABLE receipts (id int)", "belongs to another program"},
	} {
		t.Run(name, func(t *testing.T) {
			dsn := pgtest.DSN(t)
			server, err := parse(dsn)
			require.NoError(t, err)
			cfg := backend.Config{DSN: dsn}
			cfg.Fill()
			pool := openPool(cfg, server, "")
			defer pool.Close()
			for _, s := range strings.Split(tt.statement, ";") {
				_, err = pool.Exec(s)
				require.NoError(t, err)
			}
			_, err = Open(context.Background(), cfg)
			require.ErrorIs(t, err, models.ErrInvalid)
			assert.ErrorContains(t, err, tt.says)
			var n int
			require.NoError(t, pool.QueryRow("SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()").Scan(&n))
			assert.Equal(t, 1, n, "nothing was made")
		})
	}
}
