package contract_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/tier2test"
	"github.com/seanchatmangpt/ggen/tier2/tier2test/contract"
)

// childEnv has this process be a user's: its test of that database runs the suite.
const childEnv = "TIER2_CONTRACT_CHILD"

func newFile(t testing.TB) string { return filepath.Join(t.TempDir(), "tier2.db") }

var databases = map[string]func(testing.TB) string{
	"file":     newFile,
	"memory":   func(testing.TB) string { return ":memory:" },
	"postgres": tier2test.PostgresDSN,
}

// TestUsers is what users write, for each kind of database.
func TestUsers(t *testing.T) {
	name := os.Getenv(childEnv)
	switch name {
	case "":
		t.Skip("is run by TestRun")
	case "broken": // no case gets a database
		contract.Run(t, newFile, tier2.WithExisting())
	default:
		contract.Run(t, databases[name], tier2.WithReaders(4))
	}
}

// TestRun: a part of the suite runs on every kind of database, as subtests of the user's
// test. All of it runs in package tier2.
func TestRun(t *testing.T) {
	t.Parallel()
	for name := range databases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if name == "postgres" {
				tier2test.PostgresDSN(t)
			}
			out, err := run(name, "^TestUsers$/^(Metrics|Hooks)$/^(StageOrder|Processes)$")
			require.NoError(t, err, out)
			assert.Contains(t, out, "--- PASS: TestUsers/Metrics/StageOrder ")
			processes := strings.Contains(out, "--- PASS: TestUsers/Hooks/Processes ")
			assert.Equal(t, name != "memory", processes, "a database in memory belongs to one process")
		})
	}
}

// TestRunFails: what is wrong with a database or option fails the user's test.
func TestRunFails(t *testing.T) {
	t.Parallel()
	out, err := run("broken", "^TestUsers$/^Metrics$/^StageOrder$")
	require.Error(t, err)
	assert.Contains(t, out, "--- FAIL: TestUsers/Metrics/StageOrder ")
	assert.Contains(t, out, "the file does not exist")
	assert.NotContains(t, out, "panic")
}

// run is a user's go test -run pattern -v.
func run(database, pattern string) (string, error) {
	cmd := exec.Command(os.Args[0], "-test.run="+pattern, "-test.v")
	cmd.Env = append(os.Environ(), childEnv+"="+database, "TIER2_SAVES=1")
	out, err := cmd.CombinedOutput()
	return string(out), err
}
