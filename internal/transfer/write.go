package transfer

import (
	"context"
	"errors"
	"fmt"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// copy brings a table of the target up to date.
func (t *transfer) copy(ctx context.Context, table *schema.Table, result *Table) error {
	digest := NewDigester()
	var after []any
	for batch, err := range batches(t.from.All(ctx, table)) {
		if err != nil {
			return err
		}
		upTo := table.KeyOf(batch[len(batch)-1])
		found, err := t.write(ctx, table, batch, after, upTo)
		if err != nil {
			return err
		}
		result.Inserted += int64(len(found.missing))
		result.Updated += int64(len(found.changed))
		after = upTo
		for _, row := range batch {
			digest.Add(table, row)
		}
		t.advance(table, len(batch))
	}
	result.Source = digest.Sum()
	return nil
}

// attempts is how often a batch is tried that another writer of the target, such as
// a second copy, was in the way of.
const attempts = 5

// write brings the rows of a batch up to date, in one transaction.
func (t *transfer) write(ctx context.Context, table *schema.Table, batch []schema.Row, after, upTo []any) (found *difference, err error) {
	for range attempts {
		found, err = t.writeOnce(ctx, table, batch, after, upTo)
		if !errors.Is(err, models.ErrDuplicate) && !errors.Is(err, models.ErrRetry) {
			break
		}
	}
	for _, data := range []error{models.ErrInvalid, models.ErrForeignKey, models.ErrDuplicate} {
		if errors.Is(err, data) && found != nil {
			return nil, t.blame(ctx, table, found, err)
		}
	}
	return found, err
}

// writeOnce returns what it found to be done even if that was refused.
func (t *transfer) writeOnce(ctx context.Context, table *schema.Table, batch []schema.Row, after, upTo []any) (*difference, error) {
	tx, err := t.to.Begin(ctx)
	if err != nil {
		return nil, err
	}
	defer tx.Close()
	if err := t.settle(ctx, table, tx); err != nil {
		return nil, err
	}
	found, err := t.match(ctx, table, batch, tx, after, upTo)
	if err != nil || len(found.missing)+len(found.changed) == 0 {
		return found, err
	}
	if err := save(ctx, tx, table, found); err != nil {
		return found, err
	}
	return found, tx.Commit(ctx)
}

func save(ctx context.Context, tx backend.Writer, table *schema.Table, found *difference) error {
	if len(found.missing) > 0 {
		if err := tx.Insert(ctx, table, found.missing); err != nil {
			return err
		}
	}
	return tx.Update(ctx, table, found.changed)
}

// blame names the row that the target refused: it saves one by one what it would
// not take at once, and rolls that back.
func (t *transfer) blame(ctx context.Context, table *schema.Table, found *difference, refused error) error {
	tx, err := t.to.Begin(ctx)
	if err != nil {
		return refused
	}
	defer tx.Close()
	for _, row := range found.missing {
		if err := tx.Insert(ctx, table, []schema.Row{row}); err != nil {
			return refusedRow(table, row, err)
		}
	}
	for _, row := range found.changed {
		if err := tx.Update(ctx, table, []schema.Row{row}); err != nil {
			return refusedRow(table, row, err)
		}
	}
	return refused
}

func refusedRow(table *schema.Table, row schema.Row, err error) error {
	return &RowError{table, row, fmt.Errorf("the target refused row %s of %s: %w", table.KeyText(row), table.Name, err)}
}
