package transfer

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
)

var (
	receipts       = schema.Named("receipts")
	removedEntries = schema.Named("tier2_removed")
	executionID    = receipts.Index("execution_id")

	// parts are the tables of an execution, parents first; the last one is the log.
	parts = [...]*schema.Table{receipts, schema.Named("pipeline_metrics"), schema.Named("slo_violations"), auditLog}
)

const log = len(parts) - 1

// executions are the rows of some executions per part, in order of id, and the leaves of
// their entries in the tree.
type executions struct {
	rows   [len(parts)][]schema.Row
	leaves []schema.Row
}

// ids returns the ids of the rows of a part.
func (e *executions) ids(part int) []any { return column(e.rows[part], 0) }

func column(rows []schema.Row, i int) []any {
	list := make([]any, len(rows))
	for j, row := range rows {
		list[j] = row[i]
	}
	return list
}

// without returns the ids that are not among others.
func without(ids, others []any) []any {
	skip := map[any]bool{}
	for _, id := range others {
		skip[id] = true
	}
	return slices.DeleteFunc(ids, func(id any) bool { return skip[id] })
}

// load reads the executions of receipts in one state of a database.
func load(ctx context.Context, db backend.Bulk, ids []any) (e *executions, err error) {
	err = view(ctx, db, func(s backend.Snapshot) (err error) {
		e, err = read(ctx, s, ids, false)
		return err
	})
	return e, err
}

// read reads the executions of receipts. lock keeps other writers from changing them.
func read(ctx context.Context, s backend.Snapshot, ids []any, lock bool) (e *executions, err error) {
	e = &executions{}
	if e.rows[0], err = s.Pick(ctx, receipts, backend.By{Column: "id", Lock: lock}, ids); err != nil {
		return nil, err
	}
	names := column(e.rows[0], executionID)
	for i := 1; i < log; i++ {
		if e.rows[i], err = s.Pick(ctx, parts[i], backend.By{Column: "execution_id", Lock: lock}, names); err != nil {
			return nil, err
		}
	}
	if e.rows[log], err = entriesOf(ctx, s, names); err != nil {
		return nil, err
	}
	e.rows[log] = slices.DeleteFunc(e.rows[log], func(entry schema.Row) bool { return !movable(entry) })
	if err := e.addRenamed(ctx, s); err != nil {
		return nil, err
	}
	for chunk := range slices.Chunk(e.ids(log), moveBatch) {
		leaves, err := s.Pick(ctx, auditTree, backend.By{Column: "entry_id"}, chunk)
		if err != nil {
			return nil, err
		}
		e.leaves = append(e.leaves, leaves...)
	}
	return e, nil
}

// entriesOf returns the audit entries that name one of these executions.
func entriesOf(ctx context.Context, s backend.Snapshot, names []any) ([]schema.Row, error) {
	return s.Pick(ctx, auditLog, backend.By{Member: "execution_id"}, names)
}

// movable reports whether an entry that names an execution moves with it. Entries about
// rows that stay, such as the memory of an agent, stay too.
func movable(entry schema.Row) bool {
	name, _, _ := strings.Cut(auditLog.Text(entry, "operation"), ".")
	t := schema.Audited(name)
	return t == nil || slices.Contains(parts[:log], t)
}

// equal reports whether both hold the same rows.
func (e *executions) equal(other *executions) bool {
	for i, part := range parts {
		if !slices.EqualFunc(e.rows[i], other.rows[i], part.Equal) {
			return false
		}
	}
	return true
}

// compareBy compares rows with those of a database that have the same values in a column.
func compareBy(ctx context.Context, s backend.Snapshot, t *schema.Table, by string, rows []schema.Row, visit visitor) error {
	for chunk := range slices.Chunk(rows, moveBatch) {
		found, err := s.Pick(ctx, t, backend.By{Column: by}, column(chunk, t.Index(by)))
		if err != nil {
			return err
		}
		if _, err := compare(t, chunk, Sequence(found), visit); err != nil {
			return err
		}
	}
	return nil
}

