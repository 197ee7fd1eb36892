package audit

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	pgengine "github.com/seanchatmangpt/ggen/tier2/internal/engine/postgres"
	liteengine "github.com/seanchatmangpt/ggen/tier2/internal/engine/sqlite"
	"github.com/seanchatmangpt/ggen/tier2/internal/pgtest"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// each runs a test with a Writer on each engine.
func each(t *testing.T, log logger.Interface, test func(t *testing.T, db *gorm.DB, w *Log)) {
	schema, err := os.ReadFile("../../schema.sql")
	require.NoError(t, err)
	cfg := backend.Config{Logger: log, Readers: 8, Schema: string(schema)}
	cfg.Fill()
	for name, open := range map[string]func(t *testing.T) (*backend.Handles, error){
		"SQLite": func(t *testing.T) (*backend.Handles, error) {
			cfg := cfg
			cfg.DSN = filepath.Join(t.TempDir(), "tier2.db")
			return liteengine.Open(t.Context(), cfg)
		},
		"Postgres": func(t *testing.T) (*backend.Handles, error) {
			cfg := cfg
			cfg.DSN = pgtest.DSN(t)
			return pgengine.Open(t.Context(), cfg)
		},
	} {
		t.Run(name, func(t *testing.T) {
			handles, err := open(t)
			require.NoError(t, err)
			t.Cleanup(func() { assert.NoError(t, handles.Close()) })
			w, err := Install(handles.Write, Config{Writers: 1, BusyTimeout: cfg.BusyTimeout})
			require.NoError(t, err)
			test(t, handles.Write, w)
		})
	}
}

func newReceipt(id, agent string) *models.Receipt {
	return &models.Receipt{ExecutionID: id, AgentID: agent, Operation: models.OperationWatch, Status: models.ReceiptPassed}
}

// share has one transaction run for receipts, of the agents by whose names they go, as
// if their callers had come at the same time. What is left to a caller the result does.
func share(t *testing.T, w *Log, agents ...string) map[string]func() error {
	t.Helper()
	var saves []*Save
	for _, agent := range agents {
		s, err := w.NewSave(t.Context(), []models.Model{newReceipt(agent, agent)})
		require.NoError(t, err)
		saves = append(saves, s)
	}
	w.group.queue = saves
	over := make(chan struct{})
	go func() {
		defer close(over)
		w.lead(saves[0])
	}()
	<-over
	outcomes := map[string]func() error{}
	for i, s := range saves {
		assert.True(t, s.isDone())
		outcomes[agents[i]] = func() error {
			if s.alone {
				return w.saveAlone(s)
			}
			return s.err
		}
	}
	return outcomes
}

func stored(t *testing.T, db *gorm.DB) (ids []string) {
	t.Helper()
	require.NoError(t, db.Raw("SELECT execution_id FROM receipts ORDER BY execution_id").Scan(&ids).Error)
	return ids
}

// TestLockedMemory: while another transaction holds the memory of an agent, those who
// share a transaction with that agent's saves need not wait until these are busy.
func TestLockedMemory(t *testing.T) {
	t.Parallel()
	each(t, nil, func(t *testing.T, db *gorm.DB, w *Log) {
		if db.Name() == "sqlite" {
			t.Skip("one writer at a time: there is no lock to wait for inside a transaction")
		}
		require.NoError(t, w.Create(t.Context(), db, newReceipt("first", "locked")))
		holder := db.Begin()
		require.NoError(t, holder.Exec("UPDATE agent_memory SET retry_count = 7").Error)
		release := sync.OnceFunc(func() { assert.NoError(t, holder.Commit().Error) })
		defer release()

		outcomes := share(t, w, "locked", "a", "b", "c")
		blocked := make(chan error)
		go func() { blocked <- outcomes["locked"]() }()
		for _, free := range []string{"a", "b", "c"} {
			assert.NoError(t, outcomes[free]())
		}
		release()
		assert.NoError(t, <-blocked, "it has not waited for its busy timeout yet")
		assert.Equal(t, []string{"a", "b", "c", "first", "locked"}, stored(t, db))
	})
}

// TestCommitRefused: of those who share a transaction, the one whose row makes COMMIT
// fail is refused alone.
func TestCommitRefused(t *testing.T) {
	t.Parallel()
	refuse := map[string][]string{
		"sqlite": {
			"CREATE TABLE good (agent TEXT PRIMARY KEY)", "INSERT INTO good VALUES ('a'), ('c'), ('d')",
			"CREATE TABLE checked (agent TEXT REFERENCES good(agent) DEFERRABLE INITIALLY DEFERRED)",
			"CREATE TRIGGER look AFTER INSERT ON receipts BEGIN INSERT INTO checked VALUES (NEW.agent_id); END",
		},
		"postgres": {
			`CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'bad' USING ERRCODE = '23503'; END $$`,
			`CREATE CONSTRAINT TRIGGER look AFTER INSERT ON receipts DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
				WHEN (NEW.agent_id = 'b') EXECUTE FUNCTION look()`,
		},
	}
	each(t, nil, func(t *testing.T, db *gorm.DB, w *Log) {
		for _, statement := range refuse[db.Name()] {
			require.NoError(t, db.Exec(statement).Error)
		}
		for agent, outcome := range share(t, w, "a", "b", "c") {
			if err := outcome(); agent == "b" {
				assert.ErrorIs(t, err, models.ErrForeignKey)
			} else {
				assert.NoError(t, err, agent)
			}
		}
		assert.ErrorIs(t, w.Create(t.Context(), db, newReceipt("b", "b")), models.ErrForeignKey)
		assert.NoError(t, w.Create(t.Context(), db, newReceipt("d", "d")), "no transaction is left open")
		assert.Equal(t, []string{"a", "c", "d"}, stored(t, db))
	})
}

// spoilsport is a logger that does not return from the statements it is told to spoil.
type spoilsport struct {
	logger.Interface
	left *atomic.Int64 // statements until then
	how  func()
}

func (l *spoilsport) Trace(context.Context, time.Time, func() (string, int64), error) {
	if l.left.Add(-1) == 0 {
		l.how()
	}
}

func (l *spoilsport) LogMode(logger.LogLevel) logger.Interface { return l }

// TestGoroutineEnds: if a logger panics, or ends the goroutine, no save is acknowledged
// that was not committed, and others can save.
func TestGoroutineEnds(t *testing.T) {
	t.Parallel()
	for name, how := range map[string]func(){"Panic": func() { panic("logger") }, "Goexit": runtime.Goexit} {
		for after := int64(1); after <= 3; after++ { // statements of one save
			t.Run(fmt.Sprint(name, after), func(t *testing.T) {
				t.Parallel()
				log := &spoilsport{logger.Discard, &atomic.Int64{}, how}
				each(t, log, func(t *testing.T, db *gorm.DB, w *Log) {
					log.left.Store(after)
					acknowledged := []string(nil)
					outcomes := share(t, w, "a", "b")
					log.left.Store(0)
					for _, agent := range []string{"a", "b"} {
						if outcomes[agent]() == nil {
							acknowledged = append(acknowledged, agent)
						}
					}
					assert.Equal(t, acknowledged, stored(t, db))
					log.left.Store(after)
					over := make(chan struct{})
					go func() {
						defer close(over)
						assert.Error(t, w.Create(t.Context(), db, newReceipt("c", "c")))
					}()
					<-over
					log.left.Store(0)
					assert.NoError(t, w.Create(t.Context(), db, newReceipt("c", "c")))
				})
			})
		}
	}
}
