package tier2_test

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/internal/pgtest"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// TestKilledConnections: while 8 writers save, the server ends their connections, one or
// all of them (which is what a restart looks like from here). Whatever was acknowledged
// is there with its audit entry and counted once; what failed is there whole or not at
// all; and the store works on. TIER2_KILL_SAVES sets how many saves each writer makes.
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
	for range work { // each kill waits until the connections have gone, or the next call may meet one that is going
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

// TestLostCommit: if the connection breaks during COMMIT, the error says that the
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
