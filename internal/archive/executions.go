package archive

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// parts are the tables of an execution, parents first.
var parts = [...]string{"receipts", "pipeline_metrics", "slo_violations", "audit_log"}

const log = 3 // of parts

// executions are the rows of some executions, by parts, in order of id; and the leaves of
// their entries.
type executions struct {
	rows   [len(parts)][]schema.Row
	leaves []schema.Row
}

// ids are those of the rows of a part.
func (e *executions) ids(part int) []any { return column(e.rows[part], 0) }

func column(rows []schema.Row, i int) []any {
	list := make([]any, len(rows))
	for j, row := range rows {
		list[j] = row[i]
	}
	return list
}

// read reads the executions of receipts; with lock, others are kept from changing them.
func (m *Move) read(ctx context.Context, s backend.Snapshot, receipts []any, lock bool) (*executions, error) {
	e := &executions{}
	var names []any
	for i, part := range parts {
		by, values := backend.By{Column: "execution_id", Lock: lock}, names
		switch i {
		case 0:
			by, values = backend.By{Column: "id", Lock: lock}, receipts
		case log:
			by = backend.By{Column: "context_json", Member: "execution_id"}
		}
		var err error
		if e.rows[i], err = s.Pick(ctx, m.table(part), by, values); err != nil {
			return nil, err
		}
		if i == 0 {
			names = column(e.rows[0], m.table(part).Index("execution_id"))
		}
	}
	operation := m.table(parts[log]).Index("operation")
	e.rows[log] = slices.DeleteFunc(e.rows[log], func(row schema.Row) bool { return !belongs(row[operation]) })
	err := m.renamed(ctx, s, e)
	if err != nil {
		return nil, err
	}
	for chunk := range slices.Chunk(e.ids(log), batch) {
		var leaves []schema.Row
		if leaves, err = s.Pick(ctx, m.table("tier2_audit_tree"), backend.By{Column: "entry_id"}, chunk); err != nil {
			return nil, err
		}
		e.leaves = append(e.leaves, leaves...)
	}
	return e, nil
}

// belongs reports whether an entry that names an execution goes with it: not those of
// rows that stay, such as of an agent's memory, whose history must not lose any.
func belongs(operation any) bool {
	text, _ := operation.(string)
	table, _, _ := strings.Cut(text, ".")
	if slices.Contains(parts[:log], table) {
		return true
	}
	return schema.Audited(table) == nil
}

// sealed reports whether every entry is in the tree.
func (e *executions) sealed() bool { return len(e.leaves) == len(e.rows[log]) }

// equal reports whether the rows are the same.
func (m *Move) equal(a, b *executions) bool {
	for i, part := range parts {
		if !slices.EqualFunc(a.rows[i], b.rows[i], m.same(part)) {
			return false
		}
	}
	return true
}

// same compares two rows of a table by their canonical bytes.
func (m *Move) same(table string) func(a, b schema.Row) bool {
	t := m.table(table)
	return func(a, b schema.Row) bool {
		for i, c := range t.Columns {
			if !bytes.Equal(schema.Append(nil, c.Kind, a.Value(i)), schema.Append(nil, c.Kind, b.Value(i))) {
				return false
			}
		}
		return true
	}
}

// put inserts rows of a table, unless they are there. Another row under the same key is
// updated to what it is now, if that is allowed, or models.ErrConflict.
func (m *Move) put(ctx context.Context, tx backend.Writer, table, key string, rows []schema.Row, update bool) error {
	t := m.table(table)
	at := t.Index(key)
	for chunk := range slices.Chunk(rows, batch) {
		there, err := tx.Pick(ctx, t, backend.By{Column: key}, column(chunk, at))
		if err != nil {
			return err
		}
		known := make(map[any]schema.Row, len(there))
		for _, row := range there {
			known[row[at]] = row
		}
		var missing, changed []schema.Row
		for _, row := range chunk {
			switch old, ok := known[row[at]]; {
			case !ok:
				missing = append(missing, row)
			case m.same(table)(old, row):
			case update:
				changed = append(changed, row)
			default:
				return conflict(table, key, row[at], "another row has this key")
			}
		}
		if len(missing) > 0 {
			if err := tx.Insert(ctx, t, missing); err != nil {
				return err
			}
		}
		if err := tx.Update(ctx, t, changed); err != nil {
			return err
		}
	}
	return nil
}

func conflict(table, column string, value any, reason string) error {
	return &models.Error{Table: table, Column: column, Value: fmt.Sprint(value), Kind: models.ErrConflict, Reason: reason}
}
