package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	"github.com/seanchatmangpt/ggen/tier2/internal/pgtest"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

const insert = "INSERT INTO receipts (execution_id, agent_id, operation, status, timestamp, duration_ms, receipt_json) VALUES (?, 'a', ?, 'passed', now(), ?, ?)"

func TestErrors(t *testing.T) {
	db := openTest(t, backend.Config{DSN: pgtest.DSN(t)}).Write
	require.NoError(t, db.Exec(insert, "e", "watch", 1, `{ "a" : 1 }`).Error)
	const metric = "INSERT INTO pipeline_metrics (execution_id, stage, duration_ms, status, timestamp) VALUES (?, 'μ₃_emit', 1, 'passed', now())"
	require.NoError(t, db.Exec(metric, "e").Error)
	var operations []string
	for _, o := range models.Operations() {
		operations = append(operations, string(o))
	}
	args := func(a ...any) []any { return a }
	for name, tt := range map[string]struct {
		statement string
		args      []any
		want      models.Error
		gorm      error
		code      string
	}{
		"Unique": {insert, args("e", "watch", 1, nil), models.Error{Table: "receipts", Column: "execution_id", Value: "e", Constraint: "idx_receipts_execution_id", Kind: models.ErrDuplicate}, gorm.ErrDuplicatedKey, "23505"},
		"Child":  {metric, args("none"), models.Error{Table: "pipeline_metrics", Column: "execution_id", Value: "none", Constraint: "fk_receipts_metrics", Kind: models.ErrForeignKey}, gorm.ErrForeignKeyViolated, "23503"},
		"Parent": {"DELETE FROM receipts", nil, models.Error{Table: "receipts", Column: "execution_id", Value: "e", Constraint: "fk_receipts_metrics", Kind: models.ErrForeignKey}, gorm.ErrForeignKeyViolated, "23503"},
		"Enum":   {insert, args("f", "fly", 1, nil), models.Error{Table: "receipts", Column: "operation", Constraint: "chk_receipts_operation", Allowed: operations, Kind: models.ErrInvalid}, gorm.ErrCheckConstraintViolated, "23514"},
		"Count":  {insert, args("f", "watch", -1, nil), models.Error{Table: "receipts", Column: "duration_ms", Constraint: "chk_receipts_duration_ms", Kind: models.ErrInvalid}, gorm.ErrCheckConstraintViolated, "23514"},
		"JSON":   {insert, args("f", "watch", 1, "{"), models.Error{Table: "receipts", Column: "receipt_json", Constraint: "chk_receipts_receipt_json", Kind: models.ErrInvalid}, gorm.ErrCheckConstraintViolated, "23514"},
		"JSONB":  {"INSERT INTO agent_memory (agent_id, memory_json) VALUES ('a', ?)", args("{"), models.Error{Kind: models.ErrInvalid}, nil, "22P02"},
		"Null":   {insert, args(nil, "watch", 1, nil), models.Error{Table: "receipts", Column: "execution_id", Kind: models.ErrInvalid}, nil, "23502"},
		"NUL":    {insert, args("a\x00b", "watch", 1, nil), models.Error{Kind: models.ErrInvalid}, nil, "22021"},
		"Range":  {"UPDATE receipts SET duration_ms = duration_ms + 9223372036854775807", nil, models.Error{Kind: models.ErrInvalid}, nil, "22003"},
		"Cancel": {"SELECT pg_cancel_backend(pg_backend_pid()), pg_sleep(10)", nil, models.Error{Kind: models.ErrBusy}, nil, "57014"},
		"Syntax": {"SELEC", nil, models.Error{}, nil, "42601"},
	} {
		t.Run(name, func(t *testing.T) {
			err := db.Exec(tt.statement, tt.args...).Error
			var server *pgconn.PgError
			require.ErrorAs(t, err, &server)
			assert.Equal(t, tt.code, server.Code)
			if tt.want.Kind == nil {
				return // unknown errors stay unchanged
			}
			var e *models.Error
			require.ErrorAs(t, err, &e)
			got := *e
			got.Reason, got.Err = "", nil
			assert.Equal(t, tt.want, got)
			if tt.gorm != nil {
				assert.ErrorIs(t, err, tt.gorm)
			}
		})
	}
	assert.Equal(t, []string{`{ "a" : 1 }`}, texts(t, db, "SELECT receipt_json FROM receipts"), "byte for byte")
}

