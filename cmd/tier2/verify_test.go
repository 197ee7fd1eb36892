package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestVerify_Findings(t *testing.T) {
	t.Parallel()
	receipt := `INSERT INTO receipts (execution_id, agent_id, operation, status, timestamp, duration_ms, receipt_json)
		VALUES ('e', 'a', 'generation', 'passed', '2026-01-01T00:00:00Z', 1, '{}')`
	for name, tt := range map[string]struct {
		sql  []string
		want []string // in order, a part of each finding
	}{
		"OK":      {sql: []string{receipt}},
		"OwnIdea": {sql: []string{"CREATE TABLE mine (x)", "CREATE INDEX my_index ON receipts(environment)"}},
		"Table":   {sql: []string{"DROP TABLE slo_violations"}, want: []string{"table slo_violations is missing", "index idx_slo_violations_execution_id is missing", "index idx_slo_violations_metric", "index idx_slo_violations_severity"}},
		"Index":   {sql: []string{"DROP INDEX idx_receipts_status"}, want: []string{"schema: index idx_receipts_status is missing"}},
		"OtherIndex": {
			sql:  []string{"DROP INDEX idx_receipts_status", "CREATE INDEX idx_receipts_status ON receipts(status)"},
			want: []string{"index idx_receipts_status is not as expected"},
		},
		"View":      {sql: []string{"DROP VIEW recent_executions"}, want: []string{"schema: view recent_executions is missing"}},
		"OtherView": {sql: []string{"DROP VIEW recent_executions", "CREATE VIEW recent_executions AS SELECT 1"}, want: []string{"view recent_executions is not as expected"}},
		"Column":    {sql: []string{"ALTER TABLE receipts ADD COLUMN mine"}, want: []string{"table receipts is not as expected"}},
		"Version":   {sql: []string{"PRAGMA user_version = 1"}, want: []string{"schema: version 1, expected 4"}},
		"ForeignKey": {
			sql:  []string{"INSERT INTO pipeline_metrics (execution_id, stage, duration_ms, status, timestamp) VALUES ('none', 'μ₃_emit', 1, 'passed', '2026-01-01')"},
			want: []string{"foreign_key_check: pipeline_metrics row 1 names a row of receipts that does not exist"},
		},
		"Value": {
			sql:  []string{strings.NewReplacer("2026-01-01T00:00:00Z", "yesterday", " 1, '{}'", " 2.5, '{}'").Replace(receipt)},
			want: []string{`value: receipts row 1: timestamp cannot be read: "'yesterday'"`, `value: receipts row 1: duration_ms cannot be read: "2.5"`},
		},
		"Datetime": {
			sql:  []string{receipt, "UPDATE receipts SET created_at = 'soon'", "INSERT INTO receipts SELECT 2, 'f', agent_id, operation, status, timestamp, NULL, NULL, NULL, 0, 0, 1, NULL, NULL, NULL FROM receipts"},
			want: []string{`value: receipts row 1: created_at cannot be read: "'soon'"`},
		},
		"Check": {sql: []string{strings.Replace(receipt, "'generation'", "'cooking'", 1)}, want: []string{"integrity_check: CHECK constraint failed in receipts"}},
		"JSON": {
			sql: []string{
				strings.Replace(receipt, "'{}'", "'{'", 1), "INSERT INTO agent_memory (agent_id, memory_json, collision_history) VALUES ('a', 'x', '[')",
				"INSERT INTO workflow_sessions (session_id, start_time, status, agent_count, context_json) VALUES ('s', '2026-01-01', 'running', 1, '{]')",
			},
			want: []string{
				"integrity_check", "integrity_check", "integrity_check",
				"json: receipts row 1: receipt_json", "json: agent_memory row 1: memory_json", "json: agent_memory row 1: collision_history",
				"json: workflow_sessions row 1: context_json",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := database(t)
			raw(t, db, tt.sql...)
			before, err := os.ReadFile(db)
			require.NoError(t, err)

			got := run(t, "", "verify", db, "--json")
			var report outcome
			require.NoError(t, json.Unmarshal([]byte(got.stdout), &report))
			require.Len(t, report.Findings, len(tt.want), report.Findings)
			for i, want := range tt.want {
				assert.Contains(t, report.Findings[i], want)
			}
			code := exitOK
			if len(tt.want) > 0 {
				code = exitFound
				text := run(t, "", "--db", db, "verify")
				assert.Equal(t, strings.Join(report.Findings, "\n")+"\n", text.stdout, "each finding is a line")
				assert.Equal(t, exitFound, text.code)
			}
			assert.Equal(t, code, got.code)
			assert.Equal(t, code == exitOK, report.OK)
			assert.Empty(t, got.stderr)
			after, err := os.ReadFile(db)
			require.NoError(t, err)
			assert.Equal(t, before, after, "verify changes nothing")
		})
	}
}

func TestVerify_NoDatabase(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text, empty, cut := filepath.Join(dir, "text.db"), filepath.Join(dir, "empty.db"), filepath.Join(dir, "cut.db")
	require.NoError(t, os.WriteFile(text, []byte(strings.Repeat("no database ", 100)), 0o600))
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	whole, err := os.ReadFile(database(t))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(cut, whole[:len(whole)/3], 0o600))
	for name, tt := range map[string]struct{ path, want string }{
		"Missing":   {filepath.Join(dir, "missing.db"), "does not exist"},
		"Directory": {dir, "is no regular file"},
		"Text":      {text, "not a database"},
		"Empty":     {empty, "table receipts is missing"},
		"Cut":       {cut, "malformed"},
		"URI":       {"file:" + filepath.Join(dir, "missing.db") + "?mode=rw", "missing.db does not exist"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := run(t, "", "verify", tt.path)
			assert.Equal(t, exitFound, got.code)
			assert.Contains(t, got.stdout, tt.want)
			assert.Empty(t, got.stderr)
		})
	}
	assert.NoFileExists(t, filepath.Join(dir, "missing.db"))
}
