// Package archive moves whole executions from one store to another and back: a receipt
// with its metrics, its violations and the audit entries that name it. Rows go as they
// are; the Merkle tree of the store that they leave keeps the hashes of their entries.
//
// Each step is one transaction of one database, in an order that loses nothing: the
// archive has an execution, on disk, before the store deletes it. Whatever ends a run,
// another one does the rest.
package archive

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Report is what was moved, or would be.
type Report struct {
	Executions int64 `json:"executions"`
	Metrics    int64 `json:"metrics"`
	Violations int64 `json:"violations"`
	Entries    int64 `json:"audit_entries"`
	// Kept is how many executions were left where they are: since others changed them
	// meanwhile, and another run takes them; or since the archive has another execution
	// with the same execution_id, and another archive does.
	Kept int64 `json:"kept"`
}

func (r *Report) add(e *executions) {
	r.Executions += int64(len(e.rows[0]))
	r.Metrics += int64(len(e.rows[1]))
	r.Violations += int64(len(e.rows[2]))
	r.Entries += int64(len(e.rows[3]))
}

// Move is one run.
type Move struct {
	Live, Archive backend.Bulk
	Tables        []schema.Table
	Now           func() time.Time
	Agent         string // who does it
	Source        string // the location of the live store, as the archive notes it
	Where         string // the location of the archive, as the log says it
	Before        time.Time
	Batch         int          // how many executions one transaction moves; 0: 100
	Progress      func(Report) // after each batch; may be nil
}

// batch is how many executions one transaction moves, and how many values a statement
// names.
const batch = 100

// attempts is how often a batch is tried that others changed meanwhile.
const attempts = 3

// table is a table of the schema.
func (m *Move) table(name string) *schema.Table {
	t, _ := schema.Find(m.Tables, name)
	return &t
}

// Run moves the executions of these receipt ids to the archive, in batches. Before each,
// seal is called: only sealed entries can go.
func (m *Move) Run(ctx context.Context, ids iter.Seq2[int64, error], seal func(context.Context) error) (Report, error) {
	var report Report
	if err := m.prepare(ctx); err != nil {
		return report, err
	}
	for some, err := range m.chunks(ids) {
		if err == nil {
			err = m.move(ctx, some, seal, &report)
		}
		if err != nil {
			return report, interrupted(ctx, err)
		}
		if m.Progress != nil {
			m.Progress(report)
		}
	}
	return report, seal(ctx)
}

func interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%w; what was moved by then stays moved, and another run does the rest", ctx.Err())
	}
	return err
}

// Count is what Run would move.
func (m *Move) Count(ctx context.Context, ids iter.Seq2[int64, error]) (Report, error) {
	var report Report
	for some, err := range m.chunks(ids) {
		if err != nil {
			return report, err
		}
		s, err := m.Live.Snapshot(ctx)
		if err != nil {
			return report, err
		}
		e, err := m.read(ctx, s, some, false)
		if err = errors.Join(err, s.Close()); err != nil {
			return report, err
		}
		report.add(e)
	}
	return report, nil
}

// chunks groups ids into batches.
func (m *Move) chunks(ids iter.Seq2[int64, error]) iter.Seq2[[]any, error] {
	size := m.Batch
	if size == 0 {
		size = batch
	}
	return func(yield func([]any, error) bool) {
		var some []any
		for id, err := range ids {
			if err != nil {
				yield(nil, err)
				return
			}
			if some = append(some, id); len(some) == size {
				if !yield(some, nil) {
					return
				}
				some = nil
			}
		}
		if len(some) > 0 {
			yield(some, nil)
		}
	}
}

// move moves a batch, and tries again what others changed while it was copied.
func (m *Move) move(ctx context.Context, ids []any, seal func(context.Context) error, report *Report) error {
	for range attempts {
		if err := seal(ctx); err != nil {
			return err
		}
		s, err := m.Live.Snapshot(ctx)
		if err != nil {
			return err
		}
		e, err := m.read(ctx, s, ids, false)
		if err = errors.Join(err, s.Close()); err != nil {
			return err
		}
		strangers, err := m.strangers(ctx, e)
		if err != nil {
			return err
		}
		if len(strangers) > 0 {
			report.Kept += int64(len(strangers))
			ids = slices.DeleteFunc(ids, func(id any) bool { return slices.Contains(strangers, id) })
			return m.move(ctx, ids, seal, report)
		}
		if len(e.rows[0]) == 0 {
			return nil
		}
		if err := m.keep(ctx, e); err != nil {
			return err
		}
		err = m.remove(ctx, e)
		if err == nil {
			report.add(e)
			return nil
		}
		if !errors.Is(err, errChanged) && !errors.Is(err, models.ErrForeignKey) && !errors.Is(err, models.ErrRetry) {
			return err
		}
	}
	report.Kept += int64(len(ids))
	return nil
}

// errChanged: the executions are not as they were when they were copied.
var errChanged = errors.New("changed meanwhile")