func TestLocksAndDeadlocks(t *testing.T) {
	h := openTest(t, backend.Config{DSN: pgtest.DSN(t), BusyTimeout: 50 * time.Millisecond})
	require.NoError(t, h.Write.Exec(insert, "e", "watch", 1, nil).Error)
	require.NoError(t, h.Write.Transaction(func(tx *gorm.DB) error {
		require.NoError(t, tx.Exec("UPDATE receipts SET duration_ms = 2").Error)
		assert.ErrorIs(t, h.Write.Exec("UPDATE receipts SET duration_ms = 3").Error, models.ErrBusy)
		return nil
	}))
	serializable := &sql.TxOptions{Isolation: sql.LevelRepeatableRead}
	err := h.Write.Transaction(func(tx *gorm.DB) error {
		texts(t, tx, "SELECT execution_id FROM receipts")
		require.NoError(t, h.Write.Exec("UPDATE receipts SET duration_ms = 4").Error)
		return tx.Exec("UPDATE receipts SET duration_ms = 5").Error
	}, serializable)
	assert.ErrorIs(t, err, models.ErrRetry)
	for code, kind := range map[string]error{"40P01": models.ErrRetry, "53100": models.ErrFull, "58030": models.ErrIO, "XX001": models.ErrCorrupt} {
		assert.ErrorIs(t, translate(&pgconn.PgError{Code: code}), kind, code)
	}
}

func TestClosedLostAndSavepoints(t *testing.T) {
	dsn := pgtest.DSN(t)
	h, err := Open(context.Background(), backend.Config{DSN: dsn})
	require.NoError(t, err)
	err = h.Write.Transaction(func(tx *gorm.DB) error {
		var pid int
		require.NoError(t, tx.Raw("SELECT pg_backend_pid()").Scan(&pid).Error)
		require.NoError(t, h.Read.Exec("SELECT pg_terminate_backend(?, 5000)", pid).Error)
		return tx.Exec("SELECT 1").Error
	})
	require.ErrorIs(t, err, models.ErrUnavailable)
	assert.ErrorContains(t, err, "rolled back")
	assert.NoError(t, h.Write.Exec("SELECT 1").Error, "the next call works")
	require.NoError(t, h.Write.Transaction(func(tx *gorm.DB) error {
		require.NoError(t, tx.SavePoint("a").Error)
		assert.Error(t, tx.Exec("SELECT nonsense").Error)
		assert.ErrorContains(t, tx.Exec("SELECT 1").Error, "an earlier statement")
		return tx.RollbackTo("a").Error
	}))
	require.NoError(t, h.Close())
	assert.ErrorIs(t, h.Write.Exec("SELECT 1").Error, models.ErrClosed)
	assert.ErrorIs(t, h.Read.Exec("SELECT 1").Error, models.ErrClosed)

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = Open(ctx, backend.Config{DSN: dsn})
	assert.ErrorIs(t, err, context.Canceled)
}

