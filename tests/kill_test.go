package tests

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/internal/pgtest"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
	"github.com/seanchatmangpt/ggen/tier2/tests/workload"
)

// Parameters of a child of TestKilledProcesses.
const (
	killDSNEnv     = "TIER2_TEST_KILL_DSN"
	killJournalEnv = "TIER2_TEST_KILL_JOURNALS"
	killLifeEnv    = "TIER2_TEST_KILL_LIFE"
)

// TestKilledProcesses kills 4 processes (SIGKILL) at random moments while they write one
// database, round after round on the same database. After each round the database verifies,
// every acknowledged step is stored with its audit entries and counted once, and every other
// step is stored completely or not at all. TIER2_KILL_ROUNDS sets the number of rounds.
func TestKilledProcesses(t *testing.T) {
	if dsn := os.Getenv(killDSNEnv); dsn != "" {
		writeUntilKilled(t, dsn)
		return
	}
	t.Parallel()
	for name, tt := range map[string]struct {
		dsn    func(testing.TB) string
		settle func(*testing.T, string) // waits until no process writes any more
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
				rounds, kills, result.Acknowledged, result.Killed, result.Stored, result.Rows, result.Entries)
		})
	}
}

// killRound starts 4 processes and kills each at a random moment. It returns how many were
// killed.
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
			// The moment may be any after the first step.
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

// writeUntilKilled is the work of a child.
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

// namedPostgres returns a pgtest.DSN with an application name by which endBackends finds
// the connections.
func namedPostgres(t testing.TB) string {
	dsn, err := url.Parse(pgtest.DSN(t))
	require.NoError(t, err)
	query := dsn.Query()
	query.Set("application_name", "kill_"+models.NewID())
	dsn.RawQuery = query.Encode()
	return dsn.String()
}

// endBackends ends the server's work for killed clients, since the server notices their
// death only when it sends to them.
func endBackends(t *testing.T, dsn string) {
	u, err := url.Parse(dsn)
	require.NoError(t, err)
	conn, err := pgx.Connect(t.Context(), os.Getenv(pgtest.Env))
	require.NoError(t, err)
	defer conn.Close(t.Context())
	_, err = conn.Exec(t.Context(), "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = $1", u.Query().Get("application_name"))
	require.NoError(t, err)
}

