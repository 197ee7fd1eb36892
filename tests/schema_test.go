package tests

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	"github.com/seanchatmangpt/ggen/tier2/internal/engine/sqlite"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// openSchema opens an empty database with the given schema and no hooks.
func openSchema(t *testing.T, schema string) *gorm.DB {
	t.Helper()
	h, err := sqlite.Open(context.Background(), backend.Config{DSN: ":memory:", Schema: schema})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, h.Close()) })
	return h.Write
}

// migrated returns an empty database with the tables that GORM makes of the models' tags.
func migrated(t *testing.T, tables ...any) *gorm.DB {
	t.Helper()
	db := openSchema(t, "SELECT 1")
	require.NoError(t, db.AutoMigrate(tables...))
	return db
}

func allModels() []any {
	var list []any
	for _, m := range models.All() {
		list = append(list, m)
	}
	return list
}

var (
	checkText = regexp.MustCompile("(?i)CONSTRAINT\\s+[`\"](\\w+)[`\"]\\s+CHECK\\s*(\\(.*)")
	spaces    = regexp.MustCompile(`\s+`)
)

// facts returns what a schema defines, one sorted line per fact: columns with type, NULL and
// default; foreign keys; indexes with uniqueness, columns and order, except for partial
// indexes on JSON; CHECKs.
func facts(t *testing.T, db *gorm.DB) []string {
	t.Helper()
	var list []string
	add := func(query string, args ...any) {
		rows, err := db.Raw(query, args...).Rows()
		require.NoError(t, err)
		defer rows.Close()
		for rows.Next() {
			var s string
			require.NoError(t, rows.Scan(&s))
			list = append(list, s)
		}
		require.NoError(t, rows.Err())
	}
	for _, m := range models.All() {
		table := m.TableName()
		add(`SELECT format('%s column %d %s %s notnull=%d default=%s pk=%d hidden=%d', ?1, cid, name, lower(type), "notnull", coalesce(upper(dflt_value), 'none'), pk, hidden)
			FROM pragma_table_xinfo(?1)`, table)
		add(`SELECT format('%s foreign key %s -> %s.%s update=%s delete=%s match=%s', ?1, "from", "table", "to", on_update, on_delete, match) FROM pragma_foreign_key_list(?1)`, table)
		add(`SELECT format('%s index %s unique=%d origin=%s partial=%d', ?1, name, "unique", origin, partial) FROM pragma_index_list(?1) WHERE NOT partial`, table)
		add(`SELECT format('%s index %s column %d %s desc=%d coll=%s', ?1, l.name, i.seqno, i.name, i."desc", i.coll)
			FROM pragma_index_list(?1) l, pragma_index_xinfo(l.name) i WHERE i.key AND NOT l.partial`, table)
		add(`SELECT format('%s autoincrement=%d', ?1, sql LIKE '%AUTOINCREMENT%') FROM sqlite_schema WHERE type = 'table' AND name = ?1`, table)
		var ddl string
		require.NoError(t, db.Raw("SELECT coalesce((SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?), '')", table).Scan(&ddl).Error)
		list = append(list, checksOf(table, ddl)...)
	}
	sort.Strings(list)
	return list
}

// checksOf returns the CHECKs of a CREATE TABLE, up to the closing bracket of each.
func checksOf(table, ddl string) (checks []string) {
	for {
		m := checkText.FindStringSubmatchIndex(spaces.ReplaceAllString(ddl, " "))
		if m == nil {
			return checks
		}
		ddl = spaces.ReplaceAllString(ddl, " ")
		name, rest := ddl[m[2]:m[3]], ddl[m[4]:]
		depth, end := 0, 0
		for i, r := range rest {
			if r == '(' {
				depth++
			} else if r == ')' {
				if depth--; depth == 0 {
					end = i + 1
					break
				}
			}
		}
		checks = append(checks, table+" check "+name+" "+strings.ReplaceAll(rest[:end], ", ", ","))
		ddl = rest[end:]
	}
}

