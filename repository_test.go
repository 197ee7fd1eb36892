package tier2_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/seanchatmangpt/ggen/tier2/internal/contract"
	"github.com/seanchatmangpt/ggen/tier2/internal/pgtest"
)

// TestContract runs the whole suite on each kind of database, then compares what ran:
// go test . -run TestContract -v ends with the number of cases of each.
func TestContract(t *testing.T) {
	t.Parallel()
	var reports []*contract.Report
	t.Cleanup(func() { contract.Compare(t, reports...) })
	for _, e := range []contract.Engine{
		contract.SQLite("File", func(t testing.TB) string { return filepath.Join(t.TempDir(), "tier2.db") }),
		contract.SQLiteMemory("Memory"),
		contract.Postgres("Postgres", pgtest.DSN),
	} {
		t.Run(e.Name, func(t *testing.T) {
			if e.Name == "Postgres" && os.Getenv(pgtest.Env) == "" {
				t.Skip("no PostgreSQL: set " + pgtest.Env)
			}
			reports = append(reports, contract.Run(t, e))
		})
	}
}
