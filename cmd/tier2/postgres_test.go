package main

import (
	"encoding/json"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2/internal/pgtest"
)

// server runs SQL on PostgreSQL as another program would.
func server(t *testing.T, dsn string, statements ...string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer conn.Close(t.Context())
	for _, s := range statements {
		_, err := conn.Exec(t.Context(), s)
		require.NoError(t, err, s)
	}
}

func TestVerbs_PostgreSQL(t *testing.T) {
	t.Parallel()
	db := pgtest.DSN(t)
	got := run(t, "", "recent", "--db", db)
	assert.Equal(t, exitFailure, got.code)
	assert.Contains(t, got.stderr, "there is no tier2 database in schema tier2_")
	assert.Contains(t, got.stderr, "'tier2 init' makes one")
	got = run(t, "", "verify", db)
	assert.Equal(t, exitFound, got.code)
	assert.Contains(t, got.stdout, "schema: table receipts is missing\n", "and none was made")

	const ok = "ok: 7 tables, 25 indexes, 3 views, 0 JSON documents\n"
	got = run(t, "", "init", db)
	assert.Equal(t, exitOK, got.code, got.stderr)
	assert.Regexp(t, `^created postgres://\S+\n`+ok+"$", got.stdout)
	got = run(t, "", "maintain", db, "--json")
	assert.Equal(t, exitOK, got.code, got.stdout+got.stderr)
	got = run(t, "", "init", "--db", db)
	assert.Regexp(t, `^kept postgres://\S+\n`+ok+"$", got.stdout)

	for _, want := range []string{"1 imported, 0 unchanged, 0 refused\n", "0 imported, 1 unchanged, 0 refused\n"} {
		got = run(t, "", "import", "receipts", "--db", db, "testdata/wrapped.json")
		assert.Equal(t, result{exitOK, want, ""}, got)
	}
	got = run(t, "", "recent", "--db", db)
	assert.Equal(t, exitOK, got.code)
	assert.Contains(t, got.stdout, "exec-1")
	var found outcome
	got = run(t, "", "verify", db, "--json")
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &found))
	assert.EqualValues(t, 8, found.Documents)
	assert.True(t, found.OK)
}

