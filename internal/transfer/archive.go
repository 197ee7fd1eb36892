package transfer

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"time"

	"github.com/seanchatmangpt/ggen/tier2/internal/audit"
	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Moved counts the rows that were moved, or would be.
type Moved struct {
	Executions int64
	Metrics    int64
	Violations int64
	Entries    int64
	Kept       int64 // executions that were left in place: changed meanwhile, or the archive has another of that name
}

func (r *Moved) add(e *executions) {
	r.Executions += int64(len(e.rows[0]))
	r.Metrics += int64(len(e.rows[1]))
	r.Violations += int64(len(e.rows[2]))
	r.Entries += int64(len(e.rows[log]))
}

// Move moves whole executions from a store to an archive and back: each receipt with its metrics, its
// violations and the audit entries that name it. The Merkle tree of the store keeps the hashes of
// the entries.
//
// Each step is one transaction of one database. The archive holds an execution on its disk before the
// store deletes it, so another run can finish an interrupted one.
type Move struct {
	Live, Archive backend.Bulk
	Now           func() time.Time
	Agent         string                          // the agent that the log names
	Source        string                          // the location of the store, which the archive records
	Where         string                          // the location of the archive, which the log records
	Before        time.Time                       // the bound that the log records; zero for none
	Batch         int                             // how many executions one transaction moves; 0: 100
	Seal          func(ctx context.Context) error // seals the audit log of the store
	Progress      func(Moved)                     // called after each batch; may be nil
}

// moveBatch is how many executions one transaction moves, and how many values a statement names.
const moveBatch = 100

// moveAttempts is how often a batch is tried that others changed meanwhile.
const moveAttempts = 3

// Run moves the executions of these receipt ids to the archive, in batches. An empty
// archive is prepared first; a database with other content is models.ErrConflict.
func (m *Move) Run(ctx context.Context, ids iter.Seq2[any, error]) (Moved, error) {
	err := differ(ctx, m.Live, m.Archive, "store and archive")
	if err == nil {
		err = m.prepare(ctx)
	}
	if err != nil {
		return Moved{}, err
	}
	return m.run(ctx, ids, m.move)
}

// Restore copies the executions of these receipt ids of the archive back, in batches. The
// archive keeps its rows. models.ErrConflict if it is not an archive of this store, or if
// the store holds another execution under the same name or id.
func (m *Move) Restore(ctx context.Context, ids iter.Seq2[any, error]) (Moved, error) {
	return m.run(ctx, ids, m.restore)
}

// Count returns what Move.Run would move from a store.
func Count(ctx context.Context, db backend.Bulk, ids iter.Seq2[any, error]) (moved Moved, err error) {
	for batch, err := range batches(ids, moveBatch, nil) {
		var e *executions
		if err == nil {
			e, err = load(ctx, db, batch)
		}
		if err != nil {
			return moved, err
		}
		moved.add(e)
	}
	return moved, nil
}

// run calls do, which adds to moved, for each batch of receipt ids. It seals the log in the end.
func (m *Move) run(
	ctx context.Context, ids iter.Seq2[any, error], do func(ctx context.Context, ids []any, moved *Moved) error,
) (moved Moved, err error) {
	for batch, err := range batches(ids, cmp.Or(m.Batch, moveBatch), nil) {
		if err == nil {
			err = do(ctx, batch, &moved)
		}
		if err != nil {
			return moved, interrupted(ctx, err, "%w; what was moved by then stays moved, and another run does the rest")
		}
		if m.Progress != nil {
			m.Progress(moved)
		}
	}
	return moved, m.Seal(ctx)
}

// move moves a batch, and tries again if others changed it while it was copied. It seals
// the log before each attempt, since only sealed entries can leave it.
func (m *Move) move(ctx context.Context, ids []any, moved *Moved) error {
	for range moveAttempts {
		if err := m.Seal(ctx); err != nil {
			return err
		}
		e, err := load(ctx, m.Live, ids)
		if err != nil {
			return err
		}
		var namesakes []schema.Row
		err = view(ctx, m.Archive, func(s backend.Snapshot) (err error) {
			namesakes, err = e.namesakes(ctx, s)
			return err
		})
		if err != nil {
			return err
		}
		if len(namesakes) > 0 {
			moved.Kept += int64(len(namesakes))
			return m.move(ctx, without(ids, column(namesakes, 0)), moved)
		}
		if len(e.rows[0]) == 0 {
			return nil
		}
		if err := m.store(ctx, e); err != nil {
			return err
		}
		err = m.remove(ctx, e)
		if err == nil {
			moved.add(e)
			return nil
		}
		if !errors.Is(err, models.ErrForeignKey) && !errors.Is(err, models.ErrRetry) {
			return err
		}
	}
	moved.Kept += int64(len(ids))
	return nil
}

