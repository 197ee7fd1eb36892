package sealing

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/RoaringBitmap/roaring/v2/roaring64"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/ledger"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// prefix is a tree reduced to the roots of its largest complete subtrees.
type prefix struct {
	size  int64
	peaks []peak // from left to right, in descending order of level
}

type peak struct {
	level int64
	hash  tlog.Hash
}

// add appends a leaf and calls done for each subtree that it completes.
func (p *prefix) add(hash tlog.Hash, done func(level int64, hash tlog.Hash)) {
	p.peaks = append(p.peaks, peak{0, hash})
	p.size++
	for len(p.peaks) > 1 {
		left, right := p.peaks[len(p.peaks)-2], p.peaks[len(p.peaks)-1]
		if left.level != right.level {
			return
		}
		up := peak{left.level + 1, tlog.NodeHash(left.hash, right.hash)}
		p.peaks = append(p.peaks[:len(p.peaks)-2], up)
		done(up.level, up.hash)
	}
}

// root returns the hash of the tree (RFC 6962, 2.1).
func (p *prefix) root() tlog.Hash {
	hash := p.peaks[len(p.peaks)-1].hash
	for i := len(p.peaks) - 2; i >= 0; i-- {
		hash = tlog.NodeHash(p.peaks[i].hash, hash)
	}
	return hash
}

// grow adds leaves to the recomputed tree. It compares the nodes that they complete with the
// stored ones, and the root with the checkpoints of the sizes that the tree reaches.
func (v *verification) grow(ctx context.Context, leaves []leaf) error {
	nodes := map[int64][]peak{} // by level, from left to right
	due, err := v.due(ctx, v.prefix.size, v.prefix.size+int64(len(leaves)))
	if err != nil {
		return err
	}
	for _, l := range leaves {
		v.prefix.add(l.hash(), func(level int64, hash tlog.Hash) {
			if level%height == 0 {
				nodes[level] = append(nodes[level], peak{level, hash})
			}
		})
		for ; len(due) > 0 && due[0].Size == v.prefix.size; due = due[1:] {
			if c := due[0]; c.Root != v.prefix.root() {
				v.find(ledger.Forked, l.entry, "the first %d entries are not those of the checkpoint of %s", c.Size, c.Timestamp)
			}
		}
	}
	for level, peaks := range nodes {
		first := v.prefix.size>>level - int64(len(peaks))
		stored, err := v.nodes(ctx, level, first, int64(len(peaks)))
		if err != nil {
			return err
		}
		if !equal(stored, peaks) {
			v.find(ledger.Forked, leaves[0].entry, "hashes of level %d from %d on are not those of the leaves", level, first)
		}
	}
	return nil
}

