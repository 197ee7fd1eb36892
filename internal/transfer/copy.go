package transfer

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Table is the result for one table.
type Table struct {
	Name     string
	Source   Digest
	Target   Digest
	Inserted int64 // rows that the target lacked
	Updated  int64 // rows that the target held as an earlier copy had left them
}

// Copy copies all rows of one database to another, and compares both sides in the end, as tier2.Copy
// says. A target with rows of its own is rejected unchanged with models.ErrConflict. If the sides
// differ in the end, the error is models.ErrConflict, with the result. models.ErrInvalid if both are
// the same database.
func Copy(ctx context.Context, from, to backend.Bulk, report func(Progress)) (result []Table, err error) {
	defer func() { err = interrupted(ctx, err, "copy: %w; what was done stays, and doing it again does the rest") }()
	if err := differ(ctx, from, to, "source and target"); err != nil {
		return nil, err
	}
	snapshot, err := from.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	c := &copier{from: snapshot, to: to, tables: schema.Tables(), progress: progress{report: report}}
	return c.run(ctx)
}

// copier copies tables of a source to a database, parents before children.
type copier struct {
	from     source
	to       backend.Bulk
	tables   []schema.Table
	progress progress
	// merge lets the target hold rows that the source lacks; no row is updated.
	merge bool
}

// run does what Copy says, and closes the source.
func (c *copier) run(ctx context.Context) ([]Table, error) {
	defer c.from.Close() //nolint:errcheck // closed below; after an error, that error counts
	if err := c.check(ctx); err != nil {
		return nil, err
	}
	result, err := c.copy(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.from.Close(); err != nil {
		return nil, err
	}
	if err := c.readTarget(ctx, result); err != nil {
		return nil, err
	}
	var mismatches []error
	for _, t := range result {
		if t.Source != t.Target {
			reason := "the target differs from the source after the copy; was it written meanwhile?"
			mismatches = append(mismatches, &models.Error{Table: t.Name, Kind: models.ErrConflict, Reason: reason})
		}
	}
	return result, errors.Join(mismatches...)
}

// check rejects a target whose rows conflict with those of the source.
func (c *copier) check(ctx context.Context) error {
	if err := c.progress.start(ctx, "checking", c.from, c.tables); err != nil {
		return err
	}
	return view(ctx, c.to, func(target backend.Snapshot) error {
		for _, t := range c.tables {
			if err := c.checkTable(ctx, &t, target); err != nil {
				return err
			}
		}
		return nil
	})
}

func (c *copier) checkTable(ctx context.Context, t *schema.Table, target backend.Snapshot) error {
	left, err := target.Count(ctx, t)
	if err != nil || left == 0 {
		return err
	}
	var rest batch
	for b, err := range scan(ctx, c.from, t, &c.progress) {
		if err != nil || left == 0 {
			return err
		}
		_, read, err := c.match(ctx, t, b, target)
		if err != nil {
			return err
		}
		left -= read
		rest.after = b.upTo
	}
	_, _, err = c.match(ctx, t, rest, target)
	return err
}

// match compares a batch of the source with the rows of the target between the same keys.
// It returns the difference and how many rows of the target it read.
func (c *copier) match(ctx context.Context, t *schema.Table, b batch, target backend.Snapshot) (*difference, int64, error) {
	found := &difference{}
	read, err := compare(t, b.rows, target.Rows(ctx, t, b.after, b.upTo), func(mine, theirs schema.Row) error {
		switch {
		case theirs == nil:
			found.missing = append(found.missing, mine)
		case mine == nil && c.merge:
		case mine == nil:
			return conflict(t, theirs, "the target holds a row that the source does not have")
		case c.merge || !t.Succeeds(mine, theirs):
			return conflict(t, theirs, "the target holds another row under this key than the source")
		default:
			found.changed = append(found.changed, mine)
		}
		return nil
	})
	if err == nil && c.merge {
		err = afterSeal(ctx, t, found.missing, target)
	}
	if err != nil {
		return nil, read, err
	}
	return found, read, nil
}

// copy brings the tables of the target up to date.
func (c *copier) copy(ctx context.Context) (list []Table, err error) {
	c.progress.begin("copying")
	for _, t := range c.tables {
		result, digest := Table{Name: t.Name}, newDigester(&t)
		for b, err := range scan(ctx, c.from, &t, &c.progress) {
			if err != nil {
				return nil, err
			}
			found, err := c.write(ctx, &t, b)
			if err != nil {
				return nil, err
			}
			result.Inserted += int64(len(found.missing))
			result.Updated += int64(len(found.changed))
			digest.add(b.rows...)
		}
		result.Source = digest.sum()
		list = append(list, result)
	}
	return list, nil
}

// copyAttempts is how often a batch is tried while another writer of the target, such as a
// second copy, gets in its way.
const copyAttempts = 5

// write brings the rows of a batch up to date in one transaction, and returns the difference.
func (c *copier) write(ctx context.Context, t *schema.Table, b batch) (found *difference, err error) {
	for range copyAttempts {
		err = update(ctx, c.to, func(tx backend.Writer) (err error) {
			if c.merge && t.Name == auditLog.Name { // nothing is sealed until this transaction ends
				if _, err := tx.Settle(ctx, t); err != nil {
					return err
				}
			}
			if found, _, err = c.match(ctx, t, b, tx); err != nil {
				return err
			}
			return found.save(ctx, tx, t)
		})
		if !errors.Is(err, models.ErrDuplicate) && !errors.Is(err, models.ErrRetry) {
			break
		}
	}
	for _, data := range []error{models.ErrInvalid, models.ErrForeignKey, models.ErrDuplicate} {
		if errors.Is(err, data) && found != nil {
			return nil, c.blame(ctx, t, found, err)
		}
	}
	return found, err
}

// blame returns an error that names the row which the target refused. It finds the row by
// saving the rows one by one in a transaction that it rolls back.
func (c *copier) blame(ctx context.Context, t *schema.Table, found *difference, refused error) error {
	blamed := refused
	_ = update(ctx, c.to, func(tx backend.Writer) error { // fails, and so rolls back
		for i, row := range slices.Concat(found.missing, found.changed) {
			one := difference{missing: []schema.Row{row}}
			if i >= len(found.missing) {
				one = difference{changed: []schema.Row{row}}
			}
			if err := one.save(ctx, tx, t); err != nil {
				blamed = &rowError{t, row, fmt.Errorf("the target refused row %s of %s: %w", t.KeyText(row), t.Name, err)}
				break
			}
		}
		return blamed
	})
	return blamed
}

// readTarget sets the Target of the tables to those of one state of the target.
func (c *copier) readTarget(ctx context.Context, list []Table) error {
	c.progress.begin("comparing")
	return view(ctx, c.to, func(target backend.Snapshot) (err error) {
		for i, t := range c.tables {
			if list[i].Target, _, err = digestOf(ctx, target, &t, &c.progress); err != nil {
				return err
			}
		}
		return nil
	})
}

// rowError is an error about a row of the source, or about the row of the target that has its key.
type rowError struct {
	table *schema.Table
	row   schema.Row
	err   error
}

func (e *rowError) Error() string { return e.err.Error() }

func (e *rowError) Unwrap() error { return e.err }

func conflict(t *schema.Table, row schema.Row, reason string) error {
	return &rowError{t, row, columnConflict(t, t.KeyTitle(), t.KeyText(row), reason)}
}

func columnConflict(t *schema.Table, column string, value any, reason string) error {
	return &models.Error{Table: t.Name, Column: column, Value: fmt.Sprint(value), Kind: models.ErrConflict, Reason: reason}
}