// put inserts the rows that a table lacks and returns them. If the table holds other rows under the
// same values of a column, overwrite updates them; otherwise they are models.ErrConflict.
func put(ctx context.Context, tx backend.Writer, t *schema.Table, by string, rows []schema.Row, overwrite bool) ([]schema.Row, error) {
	var found difference
	err := compareBy(ctx, tx, t, by, rows, func(mine, theirs schema.Row) error {
		switch {
		case theirs == nil:
			found.missing = append(found.missing, mine)
		case mine != nil && overwrite:
			found.changed = append(found.changed, mine)
		default:
			return columnConflict(t, by, theirs[t.Index(by)], "another row has this key")
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return found.missing, found.save(ctx, tx, t)
}

// remove deletes the rows of a table that have one of these values in a column.
func remove(ctx context.Context, tx backend.Writer, t *schema.Table, by string, values []any) error {
	for chunk := range slices.Chunk(values, moveBatch) {
		if _, err := tx.Delete(ctx, t, by, chunk); err != nil {
			return err
		}
	}
	return nil
}

// checkLeaves rejects leaves of an archive that the store's own tree does not hold.
func checkLeaves(ctx context.Context, live backend.Snapshot, leaves []schema.Row) error {
	return compareBy(ctx, live, auditTree, "entry_id", leaves, func(mine, theirs schema.Row) error {
		if mine == nil {
			mine = theirs
		}
		id := mine[auditTree.Index("entry_id")]
		return columnConflict(auditLog, "id", id, "the archive is not one of this store: its entries are not in the store's tree")
	})
}

// change is the content of an audit entry about a change of a row. It is zero for other entries.
type change struct {
	Table   string
	Action  string
	ID      int64
	Changes struct {
		ID          struct{ From int64 }
		ExecutionID struct{ From string } `json:"execution_id"`
	}
}

// rowID names a row.
type rowID struct {
	table string
	id    int64
}

func changeIn(entry schema.Row) (c change) {
	_ = json.Unmarshal([]byte(auditLog.Text(entry, "context_json")), &c) // callers may write entries of any form
	return c
}

// addRenamed adds the entries about rows that belonged to another execution, or had another
// execution_id, when the entries were written. Otherwise entries would stay in the log
// whose rows nobody can find.
func (e *executions) addRenamed(ctx context.Context, s backend.Snapshot) error {
	moved, known := map[rowID]bool{}, map[string]bool{}
	for entries := e.rows[log]; len(entries) > 0; {
		var names []any
		for _, entry := range slices.Backward(entries) {
			c := changeIn(entry)
			from := c.Changes.ExecutionID.From
			if from == "" && !moved[rowID{c.Table, c.ID}] {
				continue
			}
			moved[rowID{c.Table, c.ID}] = true
			if c.Changes.ID.From != 0 {
				moved[rowID{c.Table, c.Changes.ID.From}] = true
			}
			if from != "" && !known[from] {
				known[from] = true
				names = append(names, from)
			}
		}
		found, err := entriesOf(ctx, s, names)
		if err != nil {
			return err
		}
		ids := e.ids(log)
		entries = slices.DeleteFunc(found, func(entry schema.Row) bool {
			c := changeIn(entry)
			return !moved[rowID{c.Table, c.ID}] || slices.Contains(ids, entry[0])
		})
		e.rows[log] = append(e.rows[log], entries...)
	}
	slices.SortFunc(e.rows[log], func(a, b schema.Row) int { return cmp.Compare(a.ID(), b.ID()) })
	return nil
}

// namesakes returns the receipts of these executions whose execution_id a database holds
// under another id.
func (e *executions) namesakes(ctx context.Context, s backend.Snapshot) ([]schema.Row, error) {
	found, err := s.Pick(ctx, receipts, backend.By{Column: "execution_id"}, column(e.rows[0], executionID))
	ids := e.ids(0)
	names := column(slices.DeleteFunc(found, func(row schema.Row) bool { return slices.Contains(ids, row[0]) }), executionID)
	return slices.DeleteFunc(slices.Clone(e.rows[0]), func(row schema.Row) bool { return !slices.Contains(names, row[executionID]) }), err
}

// dropDeleted drops the rows that the store has deleted since they were archived, as its log says.
func (e *executions) dropDeleted(ctx context.Context, live backend.Snapshot) error {
	entries, err := entriesOf(ctx, live, column(e.rows[0], executionID))
	if err != nil {
		return err
	}
	deleted := map[rowID]bool{}
	for _, entry := range entries {
		c := changeIn(entry)
		if from := c.Changes.ID.From; from != 0 {
			deleted[rowID{c.Table, from}] = true
		}
		deleted[rowID{c.Table, c.ID}] = c.Action == "delete"
	}
	for i, part := range parts[:log] {
		e.rows[i] = slices.DeleteFunc(e.rows[i], func(row schema.Row) bool { return deleted[rowID{part.Name, row.ID()}] })
	}
	return nil
}
