package transfer

import (
	"bytes"
	"context"
	"iter"
	"slices"
	"strings"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// batches groups rows, in order. No batch is empty.
func batches(rows iter.Seq2[schema.Row, error]) iter.Seq2[[]schema.Row, error] {
	return func(yield func([]schema.Row, error) bool) {
		var batch []schema.Row
		size := 0
		for row, err := range rows {
			if err != nil {
				yield(nil, err)
				return
			}
			batch = append(batch, row)
			for _, v := range row {
				if s, ok := v.(string); ok {
					size += len(s)
				}
			}
			if len(batch) == batchRows || size >= batchBytes {
				if !yield(batch, nil) {
					return
				}
				batch, size = batch[:0], 0
			}
		}
		if len(batch) > 0 {
			yield(batch, nil)
		}
	}
}

// difference is what rows of the source are to rows of the target.
type difference struct {
	missing []schema.Row // the source's, that the target lacks
	changed []schema.Row // the source's, that the target has in an older form
	rows    int64        // how many the target has
}

// match compares a batch of the source with the target's rows between the same keys.
// A row of the target that the source does not have, or that is another row under the
// same key, is models.ErrConflict.
func (t *transfer) match(ctx context.Context, table *schema.Table, batch []schema.Row, target backend.Snapshot, after, upTo []any) (*difference, error) {
	rows, same := target.Rows(ctx, table, after, upTo), identity(table)
	if !t.others {
		return match(table, batch, rows, same, false)
	}
	found, err := match(table, batch, rows, func(a, b schema.Row) bool { return false }, true)
	if err == nil {
		err = t.behindSeal(ctx, table, found.missing, target)
	}
	return found, err
}

// match is match of rows, both in order of the key; others says whether the target may
// hold more, same whether two rows of one key are one.
func match(table *schema.Table, batch []schema.Row, target iter.Seq2[schema.Row, error], same func(a, b schema.Row) bool, others bool) (*difference, error) {
	found := &difference{}
	i := 0
	for row, err := range target {
		if err != nil {
			return nil, err
		}
		found.rows++
		for i < len(batch) && table.Compare(batch[i], row) < 0 {
			found.missing = append(found.missing, batch[i])
			i++
		}
		if i == len(batch) || table.Compare(batch[i], row) > 0 {
			if others {
				continue
			}
			return nil, conflict(table, row, "the target holds a row that the source does not have")
		}
		mine := batch[i]
		i++
		if bytes.Equal(appendRow(nil, table, mine), appendRow(nil, table, row)) {
			continue
		}
		if !same(mine, row) {
			return nil, conflict(table, row, "the target holds another row under this key than the source")
		}
		found.changed = append(found.changed, mine)
	}
	found.missing = append(found.missing, batch[i:]...)
	return found, nil
}

// identity tells whether two rows of one key are the same row, changed meanwhile: they
// agree in their natural key and in created_at, which no update touches. Entries
// of the audit log, and what proves them, are never changed; only a checkpoint may be
// signed later.
func identity(table *schema.Table) func(a, b schema.Row) bool {
	if table.Name == "tier2_checkpoints" {
		note := slices.IndexFunc(table.Columns, func(c schema.Column) bool { return c.Name == "note" })
		return func(a, b schema.Row) bool {
			unsigned := slices.Clone(a)
			unsigned[note] = nil
			return bytes.Equal(appendRow(nil, table, unsigned), appendRow(nil, table, b))
		}
	}
	if table.Name == (&models.AuditEntry{}).TableName() || strings.HasPrefix(table.Name, "tier2_") {
		return func(a, b schema.Row) bool { return false }
	}
	names := []string{"created_at"}
	if table.NaturalKey != "" {
		names = append(names, table.NaturalKey)
	}
	return func(a, b schema.Row) bool {
		for i, c := range table.Columns {
			kind := c.Kind
			if slices.Contains(names, c.Name) && !bytes.Equal(schema.Append(nil, kind, a.Value(i)), schema.Append(nil, kind, b.Value(i))) {
				return false
			}
		}
		return true
	}
}

// RowError is what is wrong with a row of the source, or with that of the target that has
// its key.
type RowError struct {
	Table *schema.Table
	Row   schema.Row
	Err   error
}

func (e *RowError) Error() string { return e.Err.Error() }

// Unwrap gives what is wrong.
func (e *RowError) Unwrap() error { return e.Err }

func conflict(table *schema.Table, row schema.Row, reason string) error {
	return &RowError{table, row, &models.Error{
		Table: table.Name, Column: table.KeyTitle(), Value: table.KeyText(row), Reason: reason, Kind: models.ErrConflict,
	}}
}
