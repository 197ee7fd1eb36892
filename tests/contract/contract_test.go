// Package contract tests what a tier2 store does, as one suite of cases that runs on
// every kind of database and expects the same answers from each.
//
// A case works through the public API and sees the database as callers do. An Engine
// holds the differences between databases: a few statements, and under Lacks the cases
// that a database cannot have, each with the reason. A newly found difference becomes a
// new case.
//
// Features of a single engine are tested elsewhere:
//
//   - SQLite (tests, internal/engine/sqlite): forms of the DSN, folders and
//     permissions, the WAL, databases in memory that are shared by name, the busy
//     timeout of a locked file, read-only files, upgrades of schema 1.0.0, and the text
//     that times have in the file. A server has none of these.
//   - PostgreSQL (tests, internal/engine/postgres): search_path, session
//     settings, the advisory lock of the schema, deadlocks, lost serializations and
//     connections, passwords in DSNs.
package contract

import (
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/internal/pgtest"
)

// TestMain fails if a goroutine is left when all tests have ended. Sessions with GORM's own
// PrepareStmt, which the suite tries and the store does not use, keep one each.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("gorm.io/gorm/internal/lru.NewLRU[...].func1"))
}

// TestContract runs every case on each kind of database, then compares the lists of cases
// that ran: go test ./tests/contract -v ends with the number of cases per engine.
func TestContract(t *testing.T) {
	t.Parallel()
	var reports []*Report
	t.Cleanup(func() { compare(t, reports...) })
	for _, e := range []Engine{
		sqliteEngine("File", newFile),
		ungrouped(sqliteEngine("FileUngrouped", newFile)),
		memoryEngine("Memory"),
		postgresEngine("Postgres"),
		ungrouped(postgresEngine("PostgresUngrouped")),
	} {
		t.Run(e.Name, func(t *testing.T) {
			if strings.HasPrefix(e.Name, "Postgres") && pgtest.Server() == "" {
				t.Skip("no PostgreSQL: set " + pgtest.Env)
			}
			if os.Getenv(missingEnv) != "" {
				e.Options = append(slices.Clip(e.Options), tier2.WithExisting())
			}
			reports = append(reports, runAll(t, e))
		})
	}
}

// Engine is a kind of database that the suite runs on.
type Engine struct {
	Name string
	// DSN creates an empty database and returns its DSN; the database may be removed when
	// the test ends.
	DSN func(testing.TB) string
	// Options are for every store of the suite.
	Options []tier2.Option
	SQL     SQL
	// Lacks maps each case that the engine cannot have, together with the cases below it, to
	// the reason. Names are paths below the engine, such as "Hooks/Processes".
	Lacks map[string]string
}

// SQL holds the statements that the suite runs directly, in the engine's dialect.
type SQL struct {
	// Refuse makes $table reject new rows that match $when, with the message "boom".
	Refuse []string
	// Allow undoes Refuse.
	Allow []string
	// Saves returns the sum of the saves that agent_memory counts, over all agents.
	Saves string
	// CheckOff turns CHECK constraints off, CheckOn turns them on.
	CheckOff, CheckOn string
	// AppendOnlyOff allows changes to audit_log, AppendOnlyOn rejects them again.
	AppendOnlyOff, AppendOnlyOn string
	// Reset empties a database and restarts its ids at 1, so that cases can reuse it; a new
	// database is slow to create. Without Reset every case gets a new database.
	Reset string
	// NextIDs makes new ids follow the existing ids, if copied rows do not do so.
	NextIDs string
}

// cases holds the cases of a subject by name. Each is a separate function that nothing else
// calls, so lint reports a case that is missing here as unused code.
type cases map[string]func(*T)

// groups holds all cases, by subject.
var groups = map[string]cases{
	"Audit":       auditCases,
	"Cancelled":   cancelledCases,
	"Closing":     closingCases,
	"Clock":       clockCases,
	"Collisions":  collisionCases,
	"Commit":      commitCases,
	"Concurrency": concurrencyCases,
	"Drift":       driftCases,
	"Executions":  executionCases,
	"Figures":     figureCases,
	"GgenLog":     ggenLogCases,
	"History":     historyCases,
	"Hooks":       hookCases,
	"Plugins":     pluginCases,
	"Types":       typeCases,
	"Import":      importCases,
	"Ledger":      ledgerCases,
	"Memory":      memoryCases,
	"Metrics":     metricCases,
	"Panics":      panicCases,
	"Receipts":    receiptCases,
	"Refusals":    refusalCases,
	"Reports":     reportCases,
	"Same":        sameCases,
	"Secrets":     secretCases,
	"Sessions":    sessionCases,
	"States":      stateCases,
	"Texts":       textCases,
	"Violations":  violationCases,
	"Writer":      writerCases,
}

// runAll runs every case on e, as subtests of t, and returns what ran. The report is
// complete when t and its subtests have ended.
func runAll(t *testing.T, e Engine) *Report {
	s := &suite{engine: e, owner: t, report: &Report{Engine: e, ran: map[string]bool{}, lacking: map[string]bool{}}}
	if dsn := os.Getenv(saverEnv); dsn != "" { // this process is a child of hooksProcesses
		save(t, e, dsn)
		return s.report
	}
	root := &T{T: t, suite: s}
	for _, group := range slices.Sorted(maps.Keys(groups)) {
		root.Run(group, func(t *T) {
			t.Parallel()
			for _, name := range slices.Sorted(maps.Keys(groups[group])) {
				t.Run(name, func(t *T) {
					t.Parallel()
					groups[group][name](t)
				})
			}
		})
	}
	return s.report
}

// suite is one run of all cases on one engine.
type suite struct {
	engine Engine
	owner  *testing.T // outlives the cases, so it owns the databases that they borrow
	report *Report
	mu     sync.Mutex
	free   []*database
}

// T is the test of a case.
type T struct {
	*testing.T
	*suite
	path string // below the engine's name
}

// Run runs a part of the case as a subtest, unless the engine lacks it.
func (t *T) Run(name string, f func(*T)) bool {
	path := strings.TrimPrefix(t.path+"/"+name, "/")
	if _, lacks := t.engine.Lacks[path]; lacks {
		t.report.lacks(path)
		return true
	}
	return t.T.Run(name, func(child *testing.T) {
		t.report.runs(path)
		f(&T{T: child, suite: t.suite, path: path})
	})
}
