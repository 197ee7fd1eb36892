package tier2_test

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/internal/pgtest"
	"github.com/seanchatmangpt/ggen/tier2/tests/contract"
)

// TestContract runs the whole suite on each kind of database, then compares what ran:
// go test . -run TestContract -v ends with the number of cases of each.
func TestContract(t *testing.T) {
	t.Parallel()
	var reports []*contract.Report
	t.Cleanup(func() { contract.Compare(t, reports...) })
	file := func(t testing.TB) string { return filepath.Join(t.TempDir(), "tier2.db") }
	for _, e := range []contract.Engine{
		contract.SQLite("File", file),
		ungrouped(contract.SQLite("FileUngrouped", file)),
		contract.SQLiteMemory("Memory"),
		contract.Postgres("Postgres", pgtest.DSN),
		ungrouped(contract.Postgres("PostgresUngrouped", pgtest.DSN)),
	} {
		e.Pools = tier2.Pools
		t.Run(e.Name, func(t *testing.T) {
			if strings.HasPrefix(e.Name, "Postgres") && os.Getenv(pgtest.Env) == "" {
				t.Skip("no PostgreSQL: set " + pgtest.Env)
			}
			reports = append(reports, contract.Run(t, e))
		})
	}
}

// ungrouped is the engine with group commit off, by which only what the repositories
// insert goes another way. What does not insert by them is as it is with group commit.
func ungrouped(e contract.Engine) contract.Engine {
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