func TestVerify_PostgreSQL(t *testing.T) {
	t.Parallel()
	const receipt = `INSERT INTO receipts (execution_id, agent_id, operation, status, timestamp, duration_ms) VALUES ('e', 'a', 'generation', 'passed', '2026-01-01', 1)`
	for name, tt := range map[string]struct {
		sql  []string
		want []string // in order, a part of each finding
	}{
		"OK":      {sql: []string{receipt}},
		"OwnIdea": {sql: []string{"CREATE TABLE mine (x int)", "CREATE INDEX my_index ON receipts(environment)", "CREATE VIEW my_view AS SELECT 1"}},
		"Table": {sql: []string{"DROP TABLE slo_violations CASCADE"}, want: []string{
			"table slo_violations is missing", "index idx_slo_violations_execution_id is missing", "index idx_slo_violations_metric", "index idx_slo_violations_severity", "view recent_executions is missing",
		}},
		"Column":     {sql: []string{"ALTER TABLE pipeline_metrics DROP COLUMN error_message"}, want: []string{"schema: column pipeline_metrics.error_message is missing"}},
		"OwnColumn":  {sql: []string{"ALTER TABLE receipts ADD COLUMN mine int"}, want: []string{"schema: column receipts.mine is none of tier2's"}},
		"Type":       {sql: []string{"ALTER TABLE audit_log ALTER COLUMN duration_ms TYPE integer"}, want: []string{"column audit_log.duration_ms is not as expected: integer (expected: bigint)"}},
		"Null":       {sql: []string{"ALTER TABLE receipts ALTER COLUMN agent_id DROP NOT NULL"}, want: []string{"column receipts.agent_id is not as expected"}},
		"Identity":   {sql: []string{"ALTER TABLE audit_log ALTER COLUMN id DROP IDENTITY"}, want: []string{"column audit_log.id is not as expected"}},
		"Index":      {sql: []string{"DROP INDEX idx_receipts_status"}, want: []string{"schema: index idx_receipts_status is missing"}},
		"OtherIndex": {sql: []string{"DROP INDEX idx_receipts_status", "CREATE INDEX idx_receipts_status ON receipts(status)"}, want: []string{"index idx_receipts_status is not as expected"}},
		"OtherView":  {sql: []string{"DROP VIEW recent_executions", "CREATE VIEW recent_executions AS SELECT 1 AS one"}, want: []string{"view recent_executions is not as expected"}},
		"Function":   {sql: []string{"CREATE OR REPLACE FUNCTION json_valid(document text) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS 'SELECT true'"}, want: []string{"function json_valid is not as expected"}},
		"Version":    {sql: []string{"UPDATE tier2_schema SET version = 1"}, want: []string{"schema: version 1, expected 4"}},
		"Constraint": {sql: []string{"ALTER TABLE receipts DROP CONSTRAINT chk_receipts_status", strings.Replace(receipt, "'passed'", "'done'", 1)}, want: []string{
			"constraint receipts.chk_receipts_status is missing", "check: receipts row 1: breaks the constraint chk_receipts_status",
		}},
		"NotValid": {sql: []string{"ALTER TABLE receipts DROP CONSTRAINT chk_receipts_status", "ALTER TABLE receipts ADD CONSTRAINT chk_receipts_status CHECK (status IN ('passed','failed','partial','cancelled')) NOT VALID"}, want: []string{
			"chk_receipts_status is not as expected: CHECK ((status = ANY (ARRAY['passed'::text, 'failed'::text, 'partial'::text, 'cancelled'::text]))) NOT VALID",
		}},
		"ForeignKey": {
			sql:  []string{"SET session_replication_role = replica", "INSERT INTO pipeline_metrics (execution_id, stage, duration_ms, status, timestamp) VALUES ('none', 'μ₃_emit', 1, 'passed', '2026-01-01')"},
			want: []string{"foreign key: pipeline_metrics row 1 names a row of receipts that does not exist"},
		},
		"Time":  {sql: []string{receipt, "UPDATE receipts SET timestamp = 'infinity', created_at = '0001-01-01 BC'"}, want: []string{"value: receipts row 1: created_at cannot be read: 0001-01-01 00:00:00+00 BC", "value: receipts row 1: timestamp cannot be read: infinity"}},
		"Float": {sql: []string{receipt, "INSERT INTO slo_violations (execution_id, metric, target_value, actual_value, severity, timestamp) VALUES ('e', 'm', 'NaN', 1, 'warning', '2026-01-01')"}, want: []string{"value: slo_violations row 1: target_value cannot be read: NaN"}},
		"JSON": {
			sql:  []string{"DROP INDEX idx_audit_log_execution_id, idx_audit_log_no_execution", `INSERT INTO audit_log (timestamp, agent_id, operation, status, context_json) VALUES ('2026-01-01', 'a', 'o', 'failed', '{"a":"\u0000"}'), ('2026-01-01', 'a', 'o', 'failed', '{"a":"\ud800"}'), ('2026-01-01', 'a', 'o', 'failed', '{"a":"\u03bc \\u0000"}')`},
			want: []string{"index idx_audit_log_execution_id is missing", "index idx_audit_log_no_execution is missing", "json: audit_log row 1: context_json cannot be read", "json: audit_log row 2: context_json cannot be read"},
		},
		"Counter": {
			sql:  []string{strings.NewReplacer("(execution_id", "(id, execution_id", "('e'", "(7, 'e'").Replace(receipt)},
			want: []string{"identity: receipts.id: the counter stands at 0, behind row 7"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := pgtest.DSN(t)
			require.Equal(t, exitOK, run(t, "", "init", db).code)
			server(t, db, tt.sql...)
			got := run(t, "", "verify", db)
			lines := strings.Split(strings.TrimSpace(got.stdout), "\n")
			if len(tt.want) == 0 {
				assert.Equal(t, exitOK, got.code, got.stdout)
				return
			}
			assert.Equal(t, exitFound, got.code)
			require.Len(t, lines, len(tt.want), got.stdout)
			for i, want := range tt.want {
				assert.Contains(t, lines[i], want)
			}
			assert.Empty(t, got.stderr)
		})
	}
}

