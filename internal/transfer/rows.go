// Package transfer moves rows between databases, and between a database and files: Copy,
// Export, Import, ImportTable, and Move with its archives. Rows keep their ids and times,
// nothing is audited, and memory stays constant whatever the size.
package transfer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"iter"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// A batch of rows ends at this many rows, or bytes of text.
const (
	batchRows  = 1000
	batchBytes = 4 << 20
)

// source is the part of a backend.Snapshot that rows are read from. Files implement it too.
type source interface {
	Count(ctx context.Context, t *schema.Table) (int64, error)
	Rows(ctx context.Context, t *schema.Table, after, upTo []any) iter.Seq2[schema.Row, error]
	Close() error
}

// view calls f with one state of a database.
func view(ctx context.Context, db backend.Bulk, f func(s backend.Snapshot) error) error {
	s, err := db.Snapshot(ctx)
	if err != nil {
		return err
	}
	defer s.Close() //nolint:errcheck // it changed nothing
	return f(s)
}

// differ returns models.ErrInvalid if both databases, which names describes, are the same one.
func differ(ctx context.Context, a, b backend.Bulk, names string) error {
	same, err := a.Same(ctx, b)
	if err == nil && same {
		err = refuse.Because(models.ErrInvalid, "%s are the same database", names)
	}
	return err
}

// update calls f in a transaction, which it commits unless f fails.
func update(ctx context.Context, db backend.Bulk, f func(tx backend.Writer) error) error {
	tx, err := db.Begin(ctx)
	if err != nil {
		return err
	}
	defer tx.Close() //nolint:errcheck // it committed, or f failed
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit(ctx)
}

// batches groups values in order. A batch ends at limit values, or at batchBytes by size;
// a nil size means that only values count. No batch is empty, and the next one reuses its memory.
func batches[T any](values iter.Seq2[T, error], limit int, size func(T) int) iter.Seq2[[]T, error] {
	return func(yield func([]T, error) bool) {
		var batch []T
		bytes := 0
		for v, err := range values {
			if err != nil {
				yield(nil, err)
				return
			}
			batch = append(batch, v)
			if size != nil {
				bytes += size(v)
			}
			if len(batch) == limit || bytes >= batchBytes {
				if !yield(batch, nil) {
					return
				}
				batch, bytes = batch[:0], 0
			}
		}
		if len(batch) > 0 {
			yield(batch, nil)
		}
	}
}

// batch is the rows of a table after one key, up to and including another one.
type batch struct {
	rows        []schema.Row
	after, upTo []any // nil means no bound
}

// scan reads a table of a source in batches, up to the first error. It reports a batch to p
// after the loop has processed it.
func scan(ctx context.Context, from source, t *schema.Table, p *progress) iter.Seq2[batch, error] {
	return func(yield func(batch, error) bool) {
		var b batch
		for rows, err := range batches(from.Rows(ctx, t, nil, nil), batchRows, textBytes) {
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				yield(batch{}, err)
				return
			}
			b = batch{rows, b.upTo, t.KeyOf(rows[len(rows)-1])}
			if !yield(b, nil) {
				return
			}
			p.add(t, len(rows))
		}
	}
}

func textBytes(row schema.Row) (bytes int) {
	for _, v := range row {
		if s, ok := v.(string); ok {
			bytes += len(s)
		}
	}
	return bytes
}

// Sequence returns values as a sequence without errors.
func Sequence[T any](values []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, v := range values {
			if !yield(v, nil) {
				return
			}
		}
	}
}

// visitor is called for a key whose rows are not equal: mine is nil if only the target has
// the key, theirs if the target lacks it.
type visitor func(mine, theirs schema.Row) error

