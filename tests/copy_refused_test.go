package tests

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/internal/pgtest"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// TestCopy_Refused: a target that holds other rows is rejected and stays unchanged.
func TestCopy_Refused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		target func(t *testing.T, to *tier2.Store)
		table  string
		value  string
	}{
		"Row": {func(t *testing.T, to *tier2.Store) {
			raw(t, to, "INSERT INTO receipts (id, execution_id, agent_id, operation, status, timestamp, duration_ms) VALUES (4000, 'x', 'y', 'watch', 'passed', '2026-01-01', 1)")
		}, "receipts", "4000"},
		"Last": {func(t *testing.T, to *tier2.Store) {
			raw(t, to, "INSERT INTO audit_log (id, timestamp, agent_id, operation, status) VALUES (4000, '2026-01-01', 'a', 'o', 'failed')")
		}, "audit_log", "4000"},
		"SameID": {func(t *testing.T, to *tier2.Store) {
			raw(t, to, "INSERT INTO agent_memory (id, agent_id, memory_json) VALUES (1, 'coder', '{}')")
		}, "agent_memory", "1"},
		"Deleted": {func(t *testing.T, to *tier2.Store) {
			raw(t, to, "INSERT INTO audit_log (id, timestamp, agent_id, operation, status) VALUES (2, '2026-01-01', 'a', 'o', 'failed')")
		}, "audit_log", "2"},
		"Store": {func(t *testing.T, to *tier2.Store) { run(t, to, "own", false) }, "receipts", "1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			crossings(t, func(t *testing.T, from, to *tier2.Store) {
				fill(t, from)
				raw(t, from, "INSERT INTO tier2_removed VALUES (2, 2)")
				raw(t, from, "DELETE FROM audit_log WHERE id = 2")
				tt.target(t, to)
				before := rows(t, to)
				report, err := tier2.Copy(t.Context(), from, to, tier2.CopyOptions{})
				require.ErrorIs(t, err, models.ErrConflict)
				assert.Nil(t, report)
				var e *models.Error
				require.ErrorAs(t, err, &e)
				assert.Equal(t, []any{tt.table, "id", tt.value}, []any{e.Table, e.Column, e.Value})
				assert.Equal(t, before, rows(t, to))
			})
		})
	}
}

// TestCopy_LivedOn: a target that was used since the last copy is not overwritten.
func TestCopy_LivedOn(t *testing.T) {
	t.Parallel()
	crossings(t, func(t *testing.T, from, to *tier2.Store) {
		fill(t, from)
		copied(t, from, to)
		require.NoError(t, to.Memory.Merge(t.Context(), "coder", models.JSON(`{"mine":1}`)))
		before := rows(t, to)
		_, err := tier2.Copy(t.Context(), from, to, tier2.CopyOptions{})
		require.ErrorIs(t, err, models.ErrConflict)
		assert.Equal(t, before, rows(t, to))
		run(t, from, "coder", false)
		_, err = tier2.Copy(t.Context(), from, to, tier2.CopyOptions{})
		require.ErrorIs(t, err, models.ErrConflict)
		assert.Equal(t, before, rows(t, to))
	})
}

func raw(t *testing.T, store *tier2.Store, statement string) {
	t.Helper()
	require.NoError(t, store.DB().Exec(statement).Error, statement)
}