// TestNoOutputShowsThePassword covers errors in the URL and in the command line.
func TestNoOutputShowsThePassword(t *testing.T) {
	t.Parallel()
	const password = "hunter2"
	urls := map[string]int{ // with the exit code of a verb that opens the URL
		"postgres://u:hunter2@127.0.0.1:1/db":                    exitFailure,
		"postgres://127.0.0.1:1/db?user=u&password=hunter2":      exitFailure,
		"postgres://u:hunter2@no-such-host.invalid/db":           exitFailure,
		"postgres://u:hunter2@127.0.0.1:port/db":                 exitUsage,
		"postgres://u:hunter2@127.0.0.1:99999/db":                exitUsage,
		"postgres://u:hunter2@x@127.0.0.1/db":                    exitUsage,
		"postgres://u:hunter2%zz@127.0.0.1/db":                   exitUsage,
		"mysql://u:hunter2@127.0.0.1/db":                         exitUsage,
		"host=127.0.0.1 port=1 user=u password=hunter2 dbname=x": exitUsage,
		" postgres://u:hunter2@127.0.0.1:1/db":                   exitUsage,
		"\"postgres://u:hunter2@127.0.0.1:1/db\"":                exitUsage,
		"postgres:/u:hunter2@127.0.0.1:1/db":                     exitUsage,
		"Postgresql:u:hunter2@127.0.0.1:1/db":                    exitUsage,
	}
	if strings.HasPrefix(pgtest.Server(), "postgres") {
		u, err := url.Parse(pgtest.Server())
		require.NoError(t, err)
		u.User, u.Path = url.UserPassword(u.User.Username(), password), "/no_such_database"
		urls[u.String()] = exitFailure
		u.User = url.UserPassword("no_such_role", password)
		urls[u.String()] = exitFailure
	}
	there, missing := database(t), filepath.Join(t.TempDir(), "missing.db")
	for dsn, code := range urls {
		for _, args := range [][]string{
			{"init", dsn}, {"verify", dsn}, {"recent", "--db", dsn}, {"report", "--db", dsn, "--out", missing}, {"import", "receipts", "--db=" + dsn, "testdata/flat.json"},
			{"agents", "--db", dsn}, {"audit", "--follow", "--db", dsn}, {"memory", "ann", "--db", dsn},
			{"copy", "--from", dsn, "--to", missing}, {"copy", "--from", there, "--to", dsn}, {"backup", "--db", dsn, "--to", missing},
			{"seal", dsn}, {"prove", "1", dsn}, {"verify", "--audit", dsn}, {"verify", "--audit", there, "--archive", dsn},
			{"archive", "--db", there, "--before", "0d", "--to", dsn, "--yes"}, {"archive", "--db", dsn, "--before", "0d", "--to", missing, "--dry-run"},
			{"restore", "--db", there, "--from", dsn, "--yes"}, {"restore", "--db", dsn, "--from", missing, "--yes"},
		} {
			got := run(t, "", args...)
			assert.Equal(t, code, got.code, "%s: %s", args, got.stderr)
			assert.NotEmpty(t, got.stderr)
			assert.NotContains(t, got.stderr+got.stdout, password, args)
		}
		for _, args := range [][]string{
			{dsn}, {"recent", dsn}, {"recent", "--status", dsn}, {"audit", "--since", dsn}, {"slo", dsn, dsn}, {"version", dsn}, {"agents", "--limit", dsn}, {"import", dsn}, {"init", dsn, "x"}, {"init", dsn, "--db", "x"}, {"init", "x", "--db", dsn}, {"verify", dsn, "--json=" + dsn},
			{"--" + dsn}, {"-" + dsn}, {"recent", "--db", dsn, "--limit=" + dsn}, {"import", "receipts", "--operation", dsn, "x"}, {"import", "receipts", "--map", dsn, "x"},
			{"copy", dsn, dsn}, {"copy", "--from", dsn}, {"copy", "--to", dsn}, {"copy", "--to", dsn, "--from", dsn, dsn},
			{"seal", dsn, "x"}, {"prove", dsn}, {"prove", dsn, dsn}, {"prove", "--check", dsn, dsn}, {"keygen", dsn}, {"verify", "--key", dsn},
			{"verify", "--audit", there, "--key", dsn}, {"seal", "--anchor", "", dsn}, {"seal", "--sign-with", " ", dsn},
			{"archive", dsn}, {"archive", "--before", dsn, "--to", dsn}, {"archive", "--before", "0d", "--to", dsn, "--db", there}, {"restore", dsn}, {"restore", "--from", dsn, "--db", there}, {"restore", "--yes", dsn},
		} {
			got := run(t, "", args...)
			assert.Equal(t, exitUsage, got.code, "%s: %s", args, got.stderr)
			assert.NotContains(t, got.stderr+got.stdout, password, args)
		}
		for _, args := range [][]string{{"init", "--help"}, {"verify", "--help"}, {"recent", "--help"}, {"import", "receipts", "--help"}, {"--help"}} {
			got := run(t, "", append(args, "--db", dsn)...)
			assert.NotContains(t, got.stderr+got.stdout, password, args)
		}
		for _, verb := range []string{"audit", "memory", "slo", "stages"} {
			got := run(t, "", verb, dsn, "--db", there)
			assert.Equal(t, exitFound, got.code, verb)
			assert.NotContains(t, got.stderr+got.stdout, password, verb)
		}
		got := run(t, "", "import", "receipts", "--json", "--db", filepath.Join(t.TempDir(), "x.db"), dsn)
		assert.Equal(t, exitFound, got.code)
		assert.NotContains(t, got.stderr+got.stdout, password)
	}
}
