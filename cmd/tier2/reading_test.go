package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/internal/pgtest"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// inhabited returns a database with rows for each verb that lists rows. On 1 January 2026 the
// execution e1 of ann passed; on the 2nd e2 of bob failed and missed a target. In the running
// session s1 both agents collided twice, and one collision is resolved. Session s2 was
// cancelled.
func inhabited(t *testing.T, dsn string) string {
	t.Helper()
	ctx, day := t.Context(), time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	now := day
	store, err := tier2.Open(ctx, dsn, tier2.WithClock(func() time.Time { now = now.Add(time.Second); return now }))
	require.NoError(t, err)
	require.NoError(t, store.Receipts.Create(ctx, &models.Receipt{
		ExecutionID: "e1", AgentID: "ann", Operation: models.OperationGeneration, Status: models.ReceiptPassed, DurationMS: 1500, Environment: "dev",
		Metrics: []models.PipelineMetric{{Stage: models.StageEmit, Status: models.StagePassed, DurationMS: 700, Timestamp: models.At(day)}},
	}))
	require.NoError(t, store.Memory.Put(ctx, "ann", models.JSON(`{"k":1}`)))
	require.NoError(t, store.Memory.Put(ctx, "ann", models.JSON(`{"k":2}`)))
	for _, id := range []string{"s1", "s2"} {
		require.NoError(t, store.Sessions.Start(ctx, &models.WorkflowSession{SessionID: id, AgentCount: 2}))
	}
	_, err = store.Sessions.Cancel(ctx, "s2")
	require.NoError(t, err)
	for _, resolution := range []string{"merged", ""} {
		require.NoError(t, store.Collisions.Report(ctx, &models.Collision{SessionID: "s1", AgentID1: "bob", AgentID2: "ann", CollisionType: models.FileConflict,
			Severity: models.SeverityCritical, Description: "main.rs", Resolution: resolution}))
	}
	now = day.AddDate(0, 0, 1)
	require.NoError(t, store.Receipts.Create(ctx, &models.Receipt{
		ExecutionID: "e2", AgentID: "bob", Operation: models.OperationWatch, Status: models.ReceiptFailed, DurationMS: 20, ErrorMessage: "no",
		Violations: []models.SLOViolation{{Metric: "first_build", TargetValue: 15, ActualValue: 20, Severity: models.SeverityWarning}},
	}))
	require.NoError(t, store.Close())
	return dsn
}

