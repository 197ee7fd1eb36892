package contract

import (
	"fmt"
	"maps"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/internal/pgtest"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// newFile returns the DSN of a new file.
func newFile(t testing.TB) string { return filepath.Join(t.TempDir(), "tier2.db") }

// sqliteEngine returns the engine of files and, if dsn returns ":memory:", of memory.
func sqliteEngine(name string, dsn func(testing.TB) string) Engine {
	return Engine{
		Name: name,
		DSN:  dsn,
		Lacks: map[string]string{
			"Audit/FollowBeginsLate": "one transaction writes at a time, and commits before the next has an id",
			"Audit/FollowLate":       "one transaction writes at a time, and commits before the next has an id",
		},
		SQL: SQL{
			Refuse:   []string{"CREATE TRIGGER boom BEFORE INSERT ON $table WHEN $when BEGIN SELECT RAISE(ABORT, 'boom'); END"},
			Allow:    []string{"DROP TRIGGER boom"},
			Saves:    "SELECT coalesce(sum(json_extract(memory_json, '$._activity.saves')), 0) FROM agent_memory",
			CheckOff: "PRAGMA ignore_check_constraints = ON",
			CheckOn:  "PRAGMA ignore_check_constraints = OFF",

			AppendOnlyOff: "DROP TRIGGER tier2_audit_log_update; DROP TRIGGER tier2_audit_log_delete; DROP TRIGGER tier2_audit_log_replace",
			AppendOnlyOn:  tier2.Schema(),
			Reset: `DROP TRIGGER IF EXISTS boom;
				DROP TABLE IF EXISTS notes;
				DELETE FROM slo_violations; DELETE FROM pipeline_metrics; DELETE FROM collision_detection;
				DELETE FROM workflow_sessions; DELETE FROM agent_memory; DELETE FROM receipts;
				INSERT OR IGNORE INTO tier2_removed SELECT id, id FROM audit_log; DELETE FROM audit_log;
				DELETE FROM tier2_removed; DELETE FROM tier2_audit_tree; DELETE FROM tier2_checkpoints;
				DELETE FROM sqlite_sequence;
				DELETE FROM tier2_agent_totals; DELETE FROM tier2_stage_totals; UPDATE tier2_folded SET last_id = -9223372036854775808`,
		},
	}
}

// memoryEngine returns SQLite in memory, which no other process sees.
func memoryEngine(name string) Engine {
	e := sqliteEngine(name, func(testing.TB) string { return ":memory:" })
	e.Lacks["Cancelled/Verify"] = "a database in memory cannot be verified"
	e.Lacks["Hooks/Processes"] = "a database in memory belongs to one process"
	return e
}

// postgresEngine returns the engine of PostgreSQL servers, with one schema per database.
func postgresEngine(name string) Engine {
	return Engine{
		Name: name,
		DSN:  pgtest.DSN,
		SQL: SQL{
			Refuse: []string{
				"CREATE FUNCTION boom() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'boom'; END $$",
				"CREATE TRIGGER boom BEFORE INSERT ON $table FOR EACH ROW WHEN ($when) EXECUTE FUNCTION boom()",
			},
			Allow:         []string{"DROP FUNCTION boom CASCADE"},
			Saves:         "SELECT coalesce(sum((memory_json #>> '{_activity,saves}')::bigint), 0) FROM agent_memory",
			AppendOnlyOff: "ALTER TABLE audit_log DISABLE TRIGGER USER",
			AppendOnlyOn:  "ALTER TABLE audit_log ENABLE ALWAYS TRIGGER tier2_audit_log_change, ENABLE ALWAYS TRIGGER tier2_audit_log_truncate",
			Reset: `DROP FUNCTION IF EXISTS boom CASCADE;
				DROP TABLE IF EXISTS notes;
				DELETE FROM slo_violations; DELETE FROM pipeline_metrics; DELETE FROM collision_detection;
				DELETE FROM workflow_sessions; DELETE FROM agent_memory; DELETE FROM receipts;
				INSERT INTO tier2_removed SELECT id, id FROM audit_log ON CONFLICT DO NOTHING; DELETE FROM audit_log;
				DELETE FROM tier2_removed; DELETE FROM tier2_audit_tree; DELETE FROM tier2_checkpoints;
				` + nextIDs(),
			NextIDs: nextIDs(),
		},
		Lacks: map[string]string{
			"Hooks/Matrix/INSERT OR REPLACE":           "only SQLite has INSERT OR REPLACE",
			"Hooks/Matrix/INSERT OR REPLACE twice":     "only SQLite has INSERT OR REPLACE",
			"Hooks/Matrix/INSERT OR IGNORE":            "only SQLite has INSERT OR IGNORE",
			"Hooks/Matrix/Updates by qualified Table":  "main is the name of SQLite's schema",
			"Hooks/Matrix/upsert of a new key twice":   "PostgreSQL refuses to upsert a row twice in one statement",
			"Hooks/Matrix/upsert of a known key twice": "PostgreSQL refuses to upsert a row twice in one statement",
			"Hooks/Matrix/upsert map, key in capitals": "PostgreSQL tells quoted names with capitals apart",
			"Hooks/CorruptMemory/no JSON":              "a jsonb column holds nothing else than JSON",
			"Hooks/CorruptMemory/history no JSON":      "a jsonb column holds nothing else than JSON",
		},
	}
}

// ungrouped returns e with group commit off. It lacks the cases that do not insert through
// the repositories, since group commit makes no difference to them.
func ungrouped(e Engine) Engine {
	e.Options = append(e.Options, tier2.WithoutGroupCommit())
	lacks := e.Lacks
	e.Lacks = map[string]string{
		"Hooks/Matrix":     "it writes by GORM alone",
		"Writer":           "it makes the writers of groups itself",
		"Cancelled/Copy":   "Copy has connections of its own",
		"Cancelled/Open":   "it opens the same",
		"Cancelled/Verify": "Verify has connections of its own",
		"Ledger/Large":     "the log is sealed and proven as it is read, whoever wrote it",
		"Ledger/Rows":      "the log is verified as it is read, whoever wrote it",
		"Ledger/Tampered":  "the log is verified as it is read, whoever wrote it",
	}
	maps.Copy(e.Lacks, lacks)
	return e
}

// nextIDs returns NextIDs of PostgreSQL; SQLite needs none.
func nextIDs() string {
	var script strings.Builder
	for _, m := range models.All() {
		fmt.Fprintf(&script, "SELECT setval(pg_get_serial_sequence('%[1]s', 'id'), coalesce(max(id), 0) + 1, false) FROM %[1]s; ", m.TableName())
	}
	return script.String()
}