// TestUnavailable: errors of lost connections, and whether the outcome is known.
func TestUnavailable(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	h := openTest(t, backend.Config{DSN: dsn})
	kill := func(pids ...int) {
		t.Helper()
		for _, pid := range pids {
			require.NoError(t, h.Read.Exec("SELECT pg_terminate_backend(?, 5000)", pid).Error)
		}
	}
	pid := func(db *gorm.DB) (n int) {
		t.Helper()
		require.NoError(t, db.Raw("SELECT pg_backend_pid()").Scan(&n).Error)
		return n
	}
	t.Run("Idle", func(t *testing.T) { // more connections than database/sql retries
		var pids []int
		var begun []*gorm.DB
		for range backend.MinReaders {
			tx := h.Write.Begin()
			require.NoError(t, tx.Error)
			begun, pids = append(begun, tx), append(pids, pid(tx))
		}
		for _, tx := range begun {
			require.NoError(t, tx.Commit().Error)
		}
		kill(pids...)
		assert.NoError(t, h.Write.Transaction(func(tx *gorm.DB) error { return tx.Exec("SELECT 1").Error }))
	})
	t.Run("BeforeCommit", func(t *testing.T) { // the reply to COMMIT is lost
		tx := h.Write.Begin()
		require.NoError(t, tx.Exec(insert, "lost", "watch", 1, nil).Error)
		kill(pid(tx))
		err := tx.Commit().Error
		require.ErrorIs(t, err, models.ErrUnavailable)
		assert.ErrorContains(t, err, "may have been committed")
		tx = h.Write.Begin()
		kill(pid(tx))
		assert.NoError(t, tx.Rollback().Error, "the server has rolled back")
		assert.Empty(t, texts(t, h.Write, "SELECT execution_id FROM receipts"))
	})
	t.Run("Unreachable", func(t *testing.T) {
		_, err := Open(t.Context(), backend.Config{DSN: "postgres://u:hunter2@127.0.0.1:1/db"})
		require.ErrorIs(t, err, models.ErrUnavailable)
		assert.NotContains(t, err.Error(), "hunter2")
	})
	t.Run("NoConnectionLeft", func(t *testing.T) {
		role := "tier2_" + strings.ReplaceAll(models.NewID(), "-", "")
		require.NoError(t, h.Write.Exec("CREATE ROLE "+role+" LOGIN CONNECTION LIMIT 0 PASSWORD 'x'").Error)
		t.Cleanup(func() { assert.NoError(t, h.Write.Exec("DROP ROLE "+role).Error) })
		u, err := url.Parse(dsn)
		require.NoError(t, err)
		u.User = url.UserPassword(role, "x")
		_, err = Open(t.Context(), backend.Config{DSN: u.String()})
		assert.ErrorIs(t, err, models.ErrUnavailable)
	})
	for _, code := range []string{"57P01", "57P02", "57P03", "08006", "08P01"} {
		assert.ErrorIs(t, translate(&pgconn.PgError{Code: code}), models.ErrUnavailable, code)
	}
}

// TestNoErrorShowsThePassword: neither the text of an error nor the errors that it wraps.
func TestNoErrorShowsThePassword(t *testing.T) {
	t.Parallel()
	for _, dsn := range []string{
		"postgres://u:hunter2@127.0.0.1:1/db",
		"postgresql://u:hunter2@127.0.0.1:1/db?connect_timeout=1",
		"postgres://127.0.0.1:1/db?user=u&password=hunter2",
		"postgres://u:hunter2@127.0.0.1:port/db",
		"postgres://u:hunter2@127.0.0.1/db?sslmode=hunter2",
		"postgres://u:hunter2@x@127.0.0.1:1/db",
		"postgres://u:1/hunter2@127.0.0.1:1/db",
		"postgres://u:hunter2/x@127.0.0.1:1/db",
		"postgres://u:hunter2?x@127.0.0.1:1/db",
		"postgres://u:hunter2#x@127.0.0.1:1/db",
		"postgres://u:hunter2%zz@127.0.0.1:1/db",
		"postgres://u:hunter2@[::1/db",
		"postgres://u:hunter2",
	} {
		_, err := Open(context.Background(), backend.Config{DSN: dsn})
		require.Error(t, err, dsn)
		var e *models.Error
		require.ErrorAs(t, err, &e, dsn)
		var parse *pgconn.ParseConfigError
		var connect *pgconn.ConnectError
		assert.False(t, errors.As(err, &parse) || errors.As(err, &connect), "both carry the password")
		assert.NotContains(t, fmt.Sprintf("%v %+v %#v %#v", err, err, err, *e), "hunter2", dsn)
	}
}

func TestWrongDatabase(t *testing.T) {
	u, err := url.Parse(pgtest.DSN(t))
	require.NoError(t, err)
	u.Path = "/tier2_no_such_database"
	u.User = url.UserPassword(u.User.Username(), "hunter2")
	_, err = Open(context.Background(), backend.Config{DSN: u.String()})
	require.ErrorIs(t, err, models.ErrNotFound)
	assert.NotContains(t, err.Error(), "hunter2")
	u.User = url.UserPassword(u.User.Username(), "exist") // a word of the server's message
	_, err = Open(context.Background(), backend.Config{DSN: u.String()})
	require.ErrorIs(t, err, models.ErrNotFound)
	assert.NotContains(t, err.Error(), "exist")
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
