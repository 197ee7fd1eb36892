package archive

import (
	"context"
	"slices"

	"github.com/seanchatmangpt/ggen/tier2/internal/audit"
	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// prepare makes an empty database an archive. One that is a store of its own, or the
// archive of another store, is models.ErrConflict and left as it is.
func (m *Move) prepare(ctx context.Context) error {
	tx, err := m.Archive.Begin(ctx)
	if err != nil {
		return err
	}
	defer tx.Close()
	marks, err := tx.Count(ctx, m.table("tier2_archive"))
	if err != nil {
		return err
	}
	if marks > 0 {
		return m.known(ctx, tx)
	}
	for _, t := range m.Tables {
		if n, err := tx.Count(ctx, &t); err != nil || n > 0 {
			if err == nil {
				err = &models.Error{Table: t.Name, Kind: models.ErrConflict, Value: m.Where, Reason: "is a store of its own, not an archive: it holds rows"}
			}
			return err
		}
	}
	if err := tx.Insert(ctx, m.table("tier2_archive"), []schema.Row{{m.Source, schema.Instant{Time: models.At(m.Now()).Time}}}); err != nil {
		return err
	}
	return tx.Commit(ctx)
}

// known refuses the archive of another store.
func (m *Move) known(ctx context.Context, archive backend.Snapshot) error {
	newest, err := archive.Page(ctx, m.table("tier2_audit_tree"), backend.Range{Descending: true, Limit: 1})
	if err != nil {
		return err
	}
	live, err := m.Live.Snapshot(ctx)
	if err != nil {
		return err
	}
	defer live.Close()
	return m.ours(ctx, live, &executions{leaves: newest})
}

// keep puts executions into the archive. What it has of them from an earlier run, and the
// store has changed or deleted since, is brought up to date.
func (m *Move) keep(ctx context.Context, e *executions) error {
	tx, err := m.Archive.Begin(ctx)
	if err != nil {
		return err
	}
	defer tx.Close()
	old, err := m.read(ctx, tx, e.ids(0), false)
	if err != nil {
		return err
	}
	for i := log - 1; i > 0; i-- {
		now := map[any]bool{}
		for _, id := range e.ids(i) {
			now[id] = true
		}
		gone := slices.DeleteFunc(old.ids(i), func(id any) bool { return now[id] })
		if err := m.delete(ctx, tx, parts[i], "id", gone); err != nil {
			return err
		}
	}
	// A leaf that is another one under the same key is of another store's tree.
	if err := m.put(ctx, tx, "tier2_audit_tree", "entry_id", e.leaves, false); err != nil {
		return err
	}
	for i, part := range parts {
		if err := m.put(ctx, tx, part, "id", e.rows[i], i != log); err != nil {
			return err
		}
	}
	return tx.Commit(ctx)
}

// remove deletes executions that the archive has from the store, if they are still the
// same, and says so in the log.
func (m *Move) remove(ctx context.Context, e *executions) error {
	tx, err := m.Live.Begin(ctx)
	if err != nil {
		return err
	}
	defer tx.Close()
	now, err := m.read(ctx, tx, e.ids(0), true)
	if err != nil {
		return err
	}
	if !now.sealed() || !m.equal(e, now) {
		return errChanged
	}
	if len(e.rows[log]) > 0 {
		boundary, err := m.say(ctx, tx, "archive", e)
		if err != nil {
			return err
		}
		removed := make([]schema.Row, len(e.rows[log]))
		for i, row := range e.rows[log] {
			removed[i] = schema.Row{row[0], boundary}
		}
		if err := m.put(ctx, tx, "tier2_removed", "entry_id", removed, true); err != nil {
			return err
		}
	}
	for i := len(parts) - 2; i >= 0; i-- {
		if err := m.delete(ctx, tx, parts[i], "id", e.ids(i)); err != nil {
			return err
		}
	}
	if err := m.delete(ctx, tx, parts[log], "id", e.ids(log)); err != nil {
		return err
	}
	return tx.Commit(ctx)
}

func (m *Move) delete(ctx context.Context, tx backend.Writer, table, column string, values []any) error {
	for chunk := range slices.Chunk(values, batch) {
		if _, err := tx.Delete(ctx, m.table(table), column, chunk); err != nil {
			return err
		}
	}
	return nil
}

// say writes the entry that says which entries go or come back, and returns its id.
func (m *Move) say(ctx context.Context, tx backend.Writer, action string, e *executions) (int64, error) {
	t := m.table("audit_log")
	id, err := tx.NextID(ctx, t)
	if err != nil {
		return 0, err
	}
	ids := make([]int64, len(e.rows[log]))
	for i, row := range e.rows[log] {
		ids[i], _ = row[0].(int64)
	}
	b := audit.NewBoundary(action, ids)
	b.Executions, b.Archive = int64(len(e.rows[0])), m.Where
	if !m.Before.IsZero() {
		b.Before = models.At(m.Before).String()
	}
	at := schema.Instant{Time: models.At(m.Now()).Time}
	row := schema.Row{id, at, m.Agent, "audit_log." + action, string(models.AuditCompleted), int64(0), nil, audit.BoundaryContext(b), at}
	return id, tx.Insert(ctx, t, []schema.Row{row})
}