func TestModelsEqualSchema(t *testing.T) {
	t.Parallel()
	want := facts(t, openSchema(t, tier2.Schema()))
	assert.Equal(t, want, facts(t, migrated(t, allModels()...)))

	count := func(part string) int {
		return len(slices.DeleteFunc(slices.Clone(want), func(s string) bool { return !strings.Contains(s, part) }))
	}
	assert.Equal(t, 22, count("unique="), "named indexes: the seed's 21, and one more for lists")
	assert.Equal(t, 3, count("unique=1"))
	assert.Equal(t, 3, count("delete=RESTRICT"))
	assert.Equal(t, 26, count(" check "))
	assert.Equal(t, 9, count(" IN ("), "enum columns")
	assert.Equal(t, 7, count("autoincrement=1"))
}

// TestDriftIsSeen changes the schema in one place at a time.
func TestDriftIsSeen(t *testing.T) {
	t.Parallel()
	want := facts(t, migrated(t, allModels()...))
	for _, tt := range []struct{ name, old, new string }{
		{"Type", "`input_size_bytes` integer", "`input_size_bytes` text"},
		{"NotNull", "`agent_count` integer NOT NULL", "`agent_count` integer"},
		{"Default", "`retry_count` integer DEFAULT 0", "`retry_count` integer DEFAULT 1"},
		{"Column", "  `environment` text,\n", ""},
		{"Enum", "'failed','partial'", "'failed','Partial'"},
		{"Bound", "(agent_count >= 0)", "(agent_count > 0)"},
		{"JSON", "CHECK (context_json IS NULL OR json_valid(context_json))", "CHECK (true)"},
		{"ForeignKey", "REFERENCES `receipts`(`execution_id`) ON DELETE RESTRICT", "REFERENCES `receipts`(`execution_id`)"},
		{"Unique", "UNIQUE INDEX IF NOT EXISTS `idx_receipts_execution_id`", "INDEX IF NOT EXISTS `idx_receipts_execution_id`"},
		{"IndexOrder", "`audit_log`(`timestamp`)", "`audit_log`(`timestamp` DESC)"},
		{"IndexColumns", "(`agent_id_1`,`agent_id_2`)", "(`agent_id_2`,`agent_id_1`)"},
		{"IndexMissing", "CREATE INDEX IF NOT EXISTS `idx_receipts_created_at` ON `receipts`(`created_at`);", ""},
		{"Autoincrement", "`id` integer PRIMARY KEY AUTOINCREMENT", "`id` integer PRIMARY KEY"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, tier2.Schema(), tt.old)
			assert.NotEqual(t, want, facts(t, openSchema(t, strings.Replace(tier2.Schema(), tt.old, tt.new, 1))))
		})
	}
}

type tamperedMemory struct {
	models.AgentMemory
	LastError int64 // a string in the model
}

func TestDriftOfAModelIsSeen(t *testing.T) {
	t.Parallel()
	ofMemory := func(db *gorm.DB) []string {
		return slices.DeleteFunc(facts(t, db), func(s string) bool { return !strings.HasPrefix(s, "agent_memory ") })
	}
	want, got := ofMemory(openSchema(t, tier2.Schema())), ofMemory(migrated(t, &tamperedMemory{}))
	require.Equal(t, len(want), len(got))
	var different []string
	for i := range want {
		if want[i] != got[i] {
			different = append(different, want[i], got[i])
		}
	}
	assert.Equal(t, []string{
		"agent_memory column 5 last_error text notnull=0 default=none pk=0 hidden=0",
		"agent_memory column 5 last_error integer notnull=0 default=none pk=0 hidden=0",
	}, different)
}

// snapshot returns the text of the schema, and every row of every table.
func snapshot(t *testing.T, db *gorm.DB) []string {
	t.Helper()
	var list []string
	read := func(query string) {
		rows, err := db.Raw(query).Rows()
		require.NoError(t, err)
		defer rows.Close()
		columns, err := rows.Columns()
		require.NoError(t, err)
		for rows.Next() {
			values, into := make([]sql.NullString, len(columns)), make([]any, len(columns))
			for i := range values {
				into[i] = &values[i]
			}
			require.NoError(t, rows.Scan(into...))
			list = append(list, fmt.Sprint(query, values))
		}
		require.NoError(t, rows.Err())
	}
	read("SELECT type, name, tbl_name, rootpage, sql FROM sqlite_schema ORDER BY type, name")
	for _, m := range models.All() {
		read("SELECT * FROM " + m.TableName() + " ORDER BY id")
	}
	read("SELECT * FROM sqlite_sequence ORDER BY name")
	read("PRAGMA schema_version")
	return list
}

