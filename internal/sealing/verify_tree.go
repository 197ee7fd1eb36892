package sealing

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/ledger"
)

// prefix is a tree of which only the roots of its largest complete subtrees are kept.
type prefix struct {
	size  int64
	peaks []peak // from left to right, each lower than the one before
}

type peak struct {
	level int64
	hash  tlog.Hash
}

// add appends a leaf. done gets each subtree that it completes.
func (p *prefix) add(hash tlog.Hash, done func(level, n int64, hash tlog.Hash)) {
	p.peaks = append(p.peaks, peak{0, hash})
	p.size++
	for len(p.peaks) > 1 {
		left, right := p.peaks[len(p.peaks)-2], p.peaks[len(p.peaks)-1]
		if left.level != right.level {
			return
		}
		up := peak{left.level + 1, tlog.NodeHash(left.hash, right.hash)}
		p.peaks = append(p.peaks[:len(p.peaks)-2], up)
		done(up.level, p.size>>up.level-1, up.hash)
	}
}

// root is the hash of the tree (RFC 6962, 2.1).
func (p *prefix) root() tlog.Hash {
	hash := p.peaks[len(p.peaks)-1].hash
	for i := len(p.peaks) - 2; i >= 0; i-- {
		hash = tlog.NodeHash(p.peaks[i].hash, hash)
	}
	return hash
}

// grow adds leaves to the tree as the entries give it, and holds it against what the
// database has of it, and against the checkpoints of the sizes that it comes by.
func (v *verification) grow(ctx context.Context, leaves []leaf) error {
	made := map[int64][]peak{} // by level, from left to right
	begins := map[int64]int64{}
	due, err := v.due(ctx, v.prefix.size, v.prefix.size+int64(len(leaves)))
	if err != nil {
		return err
	}
	for _, l := range leaves {
		v.prefix.add(l.hash(), func(level, n int64, hash tlog.Hash) {
			if level%height != 0 {
				return
			}
			if len(made[level]) == 0 {
				begins[level] = n
			}
			made[level] = append(made[level], peak{level, hash})
		})
		for ; len(due) > 0 && due[0].Size == v.prefix.size; due = due[1:] {
			if c := due[0]; c.Root != v.prefix.root() {
				v.find(ledger.Finding{Kind: ledger.Forked, EntryID: l.entry,
					Reason: fmt.Sprintf("the first %d entries are not those of the checkpoint of %s", c.Size, c.Timestamp)})
			}
		}
	}
	for level, peaks := range made {
		stored, err := v.nodes(ctx, level, begins[level], int64(len(peaks)))
		if err != nil {
			return err
		}
		if !same(stored, peaks) {
			v.find(ledger.Finding{Kind: ledger.Forked, EntryID: leaves[0].entry,
				Reason: fmt.Sprintf("hashes of level %d from %d on are not those of the leaves", level, begins[level])})
		}
	}
	return nil
}

// due are the checkpoints of sizes from, without it, to another, in order.
func (v *verification) due(ctx context.Context, from, to int64) ([]ledger.Checkpoint, error) {
	n := 0
	for n < len(v.roots) && v.roots[n].Size <= to {
		n++
	}
	due := v.roots[:n:n]
	v.roots = v.roots[n:]
	rows, err := v.db.Page(ctx, v.Log.table("tier2_checkpoints"), engine.Range{After: []any{from}, UpTo: []any{to}})
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		c, err := readCheckpoint(row)
		if err != nil {
			return nil, err
		}
		due = append(due, c)
	}
	slices.SortStableFunc(due, func(a, b ledger.Checkpoint) int { return cmp.Compare(a.Size, b.Size) })
	return due, nil
}

func same(stored []schema.Row, peaks []peak) bool {
	if len(stored) != len(peaks) {
		return false
	}
	for i, row := range stored {
		if hash, err := readHash(row); err != nil || hash != peaks[i].hash {
			return false
		}
	}
	return true
}

// whole holds the tree to nothing but what its leaves make: what lies beside them would
// pass for the end of the log, or be in the way of what is to come.
func (v *verification) whole(ctx context.Context) error {
	if v.partial || v.report.Total > 0 {
		return nil
	}
	want := v.report.Sealed
	for n := want >> height; n > 0; n >>= height {
		want += n
	}
	rows, err := v.db.Count(ctx, v.tree.table)
	if err != nil {
		return err
	}
	if rows != want {
		v.find(ledger.Finding{Kind: ledger.Forked,
			Reason: fmt.Sprintf("the tree has %d rows, and its %d leaves make %d", rows, v.report.Sealed, want)})
	}
	return nil
}

// unsealed counts the entries behind the tree.
func (v *verification) unsealed(ctx context.Context) error {
	for row, err := range v.db.Rows(ctx, v.Log.table("audit_log"), v.sealed, nil) {
		if err != nil {
			return err
		}
		v.report.Unsealed++
		if len(v.wanted) > 0 {
			id, _ := row[entryID].(int64)
			v.suspect(id, schema.Entry(row))
		}
	}
	return nil
}

// ends tells the kinds of what is not as it was, and reports checkpoints of trees that
// were larger.
func (v *verification) ends(ctx context.Context) error {
	moved := make(map[tlog.Hash]int64, len(v.suspects))
	for _, s := range v.suspects {
		moved[s.content] = s.entry
	}
	for _, w := range v.wanted {
		f := ledger.Finding{Kind: w.kind, EntryID: w.entry}
		to, found := moved[w.content]
		switch {
		case found:
			f.Kind, f.Reason = ledger.Reordered, fmt.Sprintf("what was sealed as entry %d stands as entry %d now", w.entry, to)
		case w.kind == ledger.Edited:
			f.Reason = fmt.Sprintf("entry %d is not what was sealed", w.entry)
		case len(v.archives) > 0:
			f.Reason = fmt.Sprintf("entry %d was sealed, and is neither here nor in the archives", w.entry)
		default:
			f.Reason = fmt.Sprintf("entry %d was sealed, and is not there", w.entry)
		}
		v.find(f)
	}
	if v.broken || v.partial {
		return nil
	}
	truncated := func(c ledger.Checkpoint) {
		v.find(ledger.Finding{Kind: ledger.Truncated,
			Reason: fmt.Sprintf("the checkpoint of %s is of %d entries, and the tree has %d", c.Timestamp, c.Size, v.report.Sealed)})
	}
	for _, c := range v.roots {
		truncated(c)
	}
	for row, err := range v.db.Rows(ctx, v.Log.table("tier2_checkpoints"), []any{v.report.Sealed}, nil) {
		if err != nil {
			return err
		}
		c, err := readCheckpoint(row)
		if err != nil {
			return err
		}
		truncated(c)
	}
	return nil
}

// boundaries holds what was removed against the entries that say so.
func (v *verification) boundaries(ctx context.Context) error {
	ids := make([]any, 0, len(v.boundary))
	for id := range v.boundary {
		ids = append(ids, id)
	}
	rows, err := pick(ctx, v.db, v.Log.table("audit_log"), engine.By{Column: "id"}, ids)
	if err != nil {
		return err
	}
	said := map[int64]bool{}
	for _, row := range rows {
		id, _ := row[entryID].(int64)
		said[id] = saysSo(row, v.boundary[id])
	}
	for _, id := range sorted(ids) {
		if removed := v.boundary[id]; !said[id] {
			v.find(ledger.Finding{Kind: ledger.Missing, EntryID: removed.first,
				Reason: fmt.Sprintf("%d entries from %d to %d were removed, and entry %d does not say so", removed.entries, removed.first, removed.last, id)})
		}
	}
	return nil
}
