package sealing

import (
	"context"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/ledger"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// batch is how many entries a transaction adds to the tree: on SQLite others wait that
// long, some ten milliseconds.
const batch = 1000

// Seal adds the entries that the tree lacks, batch by batch, and then a checkpoint, which
// it signs and appends to the anchor. It returns the newest checkpoint, of size 0 if
// there is no entry. If the anchor is ahead of the database, or of another history,
// models.ErrConflict: nothing is appended to it. At most limit entries are added, all if
// it is 0.
func (l *Log) Seal(ctx context.Context, limit int) (ledger.Checkpoint, error) {
	for added := 0; ; {
		n, checkpoint, err := l.sealSome(ctx)
		if err != nil {
			return ledger.Checkpoint{}, err
		}
		if added += n; n < batch || limit > 0 && added >= limit {
			return checkpoint, l.anchor(ctx, checkpoint)
		}
	}
}

// sealSome adds a batch and a checkpoint, in one transaction.
func (l *Log) sealSome(ctx context.Context) (int, ledger.Checkpoint, error) {
	none := ledger.Checkpoint{}
	tx, err := l.Bulk.Begin(ctx)
	if err != nil {
		return 0, none, err
	}
	defer tx.Close()
	if archive, err := l.isArchive(ctx, tx); archive || err != nil {
		if err == nil {
			err = &models.Error{Kind: models.ErrReadOnly, Reason: "an archive is not sealed: its entries are in the tree of the store that they come from"}
		}
		return 0, none, err
	}
	upTo, err := tx.Settle(ctx, l.table("audit_log"))
	if err != nil {
		return 0, none, err
	}
	size, err := l.extend(ctx, tx, upTo)
	if err != nil {
		return 0, none, err
	}
	checkpoint, err := l.checkpoint(ctx, tx, size.after)
	if err != nil {
		return 0, none, err
	}
	return int(size.after - size.before), checkpoint, tx.Commit(ctx)
}

type sizes struct{ before, after int64 }

// extend adds leaves for entries up to an id, and the nodes above them that are complete.
func (l *Log) extend(ctx context.Context, tx engine.Writer, upTo int64) (size sizes, err error) {
	t := tree{l.table("tier2_audit_tree"), tx}
	last, err := t.last(ctx)
	if err != nil {
		return size, err
	}
	entries := engine.Range{UpTo: []any{upTo}, Limit: batch}
	if last != nil {
		size.before = last.n + 1
		entries.After = []any{last.entry}
	}
	size.after = size.before
	rows, err := tx.Page(ctx, l.table("audit_log"), entries)
	if err != nil || len(rows) == 0 {
		return size, err
	}
	leaves := make([]schema.Row, len(rows))
	for i, row := range rows {
		leaves[i] = schema.Row{int64(0), size.before + int64(i), schema.Entry(row).String(), row[entryID]}
	}
	size.after += int64(len(rows))
	if err := tx.Insert(ctx, t.table, leaves); err != nil {
		return size, err
	}
	for level := height; size.after>>level > 0; level += height {
		var nodes []schema.Row
		for n := size.before >> level; n < size.after>>level; n++ {
			// Made of the level below, since its own is not there yet.
			left, err := t.subtree(ctx, level-1, 2*n)
			if err != nil {
				return size, err
			}
			right, err := t.subtree(ctx, level-1, 2*n+1)
			if err != nil {
				return size, err
			}
			nodes = append(nodes, schema.Row{int64(level), n, tlog.NodeHash(left, right).String(), nil})
		}
		if len(nodes) == 0 {
			break
		}
		if err := tx.Insert(ctx, t.table, nodes); err != nil {
			return size, err
		}
	}
	return size, nil
}

// checkpoint is the newest, made if it is older than the tree of that size, and signed if
// it is not yet: stores without the key have sealed as well.
func (l *Log) checkpoint(ctx context.Context, tx engine.Writer, size int64) (ledger.Checkpoint, error) {
	newest, err := l.newest(ctx, tx)
	signed := l.Signer == nil || newest.Note != ""
	if err != nil || newest.Size == size && (signed || size == 0) {
		return newest, err
	}
	if newest.Size > size {
		return newest, &models.Error{Table: "tier2_audit_tree", Kind: models.ErrConflict, Reason: "the tree of the audit log is shorter than its newest checkpoint says; verify it"}
	}
	root, err := tree{l.table("tier2_audit_tree"), tx}.root(ctx, size)
	if err != nil {
		return newest, err
	}
	c, write := ledger.Checkpoint{Size: size, Root: root, Timestamp: models.At(l.Now())}, tx.Insert
	if newest.Size == size {
		if newest.Root != root {
			return newest, &models.Error{Table: "tier2_checkpoints", Column: "size", Value: size, Kind: models.ErrConflict, Reason: "the tree of the audit log is another one than its newest checkpoint says; verify it"}
		}
		c, write = newest, tx.Update
	}
	row := schema.Row{size, root.String(), schema.Instant{Time: c.Timestamp.Time}, nil}
	if l.Signer != nil {
		if err := c.Sign(l.Signer); err != nil {
			return c, err
		}
		row[checkpointNote] = c.Note
	}
	return c, write(ctx, l.table("tier2_checkpoints"), []schema.Row{row})
}

// newest is the newest checkpoint of the database.
func (l *Log) newest(ctx context.Context, s engine.Snapshot) (ledger.Checkpoint, error) {
	rows, err := s.Page(ctx, l.table("tier2_checkpoints"), engine.Range{Descending: true, Limit: 1})
	if err != nil || len(rows) == 0 {
		return ledger.Checkpoint{}, err
	}
	return readCheckpoint(rows[0])
}

func readCheckpoint(row schema.Row) (c ledger.Checkpoint, err error) {
	c.Size, _ = row[checkpointSize].(int64)
	at, ok := row[checkpointTime].(schema.Instant)
	root, _ := row[checkpointRoot].(string)
	c.Timestamp = models.At(at.Time)
	c.Note, _ = row[checkpointNote].(string)
	if c.Root, err = tlog.ParseHash(root); err != nil || !ok || c.Size <= 0 || c.Size > ledger.MaxSize {
		err = &models.Error{Table: "tier2_checkpoints", Column: "size", Value: c.Size, Kind: models.ErrCorrupt, Reason: "the checkpoint cannot be read"}
	}
	return c, err
}

// anchor appends a checkpoint to the anchor file, unless it is there.
func (l *Log) anchor(ctx context.Context, c ledger.Checkpoint) error {
	if l.Anchor == "" || c.Size == 0 {
		return nil
	}
	last, err := ledger.LastAnchored(l.Anchor)
	if err != nil {
		return err
	}
	if last.Size > 0 {
		if err := l.agrees(ctx, last, c); err != nil {
			return err
		}
	}
	if last.Size >= c.Size {
		return nil
	}
	return ledger.AppendAnchor(l.Anchor, c)
}

// agrees refuses an anchor that is not of this database's history.
func (l *Log) agrees(ctx context.Context, last, c ledger.Checkpoint) error {
	s, err := l.Bulk.Snapshot(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	t := tree{l.table("tier2_audit_tree"), s}
	end, err := t.last(ctx)
	if err != nil {
		return err
	}
	refuse := func(reason string) error {
		return &models.Error{Kind: models.ErrConflict, Value: l.Anchor, Reason: reason + ": nothing was added to it; verify the audit log against it"}
	}
	if end == nil || end.n+1 < last.Size {
		return refuse("the anchor has a checkpoint of more entries than the audit log")
	}
	root, err := t.root(ctx, last.Size)
	if err != nil {
		return err
	}
	if root != last.Root {
		return refuse("the anchor has a checkpoint of another history than the audit log")
	}
	return nil
}
