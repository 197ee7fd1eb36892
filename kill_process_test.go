package tier2_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/internal/pgtest"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/tests/workload"
)

// What a child of TestKilledProcesses is told.
const (
	killDSNEnv     = "TIER2_TEST_KILL_DSN"
	killJournalEnv = "TIER2_TEST_KILL_JOURNALS"
	killLifeEnv    = "TIER2_TEST_KILL_LIFE"
)

// TestKilledProcesses: 4 processes write one database and are killed (SIGKILL) at any
// moment, round after round; the next round goes on with what they left. After each the
// database is whole, every acknowledged step is there with its audit entries and counted
// once, and every other one is there whole or not at all. TIER2_KILL_ROUNDS sets how
// many rounds there are.
func TestKilledProcesses(t *testing.T) {
	if dsn := os.Getenv(killDSNEnv); dsn != "" {
		writeUntilKilled(t, dsn)
		return
	}
	t.Parallel()
	for name, tt := range map[string]struct {
		dsn    func(testing.TB) string
		settle func(*testing.T, string) // waits until nobody writes any more
	}{
		"SQLite":   {dsn: func(t testing.TB) string { return filepath.Join(t.TempDir(), "tier2.db") }, settle: func(*testing.T, string) {}},
		"Postgres": {dsn: namedPostgres, settle: endBackends},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn, journals := tt.dsn(t), t.TempDir()
			require.NoError(t, workload.Start(t.Context(), dsn))
			var result *workload.Result
			var err error
			rounds, kills := times(t, "TIER2_KILL_ROUNDS", 3), 0
			for round := range rounds {
				kills += killRound(t, dsn, journals, round)
				tt.settle(t, dsn)
				result, err = workload.Check(t.Context(), dsn, journals)
				require.NoError(t, err)
				require.Empty(t, result.Findings, "round %d", round)
				require.Empty(t, result.Errors, "nothing was refused")
			}
			verifyWhole(t, dsn)
			assert.Positive(t, result.Acknowledged)
			t.Logf("%d rounds, %d processes killed: %d steps acknowledged, %d not, of these %d found whole; %d rows, %d audit entries",
				rounds, kills, result.Acknowledged, result.Killed, result.Kept, result.Rows, result.Entries)
		})
	}
}

// killRound starts 4 processes and kills each at a moment of its own. It returns how
// many were killed.
func killRound(t *testing.T, dsn, journals string, round int) int {
	const processes = 4
	var all sync.WaitGroup
	for p := range processes {
		life := fmt.Sprintf("r%dp%d", round, p)
		child := exec.Command(os.Args[0], "-test.run=^TestKilledProcesses$")
		child.Env = append(os.Environ(), killDSNEnv+"="+dsn, killJournalEnv+"="+journals, killLifeEnv+"="+life)
		var output bytes.Buffer
		child.Stdout, child.Stderr = &output, &output
		require.NoError(t, child.Start())
		ended := make(chan struct{})
		go func() { _ = child.Wait(); close(ended) }()
		all.Go(func() {
			// From its first step on, any moment is right.
			for journal := filepath.Join(journals, life+".journal"); ; {
				if info, err := os.Stat(journal); err == nil && info.Size() > 0 {
					break
				}
				select {
				case <-ended:
					t.Errorf("%s ended by itself: %s", life, &output)
					return
				case <-time.After(time.Millisecond):
				}
			}
			select {
			case <-ended:
				t.Errorf("%s ended by itself: %s", life, &output)
			case <-time.After(rand.N(300 * time.Millisecond)):
				assert.NoError(t, child.Process.Kill())
				<-ended
			}
		})
	}
	all.Wait()
	return processes
}

// writeUntilKilled is what a child does.
func writeUntilKilled(t *testing.T, dsn string) {
	life := os.Getenv(killLifeEnv)
	journal, err := workload.OpenJournal(os.Getenv(killJournalEnv), life)
	require.NoError(t, err)
	w := &workload.Worker{
		Open: func(ctx context.Context) (*tier2.Store, error) { return tier2.Open(ctx, dsn, tier2.WithExisting()) },
		Life: life, Journal: journal, Rand: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())),
	}
	require.NoError(t, w.Run(t.Context()))
}

// namedPostgres is pgtest.DSN with a name by which endBackends finds the connections.
func namedPostgres(t testing.TB) string {
	dsn, err := url.Parse(pgtest.DSN(t))
	require.NoError(t, err)
	query := dsn.Query()
	query.Set("application_name", "kill_"+models.NewID())
	dsn.RawQuery = query.Encode()
	return dsn.String()
}

// endBackends ends what the server still does for clients that are gone: it finds that
// out only when it talks to them.
func endBackends(t *testing.T, dsn string) {
	u, err := url.Parse(dsn)
	require.NoError(t, err)
	conn, err := pgx.Connect(t.Context(), os.Getenv(pgtest.Env))
	require.NoError(t, err)
	defer conn.Close(t.Context())
	_, err = conn.Exec(t.Context(), "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = $1", u.Query().Get("application_name"))
	require.NoError(t, err)
}