// compare compares rows with those of a target, both in order of the key. It calls visit in
// that order, and returns the number of rows of the target that it read.
func compare(t *schema.Table, mine []schema.Row, target iter.Seq2[schema.Row, error], visit visitor) (read int64, err error) {
	i := 0
	for theirs, err := range target {
		if err != nil {
			return read, err
		}
		read++
		for ; i < len(mine) && t.Compare(mine[i], theirs) < 0; i++ {
			if err := visit(mine[i], nil); err != nil {
				return read, err
			}
		}
		var same schema.Row // of mine, with the key of theirs
		if i < len(mine) && t.Compare(mine[i], theirs) == 0 {
			same = mine[i]
			i++
		}
		if same == nil || !t.Equal(same, theirs) {
			if err := visit(same, theirs); err != nil {
				return read, err
			}
		}
	}
	for ; i < len(mine); i++ {
		if err := visit(mine[i], nil); err != nil {
			return read, err
		}
	}
	return read, nil
}

// difference is what a target needs to hold the rows of a source.
type difference struct {
	missing []schema.Row // rows that the target lacks
	changed []schema.Row // rows that the target holds in an older form
}

// save inserts the missing rows and updates the changed ones.
func (d *difference) save(ctx context.Context, tx backend.Writer, t *schema.Table) error {
	if len(d.missing) > 0 {
		if err := tx.Insert(ctx, t, d.missing); err != nil {
			return err
		}
	}
	return tx.Update(ctx, t, d.changed)
}

// Digest identifies the rows of a table.
type Digest struct {
	Rows   int64  `json:"rows"`
	SHA256 string `json:"sha256"` // over the canonical bytes of the rows, in order of their keys
}

// digester computes the Digest of rows of a table, which are added in order of their keys.
type digester struct {
	table *schema.Table
	hash  hash.Hash
	rows  int64
	buf   []byte
}

func newDigester(t *schema.Table) *digester { return &digester{table: t, hash: sha256.New()} }

func (d *digester) add(rows ...schema.Row) {
	for _, row := range rows {
		d.buf = d.table.Append(d.buf[:0], row)
		d.hash.Write(d.buf)
	}
	d.rows += int64(len(rows))
}

func (d *digester) sum() Digest { return Digest{d.rows, hex.EncodeToString(d.hash.Sum(nil))} }

// digestOf reads a table and returns its Digest and the id of its last row.
func digestOf(ctx context.Context, from source, t *schema.Table, p *progress) (_ Digest, last int64, _ error) {
	d := newDigester(t)
	for b, err := range scan(ctx, from, t, p) {
		if err != nil {
			return Digest{}, 0, err
		}
		d.add(b.rows...)
		last = b.rows[len(b.rows)-1].ID()
	}
	return d.sum(), last, nil
}

// Progress says how far a step has come.
type Progress struct {
	Step  string // checking, copying or comparing; with files also reading or exporting
	Table string
	Rows  int64 // rows of all tables that the step has processed
	Total int64 // rows of all tables of the source
}

// progress counts the rows of each step and reports them; report may be nil.
type progress struct {
	Progress
	report func(Progress)
}

// begin starts a step.
func (p *progress) begin(step string) { p.Step, p.Rows = step, 0 }

// start begins the first step, and counts the rows of the source if they are reported.
func (p *progress) start(ctx context.Context, step string, from source, tables []schema.Table) error {
	p.begin(step)
	p.Total = 0
	for _, t := range tables {
		if p.report == nil {
			break
		}
		n, err := from.Count(ctx, &t)
		if err != nil {
			return err
		}
		p.Total += n
	}
	return nil
}

// add reports rows of a table as processed.
func (p *progress) add(t *schema.Table, rows int) {
	p.Table = t.Name
	p.Rows += int64(rows)
	if p.report != nil {
		p.report(p.Progress)
	}
}

// interrupted replaces an error that came with the end of the context by the context's own
// in a sentence with %w, which says what remains to be done.
func interrupted(ctx context.Context, err error, sentence string) error {
	if err == nil || ctx.Err() == nil {
		return err
	}
	if errors.Is(err, backend.ErrOutcome) {
		sentence += "; the last transaction may have been committed"
	}
	return fmt.Errorf(sentence, ctx.Err())
}