// fillAll inserts one row per table, with text in every text column.
func fillAll(t *testing.T, db *gorm.DB) {
	t.Helper()
	now := models.Timestamp{}
	require.NoError(t, now.UnmarshalText([]byte("2026-01-29T12:34:56.123456Z")))
	hash := strings.Repeat("0a", 32)
	duration := int64(777)
	for _, row := range []any{
		&models.Receipt{ExecutionID: "e", AgentID: "a", Operation: models.OperationWatch, Status: models.ReceiptFailed, Timestamp: now, ManifestHash: hash, OntologyHash: hash,
			FilesGenerated: 777, FilesModified: 778, DurationMS: 779, ReceiptJSON: models.JSON(`{"a":  1}`), ErrorMessage: "boom", Environment: "dev"},
		&models.AgentMemory{AgentID: "b", MemoryJSON: models.JSON(`{"x":1}`), CollisionHistory: models.JSON(`[]`), RetryCount: 777, LastError: "e"},
		&models.AuditEntry{Timestamp: now, AgentID: "a", Operation: "o", Status: models.AuditSkipped, DurationMS: 777, ErrorMessage: "e", ContextJSON: models.JSON(`{}`)},
		&models.WorkflowSession{SessionID: "s", StartTime: now.Time, EndTime: &now.Time, Status: models.SessionCompleted, AgentCount: 777, TotalDurationMS: &duration,
			SuccessfulOperations: 777, FailedOperations: 778, ContextJSON: models.JSON(`{}`)},
		&models.Collision{SessionID: "s", AgentID1: "a", AgentID2: "b", CollisionType: models.FileConflict, Description: "d", Resolution: "r", Severity: models.SeverityInfo, Timestamp: now},
		&models.PipelineMetric{ExecutionID: "e", Stage: models.StageEmit, DurationMS: 777, InputSizeBytes: 778, OutputSizeBytes: 779, Status: models.StageFailed, ErrorMessage: "e", Timestamp: now},
		&models.SLOViolation{ExecutionID: "e", Metric: "m", TargetValue: 7.5, ActualValue: 8.5, Severity: models.SeverityCritical, Description: "d", Timestamp: now},
	} {
		require.NoError(t, db.Create(row).Error)
	}
}

func TestAutoMigrateChangesNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tier2.db")
	store, err := tier2.Open(context.Background(), path)
	require.NoError(t, err)
	fillAll(t, store.DB())
	before := snapshot(t, store.DB())
	require.NoError(t, store.DB().AutoMigrate(allModels()...), "through the store's own handle")
	assert.Equal(t, before, snapshot(t, store.DB()))
	require.NoError(t, store.Close())

	h, err := sqlite.Open(context.Background(), backend.Config{DSN: path, Schema: tier2.Schema()})
	require.NoError(t, err)
	defer h.Close()
	before = snapshot(t, h.Write) // Close has run PRAGMA optimize, which may add statistics
	for range 2 {
		require.NoError(t, h.Write.AutoMigrate(allModels()...))
		assert.Equal(t, before, snapshot(t, h.Write))
	}
}

func TestSchemaLoadsTwice(t *testing.T) {
	t.Parallel()
	db := openSchema(t, tier2.Schema())
	fillAll(t, db)
	before := snapshot(t, db)
	objects := facts(t, db)
	require.NoError(t, db.Exec(tier2.Schema()).Error)
	assert.Equal(t, objects, facts(t, db))
	// Views are recreated, so that older ones are replaced: only the counter changes.
	sameButViews := func(list []string) []string {
		return slices.DeleteFunc(list, func(s string) bool { return strings.Contains(s, "schema_version") })
	}
	assert.Equal(t, sameButViews(before), sameButViews(snapshot(t, db)))
}

func TestViewsHaveTheirModelsColumns(t *testing.T) {
	t.Parallel()
	db := openSchema(t, tier2.Schema())
	fillAll(t, db)
	for _, view := range []any{&models.RecentExecution{}, &models.AgentPerformance{}, &models.StagePerformance{}} {
		stmt := &gorm.Statement{DB: db}
		require.NoError(t, stmt.Parse(view))
		var columns []string
		require.NoError(t, db.Raw("SELECT name FROM pragma_table_info(?) ORDER BY cid", stmt.Table).Scan(&columns).Error)
		assert.Equal(t, stmt.Schema.DBNames, columns, stmt.Table)
		require.NoError(t, db.Find(view).Error)
	}
}
