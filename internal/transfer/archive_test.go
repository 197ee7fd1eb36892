package transfer_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	"github.com/seanchatmangpt/ggen/tier2/internal/engine/sqlite"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/internal/sealing"
	"github.com/seanchatmangpt/ggen/tier2/internal/transfer"
	"github.com/seanchatmangpt/ggen/tier2/ledger"
)

var errFault = errors.New("fault")

// fault makes one call to a database fail: the at-th, counted from 1; 0 means none.
type fault struct{ calls, at int }

func (f *fault) next() error {
	if f.calls++; f.calls == f.at {
		return errFault
	}
	return nil
}

// faulty is a database whose calls may fail, before or after their work.
type faulty struct {
	backend.Bulk
	*fault
}

func (b faulty) Begin(ctx context.Context) (backend.Writer, error) {
	if err := b.next(); err != nil {
		return nil, err
	}
	w, err := b.Bulk.Begin(ctx)
	return faultyWriter{w, b.fault}, err
}

type faultyWriter struct {
	backend.Writer
	*fault
}

func (w faultyWriter) Insert(ctx context.Context, t *schema.Table, rows []schema.Row) error {
	return errors.Join(w.next(), w.Writer.Insert(ctx, t, rows))
}

func (w faultyWriter) Delete(ctx context.Context, t *schema.Table, column string, values []any) (int64, error) {
	n, err := w.Writer.Delete(ctx, t, column, values)
	return n, errors.Join(err, w.next())
}

func (w faultyWriter) Commit(ctx context.Context) error {
	if err := w.next(); err != nil {
		return err
	}
	return errors.Join(w.Writer.Commit(ctx), w.next())
}

// executions is the number of executions, which fill one batch and begin another.
const executions = 3

// pair is a store with executions and an archive for them.
type pair struct {
	live, archive *backend.Handles
	fault         fault
	log           sealing.Log
	move          transfer.Move
}

func newPair(t *testing.T) *pair {
	t.Helper()
	text, err := os.ReadFile("../../schema.sql")
	require.NoError(t, err)
	open := func(name string) *backend.Handles {
		h, err := sqlite.Open(t.Context(), backend.Config{DSN: filepath.Join(t.TempDir(), name), Schema: string(text)})
		require.NoError(t, err)
		t.Cleanup(func() { assert.NoError(t, h.Close()) })
		return h
	}
	p := &pair{live: open("live.db"), archive: open("archive.db")}
	fill := p.live.Write.Begin()
	for i := range executions {
		id := fmt.Sprintf("e%03d", i)
		for _, statement := range []string{
			"INSERT INTO receipts (execution_id, agent_id, operation, status, timestamp, duration_ms, created_at) VALUES (?1, 'a', 'watch', 'passed', '2026-01-29T12:34:56Z', 1, NULL)",
			"INSERT INTO pipeline_metrics (execution_id, stage, duration_ms, status, timestamp) VALUES (?1, 'μ₃_emit', 3, 'passed', '2026-01-29T12:34:56Z')",
			"INSERT INTO slo_violations (execution_id, metric, target_value, actual_value, severity, timestamp) VALUES (?1, 'm', 1, 2.5, 'warning', '2026-01-29T12:34:56Z')",
			"INSERT INTO audit_log (timestamp, agent_id, operation, status, context_json) VALUES ('2026-01-29T12:34:56Z', 'a', 'receipts.create', 'completed', json_object('execution_id', ?1))",
			"INSERT INTO audit_log (timestamp, agent_id, operation, status, context_json) VALUES ('2026-01-29T12:34:56Z', 'a', 'agent_memory.update', 'completed', json_object('execution_id', ?1))",
			"INSERT INTO audit_log (timestamp, agent_id, operation, status, context_json) VALUES ('2026-01-29T12:34:56Z', 'a', 'RDF normalization', 'completed', json_object('execution_id', ?1))",
		} {
			require.NoError(t, fill.Exec(statement, id).Error)
		}
	}
	require.NoError(t, fill.Commit().Error)
	now := func() time.Time { return time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC) }
	p.log = sealing.Log{Bulk: p.live.Bulk, Now: now, Archive: func(context.Context, string) (backend.Bulk, func() error, error) {
		return p.archive.Bulk, func() error { return nil }, nil
	}}
	p.move = transfer.Move{
		Live: faulty{p.live.Bulk, &p.fault}, Archive: faulty{p.archive.Bulk, &p.fault},
		Now: now, Seal: p.seal, Agent: "keeper", Source: "live.db", Where: "archive.db", Before: now(), Batch: 2,
	}
	return p
}

