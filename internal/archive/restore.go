package archive

import (
	"context"
	"errors"
	"iter"
	"slices"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
)

// Restore brings the executions of these receipt ids of the archive back, in batches. The
// archive keeps what it has. models.ErrConflict if it is not an archive of this store, or
// an execution is there again as another one.
func (m *Move) Restore(ctx context.Context, ids iter.Seq2[int64, error], seal func(context.Context) error) (Report, error) {
	var report Report
	for some, err := range m.chunks(ids) {
		if err == nil {
			err = m.restore(ctx, some, &report)
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

// restore brings a batch back, in one transaction.
func (m *Move) restore(ctx context.Context, ids []any, report *Report) error {
	s, err := m.Archive.Snapshot(ctx)
	if err != nil {
		return err
	}
	e, err := m.read(ctx, s, ids, false)
	if err = errors.Join(err, s.Close()); err != nil {
		return err
	}
	tx, err := m.Live.Begin(ctx)
	if err != nil {
		return err
	}
	defer tx.Close()
	if err := m.ours(ctx, tx, e); err != nil {
		return err
	}
	if err := m.deleted(ctx, tx, e); err != nil {
		return err
	}
	others, err := m.others(ctx, tx, e)
	if err != nil {
		return err
	}
	if len(others) > 0 {
		return conflict("receipts", "execution_id", others[0][m.table("receipts").Index("execution_id")], "another execution of this name is there")
	}
	back, err := m.missing(ctx, tx, e)
	if err != nil {
		return err
	}
	for i, part := range parts {
		if err := m.put(ctx, tx, part, "id", e.rows[i], false); err != nil {
			return err
		}
	}
	if err := m.delete(ctx, tx, "tier2_removed", "entry_id", e.ids(log)); err != nil {
		return err
	}
	if len(back.rows[log]) > 0 {
		if _, err := m.say(ctx, tx, "restore", back); err != nil {
			return err
		}
	}
	if err := tx.Commit(ctx); err != nil {
		return err
	}
	report.add(back)
	return nil
}

// ours refuses executions whose entries are not in the store's own tree as they are in
// the archive's.
func (m *Move) ours(ctx context.Context, live backend.Snapshot, e *executions) error {
	same := m.same("tier2_audit_tree")
	for chunk := range slices.Chunk(e.leaves, batch) {
		mine, err := live.Pick(ctx, m.table("tier2_audit_tree"), backend.By{Column: "entry_id"}, column(chunk, 3))
		if err != nil {
			return err
		}
		if !slices.EqualFunc(mine, chunk, same) {
			return conflict("audit_log", "id", chunk[0][3], "the archive is not one of this store: its entries are not in the store's tree")
		}
	}
	return nil
}

// missing is what the store lacks of executions.
func (m *Move) missing(ctx context.Context, tx backend.Writer, e *executions) (*executions, error) {
	var back executions
	for i, part := range parts {
		for chunk := range slices.Chunk(e.rows[i], batch) {
			there, err := tx.Pick(ctx, m.table(part), backend.By{Column: "id"}, column(chunk, 0))
			if err != nil {
				return nil, err
			}
			known := column(there, 0)
			for _, row := range chunk {
				if !slices.Contains(known, row[0]) {
					back.rows[i] = append(back.rows[i], row)
				}
			}
		}
	}
	return &back, nil
}
