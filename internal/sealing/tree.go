package sealing

import (
	"context"
	"fmt"
	"math"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/seanchatmangpt/ggen/tier2/internal/anchor"
	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/ledger"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// height is the distance between stored levels. A node covers 256 nodes of the stored level
// below it, so the tree is hardly larger than its leaves, and any of its hashes can be
// computed from at most 256 stored ones.
const height = 8

// tree is tier2_audit_tree in one state of the database.
type tree struct{ db backend.Snapshot }

// lastLeaf is the largest possible key of a leaf.
var lastLeaf = []any{int64(0), int64(math.MaxInt64)}

// leaf is a row of level 0.
type leaf struct {
	n, entry int64
	content  tlog.Hash
}

func (l leaf) hash() tlog.Hash { return schema.Leaf(l.entry, l.content) }

// last returns the last leaf, or nil.
func (t tree) last(ctx context.Context) (*leaf, error) {
	found, err := t.leaves(ctx, backend.Range{After: []any{int64(0), int64(-1)}, UpTo: lastLeaf, Descending: true, Limit: 1})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

// leaves returns the leaves in a range of level 0.
func (t tree) leaves(ctx context.Context, r backend.Range) ([]leaf, error) {
	rows, err := t.db.Page(ctx, treeTable, r)
	if err != nil {
		return nil, err
	}
	list := make([]leaf, len(rows))
	for i, row := range rows {
		if list[i], err = readLeaf(row); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// nodes returns the rows of a level from index n on, at most limit.
func (t tree) nodes(ctx context.Context, level, n, limit int64) ([]schema.Row, error) {
	return t.db.Page(ctx, treeTable, backend.Range{After: []any{level, n - 1}, UpTo: []any{level, n + limit - 1}})
}

func readLeaf(row schema.Row) (leaf, error) {
	n, _ := row[treeN].(int64)
	entry, ok := row[treeEntry].(int64)
	content, err := readHash(row)
	if !ok {
		err = damaged("leaf %d of the tree names no entry", n)
	}
	if n >= anchor.MaxSize {
		err = damaged("no tree has a leaf %d", n)
	}
	return leaf{n, entry, content}, err
}

func readHash(row schema.Row) (tlog.Hash, error) {
	text, _ := row[treeHash].(string)
	hash, err := tlog.ParseHash(text)
	if err != nil {
		return hash, damaged("a hash of the tree cannot be read: %q", text)
	}
	return hash, nil
}

func damaged(format string, args ...any) error {
	return &models.Error{Table: "tier2_audit_tree", Kind: models.ErrCorrupt, Reason: fmt.Sprintf(format, args...)}
}

// subtree returns the hash of the nth complete subtree of a level.
func (t tree) subtree(ctx context.Context, level int, n int64) (tlog.Hash, error) {
	stored, count := int64(level-level%height), int64(1)<<(level%height)
	rows, err := t.nodes(ctx, stored, n*count, count)
	if err == nil && int64(len(rows)) != count {
		err = damaged("of the hashes of level %d from %d on, %d are there instead of %d", stored, n*count, len(rows), count)
	}
	if err != nil {
		return tlog.Hash{}, err
	}
	hashes := make([]tlog.Hash, len(rows))
	for i, row := range rows {
		if stored == 0 {
			var l leaf
			l, err = readLeaf(row)
			hashes[i] = l.hash()
		} else {
			hashes[i], err = readHash(row)
		}
		if err != nil {
			return tlog.Hash{}, err
		}
	}
	for ; len(hashes) > 1; hashes = hashes[:len(hashes)/2] {
		for i := range len(hashes) / 2 {
			hashes[i] = tlog.NodeHash(hashes[2*i], hashes[2*i+1])
		}
	}
	return hashes[0], nil
}

// reader returns the tree as package tlog reads it.
func (t tree) reader(ctx context.Context) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		hashes := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			var err error
			level, n := tlog.SplitStoredHashIndex(index)
			if hashes[i], err = t.subtree(ctx, level, n); err != nil {
				return nil, err
			}
		}
		return hashes, nil
	})
}

// root returns the hash of the first size leaves.
func (t tree) root(ctx context.Context, size int64) (tlog.Hash, error) {
	return tlog.TreeHash(size, t.reader(ctx))
}

// Prove returns the proof that an entry is in the tree of the newest checkpoint. Errors:
// models.ErrNotFound if the entry does not exist or is not sealed yet, models.ErrConflict if
// it was changed after it was sealed, models.ErrCorrupt if it cannot be read.
func (l *Log) Prove(ctx context.Context, id int64) (*ledger.Proof, error) {
	s, err := l.Bulk.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	defer s.Close() //nolint:errcheck // only read
	rows, err := s.Pick(ctx, schema.Named("audit_log"), backend.By{Column: "id"}, []any{id})
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, refuse.NotFound("audit_log", "id", id)
	}
	leaves, err := s.Pick(ctx, treeTable, backend.By{Column: "entry_id"}, []any{id})
	if err != nil {
		return nil, err
	}
	checkpoint, err := newestCheckpoint(ctx, s)
	if err != nil {
		return nil, err
	}
	if len(leaves) == 0 || checkpoint.Size == 0 {
		return nil, &models.Error{Table: "audit_log", Column: "id", Value: id, Kind: models.ErrNotFound, Reason: "the entry is not sealed yet"}
	}
	sealed, err := readLeaf(leaves[0])
	if err != nil {
		return nil, err
	}
	if sealed.content != schema.Entry(rows[0]) {
		return nil, &models.Error{Table: "audit_log", Column: "id", Value: id, Kind: models.ErrConflict, Reason: "the entry is not what was sealed"}
	}
	p := &ledger.Proof{Entry: entry(rows[0]), Index: sealed.n, Checkpoint: checkpoint}
	if p.Path, err = tlog.ProveRecord(checkpoint.Size, p.Index, tree{s}.reader(ctx)); err != nil {
		return nil, err
	}
	if err := p.Check(); err != nil { // fails if tree or checkpoint were changed
		return nil, err
	}
	return p, nil
}

// entry converts a row of audit_log.
func entry(row schema.Row) ledger.Entry {
	e := ledger.Entry{
		ID: row[0].(int64), Timestamp: *text(row[1]), AgentID: *text(row[2]), Operation: *text(row[3]), Status: *text(row[4]),
		ErrorMessage: text(row[6]), ContextJSON: text(row[7]), CreatedAt: text(row[8]),
	}
	if ms, ok := row[5].(int64); ok {
		e.DurationMS = &ms
	}
	return e
}

// text returns a value as JSON text, or nil for NULL.
func text(v any) *string {
	switch v := v.(type) {
	case string:
		return &v
	case schema.Instant:
		at := models.At(v.Time).String()
		return &at
	}
	return nil
}