// TestKilledConnections ends the connections of 8 writers on the server, one of them or all
// (as a restart does). Every acknowledged save is stored with its audit entry and counted
// once, a failed save is stored completely or not at all, and the store keeps working.
// TIER2_KILL_SAVES sets the number of saves per writer.
func TestKilledConnections(t *testing.T) {
	t.Parallel()
	const writers, savesPerKill = 8, 12
	saves := 50
	if s := os.Getenv("TIER2_KILL_SAVES"); s != "" {
		var err error
		saves, err = strconv.Atoi(s)
		require.NoError(t, err)
	}
	ctx := t.Context()
	application := "kill_" + models.NewID()
	dsn, err := url.Parse(pgtest.DSN(t))
	require.NoError(t, err)
	query := dsn.Query()
	query.Set("application_name", application)
	dsn.RawQuery = query.Encode()
	store, err := tier2.Open(ctx, dsn.String(), tier2.WithReaders(writers))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, store.Close()) })
	killer, err := pgx.Connect(ctx, os.Getenv(pgtest.Env))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, killer.Close(ctx)) })

	var done atomic.Int64
	work := make(chan struct{}, writers*saves)
	var acknowledged, failed, killed int64
	var mu sync.Mutex
	outcome := map[string]error{}
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := range saves {
				id := fmt.Sprintf("%d-%d", w, i)
				r := newReceipt(id)
				r.AgentID = fmt.Sprint("agent-", w%3)
				r.Metrics = []models.PipelineMetric{{Stage: models.StageEmit, Status: models.StagePassed, DurationMS: 1}}
				err := store.Receipts.Create(ctx, r)
				mu.Lock()
				outcome[id] = err
				mu.Unlock()
				if done.Add(1)%savesPerKill == 0 {
					work <- struct{}{}
				}
			}
		})
	}
	go func() { all.Wait(); close(work) }()
	for range work { // each kill waits until the connections have ended, or the next call may get one that is ending
		limit := 1
		if rand.IntN(4) == 0 {
			limit = 1000
		}
		tag, err := killer.Exec(ctx, `SELECT pg_terminate_backend(pid, 10000) FROM (SELECT pid FROM pg_stat_activity
			WHERE application_name = $1 ORDER BY state = 'idle', random() LIMIT $2) own`, application, limit)
		require.NoError(t, err)
		killed += tag.RowsAffected()
	}

	require.NoError(t, store.Receipts.Create(ctx, newReceipt("after")), "the next call works")
	stored := map[string]int{}
	for r, err := range store.Receipts.All(ctx, repository.ReceiptFilter{}) {
		require.NoError(t, err)
		stored[r.ExecutionID]++
	}
	audited := map[string]int{}
	for e, err := range store.Audit.All(ctx, repository.AuditFilter{Status: models.AuditCompleted}) {
		require.NoError(t, err)
		var doc struct {
			ExecutionID string `json:"execution_id"`
		}
		require.NoError(t, e.ContextJSON.Decode(&doc))
		audited[e.Operation+" "+doc.ExecutionID]++
	}
	outcome["after"] = nil
	rows := int64(0)
	for id, err := range outcome {
		n := stored[id]
		if err == nil {
			acknowledged++
			assert.Equal(t, 1, n, "acknowledged: %s", id)
		} else {
			failed++
			assert.ErrorIs(t, err, models.ErrUnavailable)
			if n != 0 {
				assert.ErrorContains(t, err, "may have been committed")
			}
		}
		rows += int64(n)
		assert.Equal(t, n, audited["receipts.create "+id], id)
		if id != "after" {
			assert.Equal(t, n, audited["pipeline_metrics.create "+id], id)
			rows += int64(n)
		}
	}
	assert.Equal(t, int64(len(outcome)), acknowledged+failed)
	saved := activity(t, store, "coder").Saves
	for a := range 3 {
		saved += activity(t, store, fmt.Sprint("agent-", a)).Saves
	}
	assert.Equal(t, rows, saved, "saves counted in the memories")
	assert.Positive(t, killed)
	t.Logf("%d connections killed under %d saves: %d acknowledged, %d failed, of these %d stored", killed, len(outcome), acknowledged, failed, int64(len(stored))-acknowledged)
}

// TestLostCommit: if the connection breaks during COMMIT, the error reports that the
// transaction may have been committed.
func TestLostCommit(t *testing.T) {
	t.Parallel()
	store := openPostgres(t)
	ctx := t.Context()
	for _, statement := range []string{
		`CREATE FUNCTION kill() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$`,
		`CREATE CONSTRAINT TRIGGER kill AFTER INSERT ON receipts DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION kill()`,
	} {
		require.NoError(t, store.DB().WithContext(ctx).Exec(statement).Error)
	}
	for name, save := range map[string]func(r *models.Receipt) error{
		"Create": func(r *models.Receipt) error { return store.Receipts.Create(ctx, r) },
		"DB":     func(r *models.Receipt) error { return store.DB().WithContext(ctx).Create(r).Error },
		"Upsert": func(r *models.Receipt) error { return store.Receipts.Upsert(ctx, r) },
		"Explicit": func(r *models.Receipt) error {
			return store.Transaction(ctx, func(tx *tier2.Store) error { return tx.Receipts.Create(ctx, r) })
		},
	} {
		err := save(newReceipt(name))
		require.ErrorIs(t, err, models.ErrUnavailable, name)
		assert.ErrorContains(t, err, "may have been committed", name)
		assert.NotContains(t, err.Error(), "rolled back", name)
	}
	assert.Zero(t, counts(t, store)["receipts"], "here it was not, and the store works on")
}
