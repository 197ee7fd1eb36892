package tier2_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/internal/contract"
	"github.com/seanchatmangpt/ggen/tier2/internal/pgtest"
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

// ungrouped is the engine with group commit off.
func ungrouped(e contract.Engine) contract.Engine {
	e.Options = append(e.Options, tier2.WithoutGroupCommit())
	return e
}
