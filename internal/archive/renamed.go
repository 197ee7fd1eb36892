package archive

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
)

// told is what an entry of the hooks says of a row.
type told struct {
	Table   string
	Action  string
	ID      int64
	Changes struct {
		ID          struct{ From int64 }
		ExecutionID struct{ From string } `json:"execution_id"`
	}
}

// name is a row by table and id.
type name struct {
	table string
	id    int64
}

func (m *Move) told(entry schema.Row) (t told) {
	text, _ := entry[m.table(parts[log]).Index("context_json")].(string)
	_ = json.Unmarshal([]byte(text), &t) // of whatever a caller's own entry says, nothing is taken
	return t
}

// renamed adds the entries of rows that were of another execution, or under another
// execution_id, when they were written: without them the store's log would speak of rows
// that nobody finds.
func (m *Move) renamed(ctx context.Context, s backend.Snapshot, e *executions) error {
	moved, looked := map[name]bool{}, map[string]bool{}
	for entries := e.rows[log]; len(entries) > 0; {
		var from []any
		for _, entry := range slices.Backward(entries) {
			t := m.told(entry)
			was := t.Changes.ExecutionID.From
			if was == "" && !moved[name{t.Table, t.ID}] {
				continue
			}
			moved[name{t.Table, t.ID}] = true
			if t.Changes.ID.From != 0 {
				moved[name{t.Table, t.Changes.ID.From}] = true
			}
			if was != "" && !looked[was] {
				looked[was] = true
				from = append(from, was)
			}
		}
		found, err := s.Pick(ctx, m.table(parts[log]), backend.By{Column: "context_json", Member: "execution_id"}, from)
		if err != nil {
			return err
		}
		known := e.ids(log)
		entries = slices.DeleteFunc(found, func(entry schema.Row) bool {
			t := m.told(entry)
			return !moved[name{t.Table, t.ID}] || slices.Contains(known, entry[0])
		})
		e.rows[log] = append(e.rows[log], entries...)
	}
	slices.SortFunc(e.rows[log], func(a, b schema.Row) int { return cmp.Compare(a[0].(int64), b[0].(int64)) })
	return nil
}

// others are the receipts of a database that have the execution_id of one of these under
// another id: executions of the same name that are not the same.
func (m *Move) others(ctx context.Context, s backend.Snapshot, e *executions) ([]schema.Row, error) {
	at := m.table(parts[0]).Index("execution_id")
	there, err := s.Pick(ctx, m.table(parts[0]), backend.By{Column: "execution_id"}, column(e.rows[0], at))
	return slices.DeleteFunc(there, func(row schema.Row) bool {
		return slices.ContainsFunc(e.rows[0], func(mine schema.Row) bool { return mine[0] == row[0] })
	}), err
}

// strangers are the ids of receipts whose execution_id the archive has of another execution.
func (m *Move) strangers(ctx context.Context, e *executions) (ids []any, err error) {
	archive, err := m.Archive.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	defer archive.Close()
	others, err := m.others(ctx, archive, e)
	at := m.table(parts[0]).Index("execution_id")
	for _, row := range e.rows[0] {
		if slices.ContainsFunc(others, func(other schema.Row) bool { return other[at] == row[at] }) {
			ids = append(ids, row[0])
		}
	}
	return ids, err
}

// deleted leaves out what the store has deleted since it was copied, of which its log says so.
func (m *Move) deleted(ctx context.Context, live backend.Snapshot, e *executions) error {
	entries, err := live.Pick(ctx, m.table(parts[log]), backend.By{Column: "context_json", Member: "execution_id"},
		column(e.rows[0], m.table(parts[0]).Index("execution_id")))
	if err != nil {
		return err
	}
	gone := map[name]bool{}
	for _, entry := range entries {
		t := m.told(entry)
		if was := t.Changes.ID.From; was != 0 {
			gone[name{t.Table, was}] = true
		}
		gone[name{t.Table, t.ID}] = t.Action == "delete"
	}
	for i, part := range parts[:log] {
		e.rows[i] = slices.DeleteFunc(e.rows[i], func(row schema.Row) bool { return gone[name{part, row[0].(int64)}] })
	}
	return nil
}
