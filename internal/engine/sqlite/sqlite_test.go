package sqlite

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

func openTest(t *testing.T, cfg backend.Config) *backend.Handles {
	t.Helper()
	cfg.Schema = schemaText(t)
	h, err := Open(context.Background(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, h.Close()) })
	return h
}

func TestPragmasOfEveryConnection(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tier2.db")
	for name, tt := range map[string]struct {
		cfg  backend.Config
		want map[string]string
	}{
		"Default": {backend.Config{DSN: path}, map[string]string{"journal_mode": "wal", "synchronous": "1", "busy_timeout": "10000"}},
		"Full":    {backend.Config{DSN: path, FullSync: true, BusyTimeout: 1500 * time.Millisecond}, map[string]string{"journal_mode": "wal", "synchronous": "2", "busy_timeout": "1500"}},
		"Memory":  {backend.Config{DSN: ":memory:"}, map[string]string{"synchronous": "1", "busy_timeout": "10000"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.cfg.Readers = 5
			h := openTest(t, tt.cfg)
			for handle, pool := range map[*gorm.DB]struct {
				size      int
				queryOnly string
				cache     string // KiB
			}{h.Write: {1, "0", "-65536"}, h.Read: {5, "1", "-16384"}} {
				db, err := handle.DB()
				require.NoError(t, err)
				assert.Equal(t, pool.size, db.Stats().MaxOpenConnections)
				want := map[string]string{"foreign_keys": "1", "temp_store": "2", "cache_size": pool.cache, "query_only": pool.queryOnly, "user_version": "4"}
				for pragma, value := range tt.want {
					want[pragma] = value
				}
				for range pool.size { // held until the end, so that each is a different connection
					conn, err := db.Conn(context.Background())
					require.NoError(t, err)
					defer conn.Close()
					for pragma, value := range want {
						var got string
						require.NoError(t, conn.QueryRowContext(context.Background(), "PRAGMA "+pragma).Scan(&got))
						assert.Equal(t, value, got, pragma)
					}
				}
			}
		})
	}
}

func TestAtLeastFourReaders(t *testing.T) {
	t.Parallel()
	db, err := openTest(t, backend.Config{DSN: ":memory:", Readers: 1}).Read.DB()
	require.NoError(t, err)
	assert.Equal(t, backend.MinReaders, db.Stats().MaxOpenConnections)
}

func TestReadersCannotWrite(t *testing.T) {
	t.Parallel()
	for _, dsn := range []string{":memory:", filepath.Join(t.TempDir(), "tier2.db")} {
		h := openTest(t, backend.Config{DSN: dsn})
		for _, statement := range []string{"DELETE FROM receipts", "CREATE TABLE x (y)"} {
			assert.ErrorIs(t, h.Read.Exec(statement).Error, models.ErrReadOnly, statement)
		}
	}
}

// TestReadersAndWriterDoNotWait: on a file, readers and the writer do not block each other.
func TestReadersAndWriterDoNotWait(t *testing.T) {
	t.Parallel()
	h := openTest(t, backend.Config{DSN: filepath.Join(t.TempDir(), "tier2.db"), BusyTimeout: 50 * time.Millisecond})
	save := func(db *gorm.DB, id string) error {
		return db.Exec("INSERT INTO receipts (execution_id, agent_id, operation, status, timestamp, duration_ms) VALUES (?, 'a', 'watch', 'passed', 't', 1)", id).Error
	}
	count := func(db *gorm.DB) (n int64) {
		require.NoError(t, db.Table("receipts").Count(&n).Error)
		return n
	}
	require.NoError(t, save(h.Write, "one"))
	rows, err := h.Read.Raw("SELECT id FROM receipts").Rows()
	require.NoError(t, err)
	require.True(t, rows.Next())
	require.NoError(t, save(h.Write, "two"), "beside an open cursor")
	require.NoError(t, rows.Close())
	require.NoError(t, h.Write.Transaction(func(tx *gorm.DB) error {
		require.NoError(t, save(tx, "three"))
		assert.EqualValues(t, 2, count(h.Read), "a reader sees what is committed")
		return nil
	}))
	assert.EqualValues(t, 3, count(h.Read))
}

// TestTransactionsAreImmediate: a transaction that reads first queues as a writer from its
// beginning, and its writes do not fail.
func TestTransactionsAreImmediate(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tier2.db")
	one, two := openTest(t, backend.Config{DSN: path}), openTest(t, backend.Config{DSN: path, BusyTimeout: 50 * time.Millisecond})
	require.NoError(t, one.Write.Transaction(func(*gorm.DB) error {
		err := two.Write.Transaction(func(*gorm.DB) error { return nil })
		assert.ErrorIs(t, err, models.ErrBusy)
		return nil
	}))
}

func TestContextEndsAStatement(t *testing.T) {
	t.Parallel()
	h := openTest(t, backend.Config{DSN: ":memory:"})
	const endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
	for _, db := range []*gorm.DB{h.Write, h.Read} {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		var n int64
		assert.ErrorIs(t, db.WithContext(ctx).Raw(endless).Scan(&n).Error, context.DeadlineExceeded)
		cancel()
		assert.NoError(t, db.Raw("SELECT 1").Scan(&n).Error, "the connection is still good")
	}
}

func TestTranslateLeavesTheRest(t *testing.T) {
	t.Parallel()
	assert.NoError(t, translate(nil))
	for _, err := range []error{gorm.ErrRecordNotFound, sql.ErrNoRows, context.Canceled} {
		assert.Equal(t, err, translate(err))
	}
	known := &models.Error{Kind: models.ErrBusy}
	assert.Same(t, known, translate(known))
}

func TestSavepoints(t *testing.T) {
	t.Parallel()
	h := openTest(t, backend.Config{DSN: ":memory:"})
	require.NoError(t, h.Write.Transaction(func(tx *gorm.DB) error {
		require.NoError(t, tx.SavePoint("a").Error)
		require.NoError(t, tx.Exec("INSERT INTO agent_memory (agent_id, memory_json) VALUES ('a', '{}')").Error)
		require.NoError(t, tx.RollbackTo("a").Error)
		var n int64
		require.NoError(t, tx.Table("agent_memory").Count(&n).Error)
		assert.Zero(t, n)
		return nil
	}))
	tx := h.Write.Begin()
	assert.ErrorContains(t, tx.RollbackTo("never").Error, "no such savepoint", "GORM's own would say nil")
	tx.Rollback()
}

// TestForeignURLsKeepTheirPassword: DSNs of other engines are rejected without showing them, and
// no file of that name is created.
func TestForeignURLsKeepTheirPassword(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, dsn := range []string{"POSTGRES://u:hunter2@h/db", "mysql://u:hunter2@h/db", "host=h password=hunter2", "password = hunter2"} {
		_, err := Open(context.Background(), backend.Config{DSN: dsn})
		require.ErrorIs(t, err, models.ErrInvalid)
		assert.NotContains(t, err.Error(), "hunter2")
	}
	left, err := os.ReadDir(".")
	require.NoError(t, err)
	assert.Empty(t, left)
}

// TestOpenRemovesWhatItMade: a failed Open removes the files and folders that it created.
func TestOpenRemovesWhatItMade(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, err := Open(context.Background(), backend.Config{DSN: filepath.Join(dir, "a", "b", "tier2.db"), Schema: "CREATE nonsense"})
	require.Error(t, err)
	assert.NoDirExists(t, filepath.Join(dir, "a"))
}