// TestReading checks the rows of each verb, in each form and under each filter.
func TestReading(t *testing.T) {
	t.Parallel()
	for name, dsn := range map[string]func(testing.TB) string{"SQLite": file, "Postgres": pgtest.DSN} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := inhabited(t, dsn(t))
			for _, tt := range []struct {
				line string
				rows string // the value of key in each row, in order
				key  string
			}{
				{"recent", "e2 e1", "execution_id"},
				{"recent --limit 1", "e2", "execution_id"},
				{"recent --limit all --agent ann", "e1", "execution_id"},
				{"recent --status failed --operation watch", "e2", "execution_id"},
				{"recent --environment dev", "e1", "execution_id"},
				{"recent --manifest-hash " + strings.Repeat("0", 64), "", "execution_id"},
				{"recent --since 2026-01-02", "e2", "execution_id"},
				{"recent --until 2026-01-02", "e1", "execution_id"},
				{"recent --since 1h", "", "execution_id"},
				{"recent", "1 0", "slo_violations"},
				{"agents", "ann bob", "agent_id"},
				{"agents --since 2026-01-02", "bob", "agent_id"},
				{"agents --agent ann", "1500", "p99_ms"},
				{"agents --limit 1", "ann", "agent_id"},
				{"stages", "μ₃_emit", "stage"},
				{"stages", "700", "p95_ms"},
				{"stages --agent bob", "", "stage"},
				{"stages e1", "700", "duration_ms"},
				{"stages e2", "", "stage"},
				{"slo --limit 2", "first_build cli_scaffolding", "metric"},
				{"slo --limit 1", "0.5", "share"},
				{"slo e2", "20", "actual_value"},
				{"slo e1", "", "metric"},
				{"collisions", "2 1", "id"},
				{"collisions --unresolved", "2", "id"},
				{"collisions --agent ann --session s1 --type file_conflict --severity critical --limit 1", "2", "id"},
				{"collisions --severity info", "", "id"},
				{"collisions --session s2", "", "id"},
				{"collisions --pairs", "1", "unresolved"},
				{"collisions --pairs --since 2026-01-02", "", "count"},
				{"sessions", "s2 s1", "session_id"},
				{"sessions --active", "s1", "session_id"},
				{"sessions --status cancelled", "s2", "session_id"},
				{"sessions --until 2026-01-01", "", "session_id"},
				{"audit --limit 1", "slo_violations.create", "operation"},
				{"audit --limit all --agent ann --operation receipts.create --status completed --execution e1", "receipts.create", "operation"},
				{"audit --since 2026-01-02", "slo_violations.create receipts.create", "operation"},
				{"audit e1", "receipts.create pipeline_metrics.create", "operation"},
				{"audit s2", "workflow_sessions.create workflow_sessions.update", "operation"},
				{"audit --follow --since 2026-01-02 --limit 2", "receipts.create slo_violations.create", "operation"},
				{"memory", "bob ann system", "agent_id"},
				{"memory --since 2026-01-02", "bob", "agent_id"},
				{"memory ann", "ann", "agent_id"},
				{"memory ann --history", "update update", "action"},
				{"memory ann --history --limit 1", "update", "action"},
				{"memory ann --at 2026-01-03", "update", "action"},
			} {
				args := append(strings.Fields(tt.line), "--db", db)
				want := strings.Fields(tt.rows)
				names := byJSON(t, args, tt.key, want)
				if name == "SQLite" { // the forms do not depend on the engine
					byTable(t, args, want)
					byCSV(t, args, tt.key, want, names)
				}
			}
			assert.Equal(t, result{exitOK, "{\n  \"k\": 2\n}\n", ""}, run(t, "", "memory", "ann", "--at", "2026-01-03", "--db", db))
			assert.Contains(t, run(t, "", "memory", "ann", "--db", db).stdout, `"k": 2`)
			for _, args := range [][]string{{"stages", "e9"}, {"slo", "e9"}, {"audit", "e9"}, {"memory", "eve"}, {"memory", "ann", "--at", "2025-01-01"}} {
				got := run(t, "", append(args, "--db", db)...)
				assert.Equal(t, exitFound, got.code, args)
				assert.Empty(t, got.stdout, args)
				assert.Regexp(t, `^tier2: .*(not found|no entry names)`, got.stderr, args)
			}
		})
	}
}

// byJSON checks the values of a key in the rows of a verb. It returns the number of keys of a
// row, 0 without rows.
func byJSON(t *testing.T, args []string, key string, want []string) (keys int) {
	t.Helper()
	got := run(t, "", append(args, "--json")...)
	require.Equal(t, exitOK, got.code, "%s: %s", args, got.stderr)
	text := got.stdout
	switch {
	case slices.Contains(args, "--follow"):
		text = "[" + strings.ReplaceAll(strings.TrimSpace(text), "\n", ",") + "]"
	case strings.HasPrefix(text, "{"):
		text = "[" + text + "]"
	}
	var objects []map[string]json.RawMessage
	require.NoError(t, json.Unmarshal([]byte(text), &objects), args)
	values := []string{}
	for _, o := range objects {
		keys = len(o)
		value := string(o[key])
		if text, err := strconv.Unquote(value); err == nil {
			value = text
		}
		values = append(values, value)
	}
	assert.Equal(t, append([]string{}, want...), values, args)
	return keys
}

// byCSV checks the same in CSV, and the number of columns.
func byCSV(t *testing.T, args []string, key string, want []string, columns int) {
	t.Helper()
	got := run(t, "", append(args, "--csv")...)
	require.Equal(t, exitOK, got.code, args)
	records, err := csv.NewReader(strings.NewReader(got.stdout)).ReadAll()
	require.NoError(t, err, args)
	column := slices.Index(records[0], key)
	require.GreaterOrEqual(t, column, 0, "%s: %v", args, records[0])
	values := []string{}
	for _, record := range records[1:] {
		assert.Len(t, record, columns, args)
		values = append(values, record[column])
	}
	assert.Equal(t, append([]string{}, want...), values, args)
}