func (p *pair) seal(ctx context.Context) error {
	_, err := p.log.Seal(ctx, 0)
	return err
}

// ids returns the ids of the receipts of a database.
func ids(t *testing.T, db *gorm.DB) iter.Seq2[any, error] {
	var list []int64
	require.NoError(t, db.Raw("SELECT id FROM receipts ORDER BY id DESC").Scan(&list).Error)
	return func(yield func(any, error) bool) {
		for _, id := range list {
			if !yield(id, nil) {
				return
			}
		}
	}
}

var moved = []string{"receipts", "pipeline_metrics", "slo_violations", "audit_log"}

// held returns every row of the tables that move, except boundaries, of one or two
// databases. A row that both hold counts once.
func held(t *testing.T, dbs ...*gorm.DB) map[string]int {
	t.Helper()
	rows := map[string]int{}
	for _, db := range dbs {
		here := map[string]int{}
		for _, table := range moved {
			var list []map[string]any
			q := db.Table(table)
			if table == "audit_log" {
				q = q.Where("operation NOT LIKE 'audit_log.%'")
			}
			require.NoError(t, q.Find(&list).Error)
			for _, row := range list {
				here[fmt.Sprint(table, row)]++
			}
		}
		for row, n := range here {
			require.Equal(t, 1, n, row)
			rows[row] = 1
		}
	}
	return rows
}

// whole checks that no row is lost, and that store and archive verify together.
func (p *pair) whole(t *testing.T, want map[string]int, at any) {
	t.Helper()
	require.Equal(t, want, held(t, p.live.Write, p.archive.Write), "%v", at)
	require.NoError(t, p.seal(t.Context()))
	for _, opts := range []ledger.VerifyOptions{{}, {Archives: []string{"archive.db"}}} {
		report, err := p.log.Verify(t.Context(), opts)
		require.NoError(t, err)
		require.Empty(t, report.Findings, "%v", at)
	}
	other := sealing.Log{Bulk: p.archive.Bulk}
	report, err := other.Verify(t.Context(), ledger.VerifyOptions{})
	require.NoError(t, err)
	require.Empty(t, report.Findings, "%v", at)
}

// TestFaults: whichever call fails, no row is lost, both databases verify, and the next run
// does the rest, in both directions.
func TestFaults(t *testing.T) {
	t.Parallel()
	failures := 0
	for at, failed := 1, true; failed; at++ {
		p := newPair(t)
		want := held(t, p.live.Write)
		run := func() (transfer.Moved, error) { return p.move.Run(t.Context(), ids(t, p.live.Write)) }
		restore := func() (transfer.Moved, error) { return p.move.Restore(t.Context(), ids(t, p.archive.Write)) }
		failed = false
		for _, f := range []func() (transfer.Moved, error){run, restore} {
			p.fault = fault{at: at}
			report, err := f()
			if err != nil {
				require.ErrorIs(t, err, errFault)
				failed = true
				failures++
				p.whole(t, want, at)
				p.fault = fault{}
				_, err = f()
			} else {
				assert.EqualValues(t, executions, report.Executions)
				assert.EqualValues(t, 2*executions, report.Entries)
			}
			require.NoError(t, err)
			p.whole(t, want, at)
		}
		require.Equal(t, want, held(t, p.live.Write))
	}
	assert.Greater(t, failures, 30)
}

// TestWhatMoves: of the executions, only the entries about memory stay.
func TestWhatMoves(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	_, err := p.move.Run(t.Context(), ids(t, p.live.Write))
	require.NoError(t, err)
	for table, want := range map[string]int64{"receipts": 0, "pipeline_metrics": 0, "slo_violations": 0, "audit_log": executions + 2} {
		var left int64
		require.NoError(t, p.live.Write.Table(table).Count(&left).Error)
		assert.Equal(t, want, left, table)
	}
}
