package tier2_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// TestCopy_Refused: a target that holds anything else stays as it is.
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

// TestCopy_LivedOn: a target that was used since is not overwritten.
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
