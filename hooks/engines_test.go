package hooks_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/hooks"
	"github.com/seanchatmangpt/ggen/tier2/internal/engine"
	"github.com/seanchatmangpt/ggen/tier2/internal/engine/postgres"
	"github.com/seanchatmangpt/ggen/tier2/internal/engine/sqlite"
	"github.com/seanchatmangpt/ggen/tier2/internal/pgtest"
)

// engineUnderTest is a database that every case runs on.
type engineUnderTest struct {
	name   string
	newDSN func(testing.TB) string
	// saves is the SQL that adds up the saves counted in agent_memory.
	saves string
	// boom is the SQL that makes a table refuse rows, $table those that match $when.
	boom string
	// reset is the SQL that empties a database for the next test; where it is set,
	// databases are used again, since a new one is slow to make.
	reset string
	free  chan *gorm.DB
	owner testing.TB // lives longer than what it lends to
}

var engines = []*engineUnderTest{
	{
		name:   "sqlite",
		newDSN: func(t testing.TB) string { return filepath.Join(t.TempDir(), "t.db") },
		saves:  "SELECT coalesce(sum(json_extract(memory_json, '$._activity.saves')), 0) FROM agent_memory",
		boom:   "CREATE TRIGGER boom BEFORE INSERT ON $table WHEN $when BEGIN SELECT RAISE(ABORT, 'boom'); END",
	},
	{
		name:   "postgres",
		newDSN: pgtest.DSN,
		saves:  "SELECT coalesce(sum((memory_json #>> '{_activity,saves}')::bigint), 0) FROM agent_memory",
		boom: `CREATE FUNCTION boom() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'boom'; END $$;
			CREATE TRIGGER boom BEFORE INSERT ON $table FOR EACH ROW WHEN ($when) EXECUTE FUNCTION boom()`,
		reset: `DO $$ DECLARE name text; BEGIN
			DROP FUNCTION IF EXISTS boom CASCADE;
			DROP TABLE IF EXISTS notes;
			FOREACH name IN ARRAY ARRAY['slo_violations', 'pipeline_metrics', 'collision_detection', 'workflow_sessions', 'audit_log', 'agent_memory', 'receipts'] LOOP
				EXECUTE 'DELETE FROM ' || name;
				PERFORM setval(pg_get_serial_sequence(name, 'id'), 1, false);
			END LOOP;
		END $$`,
	},
}

// eachEngine runs a test on SQLite and, where TIER2_TEST_POSTGRES names a server, on
// PostgreSQL.
func eachEngine(t *testing.T, test func(*testing.T, *engineUnderTest)) {
	t.Helper()
	t.Parallel()
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			if e.name == "postgres" && os.Getenv(pgtest.Env) == "" {
				t.Skip("no PostgreSQL: set " + pgtest.Env)
			}
			lender := *e
			lender.owner, lender.free = t, make(chan *gorm.DB, 100)
			test(t, &lender)
		})
	}
}

// refuse makes a table refuse the rows that match when.
func (e *engineUnderTest) refuse(t testing.TB, db *gorm.DB, table, when string) {
	t.Helper()
	for _, statement := range strings.SplitAfter(strings.NewReplacer("$table", table, "$when", when).Replace(e.boom), "$$;") {
		require.NoError(t, db.Exec(statement).Error)
	}
}

// open is a caller's own *gorm.DB with the hooks installed by db.Use.
func (e *engineUnderTest) open(t testing.TB) *gorm.DB {
	t.Helper()
	if e.reset == "" {
		return openDSN(t, e.newDSN(t))
	}
	var db *gorm.DB
	select {
	case db = <-e.free:
	default:
		db = openDSN(e.owner, e.newDSN(e.owner))
	}
	t.Cleanup(func() {
		if err := db.Exec(e.reset).Error; err == nil {
			e.free <- db
		}
	})
	return db
}

func openDSN(t testing.TB, dsn string) *gorm.DB {
	t.Helper()
	clock := func() time.Time { return noon }
	cfg := engine.Config{DSN: dsn, Now: clock}
	var h *engine.Handles
	var err error
	if strings.HasPrefix(dsn, "postgres") {
		h, err = postgres.Open(context.Background(), cfg)
	} else {
		schema, readErr := os.ReadFile("../schema.sql")
		require.NoError(t, readErr)
		h, err = sqlite.Open(context.Background(), cfg, string(schema))
	}
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, h.Close()) })
	require.NoError(t, h.Write.Use(hooks.New(hooks.WithClock(clock))))
	return h.Write
}
