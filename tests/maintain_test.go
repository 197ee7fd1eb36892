package tests

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/internal/pgtest"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// maintained returns the steps that MaintainSteps reports.
func maintained(t *testing.T, store *tier2.Store) string {
	t.Helper()
	var steps []string
	require.NoError(t, store.MaintainSteps(t.Context(), func(step string) { steps = append(steps, step) }))
	return strings.Join(steps, "\n")
}

// maintainable maps the kind of a database to a function that opens a store on a new one.
var maintainable = map[string]func(testing.TB) string{
	"SQLite": engines["SQLite"], "Memory": func(testing.TB) string { return ":memory:" }, "Postgres": pgtest.DSN,
}

// TestMaintain_BesideOthers: Maintain and goroutines that write and read never fail because
// of each other, and the database verifies afterwards.
func TestMaintain_BesideOthers(t *testing.T) {
	t.Parallel()
	for name, dsn := range maintainable {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := dsn(t)
			store := open(t, path)
			fill(t, store)
			before := count(t, store, "receipts")
			const writers, saves = 3, 15
			var all, readers sync.WaitGroup
			ctx, stop := context.WithCancel(t.Context())
			for i := range writers {
				all.Go(func() {
					for range saves {
						assert.NoError(t, store.Receipts.Create(t.Context(), receipt(fmt.Sprint("agent-", i))))
					}
				})
			}
			readers.Go(func() {
				for ctx.Err() == nil {
					for _, err := range store.Receipts.All(t.Context(), repository.ReceiptFilter{}) {
						assert.NoError(t, err)
					}
				}
			})
			for range 2 { // two calls at once
				all.Go(func() {
					for range 2 {
						assert.NoError(t, store.Maintain(t.Context()))
					}
				})
			}
			all.Wait()
			stop()
			readers.Wait()
			assert.EqualValues(t, before+writers*saves, count(t, store, "receipts"))
			if name == "SQLite" {
				verifyWhole(t, path)
			}
		})
	}
}

// TestMaintain_Vacuum: Maintain releases many free pages and keeps few; every row stays
// unchanged.
func TestMaintain_Vacuum(t *testing.T) {
	t.Parallel()
	for name, dsn := range map[string]string{"File": filepath.Join(t.TempDir(), "tier2.db"), "Memory": ":memory:"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := open(t, dsn)
			fill(t, store)
			pages := func() (n int64) {
				require.NoError(t, store.DB().Raw("PRAGMA page_count").Scan(&n).Error)
				return n
			}
			assert.Contains(t, maintained(t, store), "vacuum: not needed, 0 of ")
			want, small := rows(t, store), pages()
			require.NoError(t, store.DB().Exec("CREATE TABLE ballast AS SELECT randomblob(4000) FROM receipts a, receipts b, receipts c, receipts d").Error)
			require.NoError(t, store.DB().Exec("DROP TABLE ballast").Error)
			require.Greater(t, pages(), 2*small)
			assert.Regexp(t, `vacuum: \d+ of \d+ pages were free`, maintained(t, store))
			assert.LessOrEqual(t, pages(), small+10, "statistics have come")
			assert.Equal(t, want, rows(t, store))
			var where, timeout int
			require.NoError(t, store.DB().Raw("PRAGMA temp_store").Scan(&where).Error)
			require.NoError(t, store.DB().Raw("PRAGMA busy_timeout").Scan(&timeout).Error)
			assert.Equal(t, []int{2, 10_000}, []int{where, timeout}, "the connection is as it was")
			if name == "File" {
				verifyWhole(t, dsn)
				info, err := os.Stat(dsn)
				require.NoError(t, err)
				assert.Equal(t, pages()*4096, info.Size())
			}
			require.NoError(t, store.Receipts.Create(t.Context(), receipt("on")))
		})
	}
}

// TestMaintain_InTheWay: Maintain skips steps that a reader of the WAL or another writing
// process blocks, and returns no error.
func TestMaintain_InTheWay(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tier2.db")
	store, other := open(t, path), open(t, path)
	require.NoError(t, store.Receipts.Create(t.Context(), receipt("a")))
	db, err := other.DB().DB()
	require.NoError(t, err)
	reader, err := db.Conn(t.Context())
	require.NoError(t, err)
	for _, statement := range []string{"BEGIN DEFERRED", "SELECT COUNT(*) FROM receipts"} {
		_, err = reader.ExecContext(t.Context(), statement)
		require.NoError(t, err)
	}
	require.NoError(t, store.Receipts.Create(t.Context(), receipt("b")))
	assert.Contains(t, maintained(t, store), "WAL: not emptied, because others use it")
	_, err = reader.ExecContext(t.Context(), "COMMIT")
	require.NoError(t, err)
	require.NoError(t, reader.Close())
	assert.Contains(t, maintained(t, store), "WAL: emptied")
	info, err := os.Stat(path + "-wal")
	require.NoError(t, err)
	assert.Zero(t, info.Size())

	quick, err := tier2.Open(t.Context(), path, tier2.WithBusyTimeout(5*time.Millisecond))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, quick.Close()) })
	require.NoError(t, store.Transaction(t.Context(), func(tx *tier2.Store) error {
		require.NoError(t, tx.Receipts.Create(t.Context(), receipt("c")))
		require.ErrorIs(t, quick.Maintain(t.Context()), models.ErrBusy)
		return nil
	}))
	assert.EqualValues(t, 3, count(t, quick, "receipts"))
	verifyWhole(t, path)
}

func TestMaintain_Refused(t *testing.T) {
	t.Parallel()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for name, dsn := range maintainable {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := open(t, dsn(t))
			require.NoError(t, store.Receipts.Create(t.Context(), receipt("a")))
			require.ErrorIs(t, store.Maintain(cancelled), context.Canceled)
			require.ErrorIs(t, store.Transaction(t.Context(), func(tx *tier2.Store) error {
				require.NoError(t, tx.Receipts.Create(t.Context(), receipt("b")))
				return tx.Maintain(t.Context())
			}), models.ErrInvalid)
			assert.EqualValues(t, 1, count(t, store, "receipts"))
			require.NoError(t, store.Maintain(t.Context()))
			if name != "Postgres" { // a store cannot open it for reading only
				require.NoError(t, store.DB().Exec("PRAGMA query_only = ON").Error)
				require.ErrorIs(t, store.Maintain(t.Context()), models.ErrReadOnly)
				require.NoError(t, store.DB().Exec("PRAGMA query_only = OFF").Error)
			}
			require.NoError(t, store.Close())
			require.ErrorIs(t, store.Maintain(t.Context()), models.ErrClosed)
		})
	}
}

// TestMaintain_PostgreSQL: every table has been vacuumed and analyzed.
func TestMaintain_PostgreSQL(t *testing.T) {
	t.Parallel()
	path := pgtest.DSN(t)
	store := open(t, path)
	fill(t, store)
	steps := maintained(t, store)
	for _, m := range models.All() {
		assert.Contains(t, steps, "vacuum and statistics: "+m.TableName())
	}
	assert.Contains(t, steps, "vacuum and statistics: tier2_schema")
	var without []string
	require.NoError(t, store.DB().Raw(`SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND reltuples < 0`).Scan(&without).Error)
	assert.Empty(t, without, "tables whose rows were never counted")
}
