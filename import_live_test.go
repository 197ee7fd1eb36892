package tier2_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/internal/pgtest"
)

// live is a store in PostgreSQL, and what waits until so many of its connections wait for
// a lock, or done is closed.
func live(t *testing.T) (store *tier2.Store, waiting func(n int, done <-chan error)) {
	dsn, name := pgtest.DSN(t), strings.ReplaceAll(t.Name(), "/", ".")
	store = open(t, dsn+"&application_name="+name)
	return store, func(n int, done <-chan error) {
		require.Eventually(t, func() bool {
			var waits int
			const query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = ? AND wait_event_type = 'Lock'"
			require.NoError(t, store.DB().Raw(query, name).Scan(&waits).Error)
			return waits == n || len(done) > 0
		}, 20*time.Second, time.Millisecond)
	}
}

// TestImportTable_Sealing: entries that are being imported are sealed with the others, or
// refused; none comes in behind a seal's back.
func TestImportTable_Sealing(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	store, waiting := live(t)
	raw(t, store, "SELECT setval(pg_get_serial_sequence('audit_log', 'id'), 9)")
	raw(t, store, "INSERT INTO audit_log (timestamp, agent_id, operation, status) VALUES ('2026-01-01', 'a', 'o', 'failed')")

	other := store.DB().WithContext(ctx).Begin() // keeps all from inserting
	require.NoError(t, other.Exec("LOCK TABLE audit_log IN SHARE MODE").Error)
	imported, sealed := make(chan error, 1), make(chan error, 1)
	go func() {
		entry := `{"id":5,"timestamp":"2026-01-29","agent_id":"a","operation":"o","status":"failed","duration_ms":null,"error_message":null,"context_json":null,"created_at":null}`
		_, err := store.ImportTable(ctx, strings.NewReader(entry), "audit_log", tier2.ImportOptions{})
		imported <- err
	}()
	waiting(1, imported)
	go func() {
		_, err := store.Audit.Seal(ctx)
		sealed <- err
	}()
	waiting(2, sealed)
	require.NoError(t, other.Commit().Error)
	require.NoError(t, <-imported)
	require.NoError(t, <-sealed)
	proven(t, store)
}

// TestImportTable_Between: a save between two batches takes no id of the second.
func TestImportTable_Between(t *testing.T) {
	t.Parallel()
	for name, dsn := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := open(t, dsn(t))
			var b strings.Builder
			for id := range 1500 {
				b.WriteString(line(id+1, fmt.Sprint("many-", id)))
			}
			var saved []int64
			save := func(p tier2.CopyProgress) {
				if p.Step == "copying" {
					own := receipt(fmt.Sprint("own-", p.Rows))
					require.NoError(t, store.Receipts.Create(t.Context(), own))
					saved = append(saved, own.ID)
				}
			}
			done, err := store.ImportTable(t.Context(), strings.NewReader(b.String()), "receipts", tier2.ImportOptions{Progress: save})
			require.NoError(t, err)
			require.EqualValues(t, 1500, done.Inserted)
			require.Equal(t, []int64{1501, 1502}, saved)
		})
	}
}

// TestImportTable_Ids: whoever saves while ids above its own are imported gets one that is
// free.
func TestImportTable_Ids(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	store, waiting := live(t)
	raw(t, store, "SELECT setval(pg_get_serial_sequence('receipts', 'id'), 4)")
	other := store.DB().WithContext(ctx).Begin()
	require.NoError(t, other.Exec(`INSERT INTO receipts (id, execution_id, agent_id, operation, status, timestamp, duration_ms)
		VALUES (1, 'six', 'a', 'watch', 'passed', '2026-01-01', 1)`).Error)
	imported, saved := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := store.ImportTable(ctx, strings.NewReader(line(5, "five")+line(6, "six")), "receipts", tier2.ImportOptions{})
		imported <- err
	}()
	waiting(1, imported)
	own := receipt("own")
	go func() { saved <- store.Receipts.Create(ctx, own) }()
	waiting(2, saved)
	require.NoError(t, other.Rollback().Error)
	require.NoError(t, <-imported)
	require.NoError(t, <-saved)
	require.EqualValues(t, 7, own.ID)
}
