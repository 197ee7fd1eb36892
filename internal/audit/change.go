package audit

import (
	"cmp"
	"context"
	"database/sql"
	"maps"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Action says what happened to a row.
type Action string

// The actions.
const (
	Create Action = "create"
	Update Action = "update"
	Delete Action = "delete"
)

// Change is what happened to one row. Old is nil for a create, New for a delete.
type Change struct {
	Table  *schema.Table
	Action Action
	Old    schema.Row
	New    schema.Row
	Extra  []string // the columns that users added; their values follow the table's
}

// row returns the row as it is now, or as it last was.
func (c Change) row() schema.Row {
	if c.New != nil {
		return c.New
	}
	return c.Old
}

// column returns the ith column of the rows.
func (c Change) column(i int) schema.Column {
	if i < len(c.Table.Columns) {
		return c.Table.Columns[i]
	}
	return schema.Column{Name: c.Extra[i-len(c.Table.Columns)]}
}

type fromTo struct {
	From any `json:"from"`
	To   any `json:"to"`
}

// changed reports whether an update changed a value.
func (c Change) changed() bool { return !slices.Equal(c.Old, c.New) }

// Set is a set of rows of one table. A value beyond the table's columns belongs to a column
// that users added, whose name is in Extra.
type Set struct {
	Table *schema.Table
	Extra []string
	Rows  []schema.Row
}

// Query reads the rows that a statement returns, with any order of columns. Values are nil,
// int64, float64 or string; times have the text of models.Timestamp.
func Query(ctx context.Context, pool gorm.ConnPool, table *schema.Table, query string, args ...any) (Set, error) {
	return QueryEach(ctx, pool, table, nil, query, args...)
}

// QueryEach is Query, and calls each, unless nil, with rows positioned on every row.
func QueryEach(ctx context.Context, pool gorm.ConnPool, table *schema.Table, each func(*sql.Rows) error, query string, args ...any) (Set, error) {
	set := Set{Table: table}
	rows, err := pool.QueryContext(ctx, query, args...)
	if err != nil {
		return set, err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return set, err
	}
	places := make([]int, len(names)) // of each column in a row
	for i, name := range names {
		if places[i] = table.Index(name); places[i] < 0 {
			places[i] = len(table.Columns) + len(set.Extra)
			set.Extra = append(set.Extra, name)
		}
	}
	width := len(table.Columns) + len(set.Extra)
	for rows.Next() {
		row, dest := make(schema.Row, width), make([]any, len(names))
		for i, place := range places {
			dest[i] = &row[place]
		}
		if err := rows.Scan(dest...); err != nil {
			return set, err
		}
		for i, v := range row {
			row[i] = plain(v)
		}
		set.Rows = append(set.Rows, row)
		if each == nil {
			continue
		}
		if err := each(rows); err != nil {
			return set, err
		}
	}
	return set, rows.Err()
}

// plain converts a value of a driver.
func plain(v any) any {
	switch v := v.(type) {
	case []byte:
		return string(v)
	case time.Time:
		return models.At(v).String()
	}
	return v
}

// Deleted returns the deletes of the rows, in the order of ids.
func (s Set) Deleted() []Change {
	slices.SortFunc(s.Rows, byID)
	changes := make([]Change, len(s.Rows))
	for i, r := range s.Rows {
		changes[i] = Change{Table: s.Table, Action: Delete, Old: r, Extra: s.Extra}
	}
	return changes
}

// Compare returns the updates and creates that lead from the rows of before to those of
// after, which it pairs by id. Rows without a difference give no change.
func Compare(before, after Set) []Change {
	changes, _, unmatched := pair(before, after)
	for _, r := range unmatched {
		changes = append(changes, Change{Table: after.Table, Action: Create, New: r, Extra: after.Extra})
	}
	return changes
}

// CompareUpdate is Compare for an UPDATE, which creates nothing: a row with a new id is one
// whose id was changed. It is paired by natural key, else in the order of ids.
func CompareUpdate(before, after Set) []Change {
	changes, left, unmatched := pair(before, after)
	slices.SortFunc(left, byID)
	table := before.Table
	byKey := map[string]schema.Row{}
	if table.NaturalKey != "" {
		for _, r := range left {
			byKey[table.Text(r, table.NaturalKey)] = r
		}
	}
	for i, r := range unmatched {
		if old, ok := byKey[table.Text(r, table.NaturalKey)]; ok {
			changes = appendUpdate(changes, after, old, r)
		} else if i < len(left) {
			changes = appendUpdate(changes, after, left[i], r)
		}
	}
	return changes
}

// byID orders rows, which no engine returns in a fixed order.
func byID(a, b schema.Row) int { return cmp.Compare(a.ID(), b.ID()) }

// pair matches rows by id. It returns the updates, in the order of ids, the rows of before
// and the rows of after that have no match.
func pair(before, after Set) (updates []Change, left, unmatched []schema.Row) {
	known := make(map[int64]schema.Row, len(before.Rows))
	for _, r := range before.Rows {
		known[r.ID()] = r
	}
	for _, r := range slices.SortedFunc(slices.Values(after.Rows), byID) {
		old, ok := known[r.ID()]
		if !ok {
			unmatched = append(unmatched, r)
			continue
		}
		delete(known, r.ID())
		updates = appendUpdate(updates, after, old, r)
	}
	return updates, slices.Collect(maps.Values(known)), unmatched
}

func appendUpdate(changes []Change, set Set, old, now schema.Row) []Change {
	c := Change{Table: set.Table, Action: Update, Old: old, New: now, Extra: set.Extra}
	if !c.changed() {
		return changes
	}
	return append(changes, c)
}
