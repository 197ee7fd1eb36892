package sealing

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/ledger"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// verification is one run of Verify.
type verification struct {
	*Log
	tree
	report *ledger.Report
	opts   ledger.VerifyOptions

	archives []engine.Snapshot
	partial  bool                // of an archive: leaves without their neighbours
	roots    []ledger.Checkpoint // of the anchor, those of sizes that were not come by yet
	broken   bool                // a leaf is missing: checkpoints of larger trees say nothing
	prefix   prefix
	sealed   []any          // the entry of the last leaf that was read; nil: none
	suspects []suspect      // entries that are not what was sealed, or were not sealed
	wanted   []wanted       // leaves whose entry is not as it was
	boundary map[int64]span // of what was removed, by the entry that says so
}

type span struct{ entries, first, last int64 }

// suspect is an entry that stands where no such was sealed.
type suspect struct {
	entry   int64
	content tlog.Hash
}

// wanted is a leaf without its entry.
type wanted struct {
	leaf
	kind ledger.Kind
}

// maxSuspects is how many of each are kept, to tell what was moved.
const maxSuspects = 10000

// Verify holds the entries against the tree, the tree against the checkpoints of the
// database and of the anchor, and every row against the digest of its last entry; in one
// state of the database and in constant memory. What is wrong is in the report; an error
// says that the check could not be made.
func (l *Log) Verify(ctx context.Context, opts ledger.VerifyOptions) (*ledger.Report, error) {
	s, err := l.Bulk.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	v := &verification{
		Log: l, tree: tree{l.table("tier2_audit_tree"), s}, opts: opts,
		report: &ledger.Report{Findings: []ledger.Finding{}}, boundary: map[int64]span{},
	}
	for _, dsn := range opts.Archives {
		bulk, end, err := l.Archive(ctx, dsn)
		if err != nil {
			return nil, err
		}
		defer end()
		archive, err := bulk.Snapshot(ctx)
		if err != nil {
			return nil, err
		}
		defer archive.Close()
		v.archives = append(v.archives, archive)
	}
	for _, step := range []func(context.Context) error{v.prepare, v.log, v.unsealed, v.ends, v.boundaries, v.rows} {
		err := step(ctx)
		if errors.Is(err, models.ErrCorrupt) { // nothing behind it can be told
			v.find(ledger.Finding{Kind: ledger.Forked, Reason: err.Error()})
			break
		}
		if err != nil {
			return nil, err
		}
	}
	v.sort()
	return v.report, nil
}

// prepare reads what the tree is held against.
func (v *verification) prepare(ctx context.Context) (err error) {
	if v.partial, err = v.isArchive(ctx, v.db); err != nil {
		return err
	}
	if v.partial && (v.opts.Anchor != "" || len(v.opts.Keys) > 0) {
		return &models.Error{Kind: models.ErrInvalid, Reason: "an archive has no checkpoints to hold against an anchor or keys: verify the store that it comes from, together with it"}
	}
	if v.report.Checkpoint, err = v.newest(ctx, v.db); err != nil {
		return err
	}
	if v.partial {
		if v.report.Checkpoint.Size > 0 {
			v.find(ledger.Finding{Kind: ledger.Forked, Reason: "it is marked as an archive, and has the checkpoints of a store"})
		}
		return nil
	}
	signed := []ledger.Checkpoint{v.report.Checkpoint}
	if v.opts.Anchor != "" {
		if v.roots, err = ledger.ReadAnchor(v.opts.Anchor); err != nil {
			return err
		}
		signed = v.roots
	}
	for _, c := range signed {
		err := c.Check(v.opts.Keys...)
		if errors.Is(err, models.ErrInvalid) {
			return err
		}
		if err != nil {
			v.find(ledger.Finding{Kind: ledger.Unsigned, Reason: err.Error()})
		}
	}
	return nil
}

// step is how many leaves are compared at once: whole subtrees of the stored levels.
const step = 1 << height << 2

// log walks leaves and entries together.
func (v *verification) log(ctx context.Context) error {
	for n := int64(0); ; {
		leaves, err := v.next(ctx, n)
		if err != nil {
			return err
		}
		if len(leaves) == 0 {
			return v.whole(ctx)
		}
		last := leaves[len(leaves)-1].entry
		if err := v.compare(ctx, leaves, last); err != nil {
			return err
		}
		v.sealed, n = []any{last}, leaves[len(leaves)-1].n+1
		v.report.Sealed += int64(len(leaves))
		if v.partial {
			continue
		}
		if err := v.grow(ctx, leaves); err != nil {
			return err
		}
	}
}

