// Package sealing stores the Merkle tree over the audit log in its database. It extends the
// tree, verifies log and rows against it, and proves entries. Package ledger describes the
// tree, checkpoints and proofs.
package sealing

import (
	"context"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/seanchatmangpt/ggen/tier2/internal/anchor"
	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/ledger"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Log is the audit log of an open database.
type Log struct {
	Bulk   backend.Bulk
	Now    func() time.Time
	Signer note.Signer // signs checkpoints; nil for none
	Anchor string      // the anchor file; "" for none
	// Archive opens an archive for reading.
	Archive func(ctx context.Context, dsn string) (backend.Bulk, func() error, error)
}

// The tables of the log, read even if they hold values of other types.
var (
	logTable        = lenient("audit_log")
	treeTable       = lenient("tier2_audit_tree")
	checkpointTable = lenient("tier2_checkpoints")
	removedTable    = lenient("tier2_removed")
	archiveTable    = lenient("tier2_archive")
)

func lenient(name string) *schema.Table {
	t := *schema.Named(name)
	t.Lenient = true
	return &t
}

// The columns of audit_log, tier2_audit_tree and tier2_checkpoints.
const (
	entryID        = 0
	entryOperation = 3
	entryStatus    = 4
	entryContext   = 7

	treeN     = 1
	treeHash  = 2
	treeEntry = 3

	checkpointSize = 0
	checkpointRoot = 1
	checkpointTime = 2
	checkpointNote = 3
)

// batch is how many entries one transaction seals. On SQLite other writers wait for it,
// some ten milliseconds.
const batch = 1000

// Seal adds entries to the tree, batch by batch, then a checkpoint, which it signs and
// appends to the anchor. It returns the newest checkpoint, of size 0 if there is no entry.
// It adds about limit entries at most, or all if limit is 0. Errors: models.ErrConflict,
// without appending to the anchor, if the anchor is ahead of the database or belongs to
// another history; models.ErrReadOnly for an archive.
func (l *Log) Seal(ctx context.Context, limit int) (ledger.Checkpoint, error) {
	for added := 0; ; {
		n, checkpoint, err := l.sealBatch(ctx)
		if err != nil {
			return ledger.Checkpoint{}, err
		}
		if added += n; n < batch || limit > 0 && added >= limit {
			return checkpoint, l.appendAnchor(ctx, checkpoint)
		}
	}
}

// sealBatch adds entries and a checkpoint in one transaction.
func (l *Log) sealBatch(ctx context.Context) (added int, checkpoint ledger.Checkpoint, err error) {
	tx, err := l.Bulk.Begin(ctx)
	if err != nil {
		return 0, checkpoint, err
	}
	defer tx.Close() //nolint:errcheck // Commit, or an error before it, counts
	if archive, err := isArchive(ctx, tx); err != nil {
		return 0, checkpoint, err
	} else if archive {
		return 0, checkpoint, refuse.Because(models.ErrReadOnly,
			"an archive is not sealed: its entries are in the tree of the store that they come from")
	}
	upTo, err := tx.Settle(ctx, logTable)
	if err != nil {
		return 0, checkpoint, err
	}
	before, after, err := extend(ctx, tx, upTo)
	if err != nil {
		return 0, checkpoint, err
	}
	checkpoint, err = l.checkpoint(ctx, tx, after)
	if err != nil {
		return 0, checkpoint, err
	}
	return int(after - before), checkpoint, tx.Commit(ctx)
}

// isArchive reports whether the database is an archive, whose tree is incomplete.
func isArchive(ctx context.Context, s backend.Snapshot) (bool, error) {
	n, err := s.Count(ctx, archiveTable)
	return n > 0, err
}

// extend adds leaves for entries up to an id, and the nodes above them that become
// complete. It returns the size of the tree before and after.
func extend(ctx context.Context, tx backend.Writer, upTo int64) (before, after int64, err error) {
	t := tree{tx}
	last, err := t.last(ctx)
	if err != nil {
		return 0, 0, err
	}
	entries := backend.Range{UpTo: []any{upTo}, Limit: batch}
	if last != nil {
		before = last.n + 1
		entries.After = []any{last.entry}
	}
	rows, err := tx.Page(ctx, logTable, entries)
	if err != nil || len(rows) == 0 {
		return before, before, err
	}
	leaves := make([]schema.Row, len(rows))
	for i, row := range rows {
		leaves[i] = schema.Row{int64(0), before + int64(i), schema.Entry(row).String(), row[entryID]}
	}
	after = before + int64(len(rows))
	if err := tx.Insert(ctx, treeTable, leaves); err != nil {
		return before, after, err
	}
	for level := height; after>>level > before>>level; level += height {
		var nodes []schema.Row
		for n := before >> level; n < after>>level; n++ {
			// From the level below, since the node itself is not stored yet.
			left, err := t.subtree(ctx, level-1, 2*n)
			if err != nil {
				return before, after, err
			}
			right, err := t.subtree(ctx, level-1, 2*n+1)
			if err != nil {
				return before, after, err
			}
			nodes = append(nodes, schema.Row{int64(level), n, tlog.NodeHash(left, right).String(), nil})
		}
		if err := tx.Insert(ctx, treeTable, nodes); err != nil {
			return before, after, err
		}
	}
	return before, after, nil
}

// checkpoint returns the checkpoint of a tree of some size, which it inserts if it is
// missing. It signs one that another store, without the key, left unsigned.
func (l *Log) checkpoint(ctx context.Context, tx backend.Writer, size int64) (ledger.Checkpoint, error) {
	newest, err := newestCheckpoint(ctx, tx)
	signed := l.Signer == nil || newest.Note != ""
	if err != nil || newest.Size == size && (signed || size == 0) {
		return newest, err
	}
	if newest.Size > size {
		return newest, &models.Error{Table: "tier2_audit_tree", Kind: models.ErrConflict,
			Reason: "the tree of the audit log is shorter than its newest checkpoint says; verify it"}
	}
	root, err := tree{tx}.root(ctx, size)
	if err != nil {
		return newest, err
	}
	c, write := ledger.Checkpoint{Size: size, Root: root, Timestamp: models.At(l.Now())}, tx.Insert
	if newest.Size == size {
		if newest.Root != root {
			return newest, &models.Error{Table: "tier2_checkpoints", Column: "size", Value: size, Kind: models.ErrConflict,
				Reason: "the tree of the audit log is another one than its newest checkpoint says; verify it"}
		}
		c, write = newest, tx.Update
	}
	row := schema.Row{size, root.String(), schema.Instant{Time: c.Timestamp.Time}, nil}
	if l.Signer != nil {
		if c.Note, err = anchor.Checkpoint(c).Sign(l.Signer); err != nil {
			return c, err
		}
		row[checkpointNote] = c.Note
	}
	return c, write(ctx, checkpointTable, []schema.Row{row})
}

// newestCheckpoint returns the newest checkpoint of the database, of size 0 if there is
// none.
func newestCheckpoint(ctx context.Context, s backend.Snapshot) (ledger.Checkpoint, error) {
	rows, err := s.Page(ctx, checkpointTable, backend.Range{Descending: true, Limit: 1})
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
	if c.Root, err = tlog.ParseHash(root); err != nil || !ok || c.Size <= 0 || c.Size > anchor.MaxSize {
		err = &models.Error{Table: "tier2_checkpoints", Column: "size", Value: c.Size, Kind: models.ErrCorrupt, Reason: "the checkpoint cannot be read"}
	}
	return c, err
}

// appendAnchor appends a checkpoint to the anchor file unless the file has it.
func (l *Log) appendAnchor(ctx context.Context, c ledger.Checkpoint) error {
	if l.Anchor == "" || c.Size == 0 {
		return nil
	}
	last, err := anchor.Last(l.Anchor)
	if err == nil && last.Size > 0 {
		err = l.checkAnchor(ctx, last)
	}
	if err != nil || last.Size >= c.Size {
		return err
	}
	return anchor.Append(l.Anchor, anchor.Checkpoint(c))
}

// checkAnchor returns models.ErrConflict if the last checkpoint of the anchor does not
// belong to the history of this database.
func (l *Log) checkAnchor(ctx context.Context, last anchor.Checkpoint) error {
	s, err := l.Bulk.Snapshot(ctx)
	if err != nil {
		return err
	}
	defer s.Close() //nolint:errcheck // only read
	t := tree{s}
	end, err := t.last(ctx)
	if err != nil {
		return err
	}
	conflict := func(reason string) error {
		return &models.Error{Kind: models.ErrConflict, Value: l.Anchor,
			Reason: reason + ": nothing was added to it; verify the audit log against it"}
	}
	if end == nil || end.n+1 < last.Size {
		return conflict("the anchor has a checkpoint of more entries than the audit log")
	}
	root, err := t.root(ctx, last.Size)
	if err != nil {
		return err
	}
	if root != last.Root {
		return conflict("the anchor has a checkpoint of another history than the audit log")
	}
	return nil
}