func TestCopy_Misused(t *testing.T) {
	t.Parallel()
	crossings(t, func(t *testing.T, from, to *tier2.Store) {
		ctx := t.Context()
		fill(t, from)
		_, err := tier2.Copy(ctx, from, from, tier2.CopyOptions{})
		require.ErrorIs(t, err, models.ErrInvalid)
		require.NoError(t, from.Transaction(ctx, func(tx *tier2.Store) error {
			_, err := tier2.Copy(ctx, tx, to, tier2.CopyOptions{})
			require.ErrorIs(t, err, models.ErrInvalid)
			_, err = tier2.Copy(ctx, to, tx, tier2.CopyOptions{})
			require.ErrorIs(t, err, models.ErrInvalid)
			return nil
		}))
		cancelled, cancel := context.WithCancel(ctx)
		cancel()
		_, err = tier2.Copy(cancelled, from, to, tier2.CopyOptions{})
		require.ErrorIs(t, err, context.Canceled)
		late, cancel := context.WithDeadline(ctx, time.Now().Add(-time.Hour))
		defer cancel()
		_, err = tier2.Copy(late, from, to, tier2.CopyOptions{})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Zero(t, count(t, to, "receipts"))
		require.NoError(t, to.Close())
		_, err = tier2.Copy(ctx, from, to, tier2.CopyOptions{})
		require.ErrorIs(t, err, models.ErrClosed)
		_, err = tier2.Copy(ctx, to, from, tier2.CopyOptions{})
		require.ErrorIs(t, err, models.ErrClosed)
	})
}

// TestCopy_Tables: Copy covers every table of the schema on both engines, except for the
// totals, which each database derives for itself.
func TestCopy_Tables(t *testing.T) {
	t.Parallel()
	store := open(t, ":memory:")
	var names []string
	require.NoError(t, store.DB().Raw(`SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\' AND name NOT LIKE 'tier2\_%\_totals' ESCAPE '\' AND name <> 'tier2_folded' ORDER BY rowid`).Scan(&names).Error)
	tables := schema.Tables()
	require.Len(t, tables, len(names))
	for i, table := range tables {
		assert.Equal(t, names[i], table.Name)
		var columns, key []string
		require.NoError(t, store.DB().Raw("SELECT name FROM pragma_table_info(?) ORDER BY cid", table.Name).Scan(&columns).Error)
		require.NoError(t, store.DB().Raw("SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk", table.Name).Scan(&key).Error)
		assert.Equal(t, columns, table.Names())
		require.Len(t, table.Key, len(key))
		for j, k := range table.Key {
			assert.Equal(t, key[j], table.Columns[k].Name)
		}
	}
}