// prepare makes an empty database an archive. A store that is no archive, or the archive
// of another store, is models.ErrConflict and not changed.
func (m *Move) prepare(ctx context.Context) error {
	mark := schema.Named("tier2_archive")
	return update(ctx, m.Archive, func(tx backend.Writer) error {
		marks, err := tx.Count(ctx, mark)
		if err != nil {
			return err
		}
		if marks > 0 {
			newest, err := tx.Page(ctx, auditTree, backend.Range{Descending: true, Limit: 1})
			if err != nil {
				return err
			}
			return view(ctx, m.Live, func(live backend.Snapshot) error { return checkLeaves(ctx, live, newest) })
		}
		for _, t := range schema.Tables() {
			n, err := tx.Count(ctx, &t)
			if err == nil && n > 0 {
				err = columnConflict(&t, "", m.Where, "is a store of its own, not an archive: it holds rows")
			}
			if err != nil {
				return err
			}
		}
		return tx.Insert(ctx, mark, []schema.Row{{m.Source, m.now()}})
	})
}

// store writes executions to the archive. Rows that it has from an earlier run, and that
// the store has changed or deleted since, are updated or deleted.
func (m *Move) store(ctx context.Context, e *executions) error {
	return update(ctx, m.Archive, func(tx backend.Writer) error {
		old, err := read(ctx, tx, e.ids(0), false)
		if err != nil {
			return err
		}
		for i := log - 1; i > 0; i-- {
			if err := remove(ctx, tx, parts[i], "id", without(old.ids(i), e.ids(i))); err != nil {
				return err
			}
		}
		// Another leaf under the same key belongs to the tree of another store.
		if _, err := put(ctx, tx, auditTree, "entry_id", e.leaves, false); err != nil {
			return err
		}
		for i, part := range parts {
			if _, err := put(ctx, tx, part, "id", e.rows[i], i != log); err != nil {
				return err
			}
		}
		return nil
	})
}

// remove deletes executions from the store, and records it in the log. models.ErrRetry if they
// have changed since they were copied to the archive.
func (m *Move) remove(ctx context.Context, e *executions) error {
	return update(ctx, m.Live, func(tx backend.Writer) error {
		now, err := read(ctx, tx, e.ids(0), true)
		if err != nil {
			return err
		}
		if sealed := len(now.leaves) == len(now.rows[log]); !sealed || !e.equal(now) {
			return models.ErrRetry
		}
		if len(e.rows[log]) > 0 {
			boundary, err := m.record(ctx, tx, "archive", e)
			if err != nil {
				return err
			}
			removed := make([]schema.Row, len(e.rows[log]))
			for i, row := range e.rows[log] {
				removed[i] = schema.Row{row[0], boundary}
			}
			if _, err := put(ctx, tx, removedEntries, "entry_id", removed, true); err != nil {
				return err
			}
		}
		for _, i := range []int{2, 1, 0, log} { // children first
			if err := remove(ctx, tx, parts[i], "id", e.ids(i)); err != nil {
				return err
			}
		}
		return nil
	})
}

// restore copies a batch back in one transaction.
func (m *Move) restore(ctx context.Context, ids []any, moved *Moved) error {
	e, err := load(ctx, m.Archive, ids)
	if err != nil {
		return err
	}
	var back executions // what the store lacked
	err = update(ctx, m.Live, func(tx backend.Writer) error {
		if err := checkLeaves(ctx, tx, e.leaves); err != nil {
			return err
		}
		if err := e.dropDeleted(ctx, tx); err != nil {
			return err
		}
		others, err := e.namesakes(ctx, tx)
		if err != nil {
			return err
		}
		if len(others) > 0 {
			return columnConflict(receipts, "execution_id", others[0][executionID], "another execution of this name is there")
		}
		for i, part := range parts {
			if back.rows[i], err = put(ctx, tx, part, "id", e.rows[i], false); err != nil {
				return err
			}
		}
		if err := remove(ctx, tx, removedEntries, "entry_id", e.ids(log)); err != nil {
			return err
		}
		if len(back.rows[log]) > 0 {
			_, err = m.record(ctx, tx, "restore", &back)
		}
		return err
	})
	if err == nil {
		moved.add(&back)
	}
	return err
}

// record writes the audit entry that names the entries which leave the log or come back,
// and returns its id.
func (m *Move) record(ctx context.Context, tx backend.Writer, action string, e *executions) (int64, error) {
	id, err := tx.NextID(ctx, auditLog)
	if err != nil {
		return 0, err
	}
	ids := make([]int64, len(e.rows[log]))
	for i, row := range e.rows[log] {
		ids[i] = row.ID()
	}
	b := audit.NewBoundary(action, ids)
	b.Executions, b.Archive = int64(len(e.rows[0])), m.Where
	if !m.Before.IsZero() {
		b.Before = models.At(m.Before).String()
	}
	at := m.now()
	row := schema.Row{id, at, m.Agent, "audit_log." + action, string(models.AuditCompleted), int64(0), nil, audit.BoundaryContext(b), at}
	return id, tx.Insert(ctx, auditLog, []schema.Row{row})
}

func (m *Move) now() schema.Instant { return schema.Instant{Time: models.At(m.Now()).Time} }