// due returns the checkpoints of sizes greater than from, up to to, in order of size.
func (v *verification) due(ctx context.Context, from, to int64) ([]ledger.Checkpoint, error) {
	n := 0
	for n < len(v.anchored) && v.anchored[n].Size <= to {
		n++
	}
	due := v.anchored[:n:n]
	v.anchored = v.anchored[n:]
	rows, err := v.db.Page(ctx, checkpointTable, backend.Range{After: []any{from}, UpTo: []any{to}})
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

// equal reports whether the stored rows have the hashes of the recomputed nodes.
func equal(stored []schema.Row, peaks []peak) bool {
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

// treeSize reports rows of the tree that do not follow from its leaves. They could pass for
// the end of the log, or collide with future nodes.
func (v *verification) treeSize(ctx context.Context) error {
	if v.partial || v.report.Total > 0 {
		return nil
	}
	want := v.report.Sealed
	for n := want >> height; n > 0; n >>= height {
		want += n
	}
	rows, err := v.db.Count(ctx, treeTable)
	if err != nil {
		return err
	}
	if rows != want {
		v.find(ledger.Forked, 0, "the tree has %d rows, and its %d leaves make %d", rows, v.report.Sealed, want)
	}
	return nil
}

// unsealed counts the entries that are not in the tree yet.
func (v *verification) unsealed(ctx context.Context) error {
	for row, err := range v.db.Rows(ctx, logTable, v.sealed, nil) {
		if err != nil {
			return err
		}
		v.report.Unsealed++
		if len(v.unmatched) > 0 {
			id, _ := row[entryID].(int64)
			v.addUnexpected(id, schema.Entry(row))
		}
	}
	return nil
}

// mismatches reports the unmatched leaves, as moved if their content is that of an
// unexpected entry.
func (v *verification) mismatches(ctx context.Context) error {
	moved := make(map[tlog.Hash]int64, len(v.unexpected))
	for _, u := range v.unexpected {
		moved[u.content] = u.entry
	}
	for _, u := range v.unmatched {
		to, found := moved[u.content]
		switch {
		case found:
			v.find(ledger.Reordered, u.entry, "what was sealed as entry %d stands as entry %d now", u.entry, to)
		case u.kind == ledger.Edited:
			v.find(u.kind, u.entry, "entry %d is not what was sealed", u.entry)
		case len(v.archives) > 0:
			v.find(u.kind, u.entry, "entry %d was sealed, and is neither here nor in the archives", u.entry)
		default:
			v.find(u.kind, u.entry, "entry %d was sealed, and is not there", u.entry)
		}
	}
	return v.truncated(ctx)
}

// truncated reports the checkpoints of larger trees.
func (v *verification) truncated(ctx context.Context) error {
	if v.broken || v.partial {
		return nil
	}
	find := func(c ledger.Checkpoint) {
		v.find(ledger.Truncated, 0, "the checkpoint of %s is of %d entries, and the tree has %d", c.Timestamp, c.Size, v.report.Sealed)
	}
	for _, c := range v.anchored {
		find(c)
	}
	for row, err := range v.db.Rows(ctx, checkpointTable, []any{v.report.Sealed}, nil) {
		if err != nil {
			return err
		}
		c, err := readCheckpoint(row)
		if err != nil {
			return err
		}
		find(c)
	}
	return nil
}

// span summarizes removed entries: their number, first id and last id.
type span struct{ entries, first, last int64 }

// recordsRemoval reports whether an entry is the boundary of removed entries.
func recordsRemoval(entry schema.Row, removed span) bool {
	var b ledger.Boundary
	text, _ := entry[entryContext].(string)
	operation, _ := entry[entryOperation].(string)
	return (operation == ledger.OperationArchive || operation == ledger.OperationRemove) && json.Unmarshal([]byte(text), &b) == nil &&
		b.FirstID <= removed.first && removed.last <= b.LastID && b.Entries >= removed.entries
}

// boundaries compares the removed entries with the entries that record their removal.
func (v *verification) boundaries(ctx context.Context) error {
	rows, err := pick(ctx, v.db, logTable, backend.By{Column: "id"}, keys(v.boundary))
	if err != nil {
		return err
	}
	recorded := map[int64]bool{}
	for _, row := range rows {
		id, _ := row[entryID].(int64)
		recorded[id] = recordsRemoval(row, v.boundary[id])
	}
	for _, id := range slices.Sorted(maps.Keys(v.boundary)) {
		if removed := v.boundary[id]; !recorded[id] {
			v.find(ledger.Missing, removed.first,
				"%d entries from %d to %d were removed, and entry %d does not say so", removed.entries, removed.first, removed.last, id)
		}
	}
	return nil
}

// keys returns the keys of a map as the arguments of pick.
func keys[T any](m map[int64]T) []any {
	list := make([]any, 0, len(m))
	for id := range m {
		list = append(list, id)
	}
	return list
}

// change is the context_json of an entry about a row.
type change struct {
	Table  string `json:"table"`
	Action string `json:"action"`
	ID     int64  `json:"id"`
	Digest string `json:"digest"`
	// Changes.ID.From is the former id of the row, if an update changed it.
	Changes struct {
		ID struct{ From int64 }
	}

	entry int64
}

// rows compares each row with the digest in its last entry. It reads the log from its end,
// so the first entry about a row that it meets is the last one. A bitmap per table holds the
// rows that it has met.
func (v *verification) rows(ctx context.Context) error {
	if v.partial { // an archive has rows whose last entry stayed in the store
		return nil
	}
	seen := map[string]*roaring64.Bitmap{}
	for r := (backend.Range{Descending: true, Limit: step}); ; {
		entries, err := v.db.Page(ctx, logTable, r)
		if err != nil {
			return err
		}
		last := map[string]map[int64]change{}
		for _, row := range entries {
			c, ok := readChange(row)
			if !ok {
				continue
			}
			known := markSeen(seen, c.Table, c.ID)
			if from := c.Changes.ID.From; from != 0 {
				markSeen(seen, c.Table, from) // older entries of that id are about this row
			}
			if known {
				continue
			}
			if last[c.Table] == nil {
				last[c.Table] = map[int64]change{}
			}
			last[c.Table][c.ID] = c
		}
		for _, m := range models.All() {
			if err := v.compareRows(ctx, m.TableName(), last[m.TableName()]); err != nil {
				return err
			}
		}
		if len(entries) < step {
			return nil
		}
		id, _ := entries[len(entries)-1][entryID].(int64)
		if id == math.MinInt64 {
			return nil
		}
		r.UpTo = []any{id - 1}
	}
}

// markSeen marks a row as seen and reports whether it already was.
func markSeen(seen map[string]*roaring64.Bitmap, table string, id int64) bool {
	if seen[table] == nil {
		seen[table] = roaring64.New()
	}
	return !seen[table].CheckedAdd(uint64(id))
}

// readChange reads an entry of the hooks about a row that was written.
func readChange(row schema.Row) (c change, ok bool) {
	c.entry, _ = row[entryID].(int64)
	operation, _ := row[entryOperation].(string)
	status, _ := row[entryStatus].(string)
	text, _ := row[entryContext].(string)
	if status != string(models.AuditCompleted) || json.Unmarshal([]byte(text), &c) != nil {
		return c, false
	}
	return c, c.ID != 0 && c.Table != "audit_log" && schema.Audited(c.Table) != nil && operation == c.Table+"."+c.Action
}

// compareRows compares rows of a table with their last entries.
func (v *verification) compareRows(ctx context.Context, table string, last map[int64]change) error {
	found, err := pick(ctx, v.db, lenient(table), backend.By{Column: "id"}, keys(last))
	if err != nil {
		return err
	}
	exists := map[int64]bool{}
	for _, row := range found {
		id, _ := row[0].(int64)
		exists[id] = true
		c := last[id]
		switch {
		case c.Action == "delete":
			v.findRow(ledger.RowBack, c, "row %d of %s is there, and entry %d says that it was deleted")
		case c.Digest == "":
			v.report.Undigested++
		case c.Digest != schema.Named(table).Digest(row):
			v.findRow(ledger.RowChanged, c, "row %d of %s is not what entry %d vouches for")
		default:
			v.report.Rows++
		}
	}
	for _, id := range slices.Sorted(maps.Keys(last)) {
		if c := last[id]; !exists[id] && c.Action != "delete" {
			v.findRow(ledger.RowMissing, c, "row %d of %s is gone, and entry %d is the last to speak of it")
		}
	}
	return nil
}

// findRow reports a fault of a row.
func (v *verification) findRow(kind ledger.Kind, c change, format string) {
	v.add(ledger.Finding{Kind: kind, EntryID: c.entry, Table: c.Table, RowID: c.ID, Reason: fmt.Sprintf(format, c.ID, c.Table, c.entry)})
}