// byTable checks that the table has a head and a line per row.
func byTable(t *testing.T, args, want []string) {
	t.Helper()
	got := run(t, "", args...)
	require.Equal(t, exitOK, got.code, args)
	if !strings.HasPrefix(got.stdout, "{") { // a single memory
		assert.Equal(t, len(want)+1, strings.Count(got.stdout, "\n"), "%s\n%s", args, got.stdout)
	}
}

// TestReading_Refused covers invalid command lines, and databases that cannot be read. It
// checks that these are not created or changed.
func TestReading_Refused(t *testing.T) {
	t.Parallel()
	db, missing := inhabited(t, file(t)), filepath.Join(t.TempDir(), "missing.db")
	for line, want := range map[string]string{
		"agents --limit 1001":                        "must lie in 1 to 1000",
		"recent --status done":                       "allowed: passed, failed, partial, cancelled",
		"recent --since 1d --until 2d":               "until must not lie before since",
		"recent --agent \xff":                        "receipts.agent_id",
		"stages e1 --since 1d":                       "--since means nothing with an execution",
		"slo e1 --limit 1":                           "--limit means nothing with an execution",
		"slo a b":                                    "accepts at most 1 arg",
		"collisions --pairs --severity info":         "--severity means nothing with --pairs",
		"collisions --type file":                     "allowed: file_conflict",
		"sessions --active --status failed":          "--status means nothing with --active",
		"sessions --agent ann":                       "unknown flag",
		"audit e1 --follow":                          "--follow means nothing with an execution",
		"audit --follow --until 1d":                  "--until means nothing with --follow",
		"memory --history":                           "need an agent",
		"memory --at 1d":                             "need an agent",
		"memory ann --history --at 1d":               "--at means nothing with --history",
		"memory ann --limit 1":                       "--limit means nothing with one memory",
		"memory ann --at someday":                    "must be a time such as",
		"version --csv":                              "lists no rows",
		"version x":                                  "unknown command",
		"recent --json --csv":                        "either --json or --csv",
		"drift --json --csv":                         "either --json or --csv",
		"completion bash --csv":                      "lists no rows",
		"audit  --limit 5x":                          "must be a number",
		"memory ann --history --since 1d --until 2d": "until must not lie before since",
	} {
		got := run(t, "", append(strings.Fields(line), "--db", db)...)
		assert.Equal(t, exitUsage, got.code, "%s: %s", line, got.stderr)
		assert.Contains(t, got.stderr, want, line)
		assert.Empty(t, got.stdout, line)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, line := range []string{"recent", "agents", "stages", "stages e1", "slo", "slo e1", "collisions", "collisions --pairs", "sessions", "audit", "audit e1", "audit --follow", "memory", "memory ann", "memory ann --history", "memory ann --at 1s", "drift"} {
		got := run(t, "", append(strings.Fields(line), "--db", missing)...)
		assert.Equal(t, exitFailure, got.code, line)
		assert.Contains(t, got.stderr, "'tier2 init' makes one", line)
		var stdout, stderr bytes.Buffer
		assert.Equal(t, exitInterrupt, Run(ctx, append(strings.Fields(line), "--db", db), nil, &stdout, &stderr), line)
		assert.Empty(t, stdout.String(), line)
	}
	assert.NoFileExists(t, missing)
}

// TestReading_Older checks that reading does not upgrade a database of an older schema.
func TestReading_Older(t *testing.T) {
	t.Parallel()
	old, server3 := file(t), pgtest.DSN(t)
	text, err := os.ReadFile("../../internal/engine/sqlite/testdata/schema-3.sql")
	require.NoError(t, err)
	raw(t, old, string(text))
	text, err = os.ReadFile("../../internal/engine/postgres/testdata/schema-3.sql")
	require.NoError(t, err)
	server(t, server3, string(text))
	for _, db := range []string{old, server3} {
		for range 2 {
			for _, verb := range [][]string{{"recent"}, {"prove", "1"}, {"report", "--out", "-"}, {"export", "receipts", "--out", "-"}} {
				got := run(t, "", append(verb, "--db", db)...)
				assert.Equal(t, exitFailure, got.code)
				assert.Contains(t, got.stderr, "schema version 3, older than 4, and is opened for reading only; 'tier2 init' upgrades it")
			}
		}
		require.Equal(t, exitOK, run(t, "", "init", db).code)
		assert.Equal(t, exitOK, run(t, "", "recent", "--db", db).code)
	}
}