// next are the leaves from index n on. Where one is missing, all behind it are another
// tree's; an archive has only some.
func (v *verification) next(ctx context.Context, n int64) ([]leaf, error) {
	if v.partial {
		rows, err := v.db.Page(ctx, v.tree.table, engine.Range{After: []any{int64(0), n - 1}, UpTo: []any{int64(0), int64(1<<63 - 1)}, Limit: step})
		leaves := make([]leaf, len(rows))
		for i, row := range rows {
			if leaves[i], err = readLeaf(row); err != nil {
				return nil, err
			}
		}
		return leaves, err
	}
	leaves, err := v.leaves(ctx, n, step-n%step)
	for i, l := range leaves {
		if l.n == n+int64(i) {
			continue
		}
		if i == 0 {
			v.find(ledger.Finding{Kind: ledger.Forked, EntryID: l.entry, Reason: fmt.Sprintf("leaf %d of the tree is missing", n)})
			v.broken = true
		}
		return leaves[:i], err
	}
	return leaves, err
}

// compare holds the entries behind those that were compared before, up to last, against leaves.
func (v *verification) compare(ctx context.Context, leaves []leaf, last int64) error {
	var gone []leaf
	i := 0
	for row, err := range v.db.Rows(ctx, v.Log.table("audit_log"), v.sealed, []any{last}) {
		if err != nil {
			return err
		}
		id, _ := row[entryID].(int64)
		content := schema.Entry(row)
		for ; i < len(leaves) && leaves[i].entry < id; i++ {
			gone = append(gone, leaves[i])
		}
		switch {
		case i == len(leaves) || leaves[i].entry > id:
			v.suspect(id, content)
			v.find(ledger.Finding{Kind: ledger.Inserted, EntryID: id, Reason: fmt.Sprintf("entry %d was added behind the sealed entry %d", id, last)})
			continue
		case leaves[i].content != content:
			v.suspect(id, content)
			v.want(leaves[i], ledger.Edited)
		}
		i++
	}
	gone = append(gone, leaves[i:]...)
	return v.gone(ctx, gone)
}

func (v *verification) suspect(entry int64, content tlog.Hash) {
	if len(v.suspects) < maxSuspects {
		v.suspects = append(v.suspects, suspect{entry, content})
	}
}

// want notes a leaf whose entry is not as it was; what kind of change it was shows when
// all suspects are known.
func (v *verification) want(l leaf, kind ledger.Kind) {
	if len(v.wanted) < maxSuspects {
		v.wanted = append(v.wanted, wanted{l, kind})
	} else {
		v.report.Total++
	}
}

// gone looks for entries that are not there among what was removed, and in the archives.
func (v *verification) gone(ctx context.Context, leaves []leaf) error {
	if len(leaves) == 0 {
		return nil
	}
	ids := make([]any, len(leaves))
	for i, l := range leaves {
		ids[i] = l.entry
	}
	rows, err := pick(ctx, v.db, v.Log.table("tier2_removed"), engine.By{Column: "entry_id"}, ids)
	if err != nil {
		return err
	}
	removed := make(map[int64]int64, len(rows))
	for _, row := range rows {
		id, _ := row[0].(int64)
		removed[id], _ = row[1].(int64)
	}
	found := map[int64]tlog.Hash{}
	for _, archive := range v.archives {
		rows, err := pick(ctx, archive, v.Log.table("audit_log"), engine.By{Column: "id"}, ids)
		if err != nil {
			return err
		}
		for _, row := range rows {
			id, _ := row[entryID].(int64)
			found[id] = schema.Entry(row)
		}
	}
	for _, l := range leaves {
		boundary, known := removed[l.entry]
		content, there := found[l.entry]
		switch {
		case !known || len(v.archives) > 0 && !there:
			v.want(l, ledger.Missing)
			continue
		case there && content != l.content:
			v.want(l, ledger.Edited)
		}
		v.report.Archived++
		s, seen := v.boundary[boundary]
		if !seen {
			s.first = l.entry
		}
		v.boundary[boundary] = span{s.entries + 1, min(s.first, l.entry), max(s.last, l.entry)}
	}
	return nil
}

// picked is how many values one statement looks for.
const picked = 500

// pick is Pick for any number of values.
func pick(ctx context.Context, s engine.Snapshot, table *schema.Table, by engine.By, values []any) (rows []schema.Row, err error) {
	for chunk := range slices.Chunk(values, picked) {
		some, err := s.Pick(ctx, table, by, chunk)
		if err != nil {
			return nil, err
		}
		rows = append(rows, some...)
	}
	return rows, nil
}