// TestCopy_Row: the error names the row that cannot be read or stored. The rows before it
// stay copied, and once the row is repaired another copy succeeds.
func TestCopy_Row(t *testing.T) {
	t.Parallel()
	const receipt = "INSERT INTO receipts (id, execution_id, agent_id, operation, status, timestamp, duration_ms, error_message) VALUES "
	for name, tt := range map[string]struct {
		from, to  string
		statement string
		kind      error
		want      string
		mend      string
	}{
		"NUL":       {"SQLite", "Postgres", receipt + "(41, 'a', 'b', 'watch', 'passed', '2026-01-01', 1, 'x' || char(0))", models.ErrInvalid, "the target refused row 41 of receipts: must be UTF-8 text without NUL", "UPDATE receipts SET error_message = '' WHERE id = 41"},
		"Bytes":     {"SQLite", "Postgres", receipt + "(41, 'a', 'b', 'watch', 'passed', '2026-01-01', 1, CAST(x'ff' AS TEXT))", models.ErrInvalid, "row 41 of receipts", "UPDATE receipts SET error_message = '' WHERE id = 41"},
		"Surrogate": {"SQLite", "Postgres", `INSERT INTO agent_memory (id, agent_id, memory_json) VALUES (41, 'x', '{"a":"\ud800"}')`, models.ErrInvalid, "row 41 of agent_memory", "UPDATE agent_memory SET memory_json = '{}' WHERE id = 41"},
		"Number":    {"SQLite", "Postgres", `INSERT INTO agent_memory (id, agent_id, memory_json) VALUES (41, 'x', '{"a":1e200000}')`, models.ErrInvalid, "row 41 of agent_memory", "UPDATE agent_memory SET memory_json = '{}' WHERE id = 41"},
		"Escape":    {"SQLite", "Postgres", `INSERT INTO audit_log (id, timestamp, agent_id, operation, status, context_json) VALUES (41, '2026-01-01', 'a', 'o', 'failed', '{"a":"\u0000"}')`, models.ErrInvalid, "row 41 of audit_log", "INSERT INTO tier2_removed VALUES (41, 41); DELETE FROM audit_log WHERE id = 41"},
		"Time":      {"SQLite", "SQLite", receipt + "(41, 'a', 'b', 'watch', 'passed', 'yesterday', 1, '')", models.ErrCorrupt, `receipts.timestamp "yesterday": cannot be read as timestamptz in row 41`, "UPDATE receipts SET timestamp = '2026-01-01' WHERE id = 41"},
		"Integer":   {"SQLite", "Postgres", receipt + "(41, 'a', 'b', 'watch', 'passed', '2026-01-01', 2.5, '')", models.ErrCorrupt, `receipts.duration_ms "2.5": cannot be read as bigint in row 41`, "UPDATE receipts SET duration_ms = 2 WHERE id = 41"},
		"Infinity":  {"Postgres", "SQLite", receipt + "(41, 'a', 'b', 'watch', 'passed', 'infinity', 1, '')", models.ErrCorrupt, `receipts.timestamp "infinity": cannot be read as timestamptz in row 41`, "UPDATE receipts SET timestamp = '2026-01-01' WHERE id = 41"},
		"NaN":       {"Postgres", "SQLite", "INSERT INTO slo_violations (id, execution_id, metric, target_value, actual_value, severity, timestamp) VALUES (41, 'raw', 'm', 'NaN', 1, 'warning', '2026-01-01')", models.ErrInvalid, "the target refused row 41 of slo_violations: slo_violations.target_value: must not be NULL", "UPDATE slo_violations SET target_value = 1 WHERE id = 41"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from, to := open(t, engines[tt.from](t)), open(t, engines[tt.to](t))
			fill(t, from)
			raw(t, from, tt.statement)
			_, err := tier2.Copy(t.Context(), from, to, tier2.CopyOptions{})
			require.ErrorIs(t, err, tt.kind)
			assert.ErrorContains(t, err, tt.want)
			for statement := range strings.SplitSeq(tt.mend, "; ") {
				raw(t, from, statement)
			}
			copied(t, from, to)
		})
	}
}

// TestCopy_Twice: concurrent copies to one target do not disturb each other.
func TestCopy_Twice(t *testing.T) {
	t.Parallel()
	directions(t, func(t *testing.T, from, to *tier2.Store) {
		fill(t, from)
		var copies sync.WaitGroup
		for range 3 {
			copies.Go(func() {
				_, err := tier2.Copy(t.Context(), from, to, tier2.CopyOptions{})
				assert.NoError(t, err)
			})
		}
		copies.Wait()
		copied(t, from, to)
	})
}

// TestCopy_ConnectionLost loses the connection on either side at any time; the next copy
// completes the work.
func TestCopy_ConnectionLost(t *testing.T) {
	t.Parallel()
	for _, lost := range []string{"source", "target"} {
		t.Run(lost, func(t *testing.T) {
			t.Parallel()
			dsn, file := pgtest.DSN(t), engines["SQLite"](t)
			name := "lost_" + models.NewID()
			server, other := open(t, dsn+"&application_name="+name), open(t, file)
			from, to := server, other
			if lost == "target" {
				from, to = other, server
			}
			fill(t, from)
			killer, err := pgx.Connect(t.Context(), dsn)
			require.NoError(t, err)
			defer killer.Close(context.Background())
			failures := 0
			for at := 1; at < 10; at++ {
				steps := 0
				_, err = tier2.Copy(t.Context(), from, to, tier2.CopyOptions{Progress: func(tier2.CopyProgress) {
					if steps++; steps == at {
						_, err := killer.Exec(t.Context(), "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = $1", name)
						assert.NoError(t, err)
					}
				}})
				if err != nil {
					failures++
					assert.ErrorContains(t, err, "connection")
				}
			}
			assert.Positive(t, failures)
			copied(t, from, to)
		})
	}
}
