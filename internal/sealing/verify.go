package sealing

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/ledger"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// verification is one run of Verify.
type verification struct {
	tree
	report *ledger.Report
	opts   ledger.VerifyOptions

	archives   []backend.Snapshot
	partial    bool                // the database is an archive, whose tree is incomplete
	anchored   []ledger.Checkpoint // of the anchor, of sizes that the tree has not reached yet
	broken     bool                // a leaf is missing, so checkpoints of larger trees prove nothing
	prefix     prefix
	sealed     []any          // the entry of the last leaf that was read, or nil
	unexpected []leaf         // of the entries that differ from the sealed ones or were not sealed
	unmatched  []unmatched    // leaves whose entry is missing or differs
	boundary   map[int64]span // the removed entries, by the entry that records their removal
}

// unmatched is a leaf without its entry.
type unmatched struct {
	leaf
	kind ledger.Kind
}

const (
	maxFindings   = 100    // how many findings a report lists
	maxMismatches = 10_000 // how many unexpected entries and unmatched leaves are compared to find moved entries
)

// Verify compares the entries with the tree, the tree with the checkpoints of the database
// and the anchor, and every row with the digest in its last entry. It reads one state of the
// database, in constant memory. Faults are in the report; an error means that the log could
// not be verified.
func (l *Log) Verify(ctx context.Context, opts ledger.VerifyOptions) (*ledger.Report, error) {
	s, err := l.Bulk.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	defer s.Close() //nolint:errcheck // only read
	v := &verification{
		tree: tree{s}, opts: opts, report: &ledger.Report{Findings: []ledger.Finding{}}, boundary: map[int64]span{},
	}
	for _, dsn := range opts.Archives {
		bulk, end, err := l.Archive(ctx, dsn)
		if err != nil {
			return nil, err
		}
		defer end() //nolint:errcheck // only read
		archive, err := bulk.Snapshot(ctx)
		if err != nil {
			return nil, err
		}
		defer archive.Close() //nolint:errcheck // only read
		v.archives = append(v.archives, archive)
	}
	for _, step := range []func(context.Context) error{v.checkpoints, v.log, v.unsealed, v.mismatches, v.boundaries, v.rows} {
		err := step(ctx)
		if errors.Is(err, models.ErrCorrupt) { // the later steps need what cannot be read
			v.find(ledger.Forked, 0, "%v", err)
			break
		}
		if err != nil {
			return nil, err
		}
	}
	// Findings about the log come first, then those about rows, by table.
	slices.SortStableFunc(v.report.Findings, func(a, b ledger.Finding) int {
		return cmp.Or(cmp.Compare(a.Table, b.Table), cmp.Compare(a.EntryID, b.EntryID))
	})
	return v.report, nil
}

// find reports a fault of the log. entry is 0 if it concerns the tree as a whole.
func (v *verification) find(kind ledger.Kind, entry int64, format string, args ...any) {
	v.add(ledger.Finding{Kind: kind, EntryID: entry, Reason: fmt.Sprintf(format, args...)})
}

func (v *verification) add(f ledger.Finding) {
	v.report.Total++
	if len(v.report.Findings) < maxFindings {
		v.report.Findings = append(v.report.Findings, f)
	}
}

// checkpoints reads the newest checkpoint and the anchor, and verifies signatures.
func (v *verification) checkpoints(ctx context.Context) (err error) {
	if v.partial, err = isArchive(ctx, v.db); err != nil {
		return err
	}
	if v.partial && (v.opts.Anchor != "" || len(v.opts.Keys) > 0) {
		return refuse.Because(models.ErrInvalid,
			"an archive has no checkpoints to hold against an anchor or keys: verify the store that it comes from, together with it")
	}
	if v.report.Checkpoint, err = newestCheckpoint(ctx, v.db); err != nil {
		return err
	}
	if v.partial {
		if v.report.Checkpoint.Size > 0 {
			v.find(ledger.Forked, 0, "it is marked as an archive, and has the checkpoints of a store")
		}
		return nil
	}
	signed := []ledger.Checkpoint{v.report.Checkpoint}
	if v.opts.Anchor != "" {
		if v.anchored, err = ledger.ReadAnchor(v.opts.Anchor); err != nil {
			return err
		}
		signed = v.anchored
	}
	for _, c := range signed {
		err := c.Check(v.opts.Keys...)
		if errors.Is(err, models.ErrInvalid) {
			return err
		}
		if err != nil {
			v.find(ledger.Unsigned, 0, "%v", err)
		}
	}
	return nil
}

// step is how many leaves are compared at once: complete subtrees of the stored levels.
const step = 1 << height << 2

// log compares the leaves with their entries, and the tree with its checkpoints.
func (v *verification) log(ctx context.Context) error {
	for n := int64(0); ; {
		leaves, err := v.next(ctx, n)
		if err != nil {
			return err
		}
		if len(leaves) == 0 {
			return v.treeSize(ctx)
		}
		last := leaves[len(leaves)-1]
		if err := v.compare(ctx, leaves, last.entry); err != nil {
			return err
		}
		v.sealed, n = []any{last.entry}, last.n+1
		v.report.Sealed += int64(len(leaves))
		if v.partial {
			continue
		}
		if err := v.grow(ctx, leaves); err != nil {
			return err
		}
	}
}

// next returns the leaves from index n on, up to the first that is missing: later leaves
// belong to another tree. Only an archive may lack leaves.
func (v *verification) next(ctx context.Context, n int64) ([]leaf, error) {
	r := backend.Range{After: []any{int64(0), n - 1}, UpTo: lastLeaf, Limit: step}
	if v.partial {
		return v.leaves(ctx, r)
	}
	r.UpTo = []any{int64(0), n - n%step + step - 1}
	leaves, err := v.leaves(ctx, r)
	for i, l := range leaves {
		if l.n == n+int64(i) {
			continue
		}
		if i == 0 {
			v.find(ledger.Forked, l.entry, "leaf %d of the tree is missing", n)
			v.broken = true
		}
		return leaves[:i], err
	}
	return leaves, err
}

// compare compares leaves with the entries after the last leaf that was read, up to last.
func (v *verification) compare(ctx context.Context, leaves []leaf, last int64) error {
	var missing []leaf
	i := 0
	for row, err := range v.db.Rows(ctx, logTable, v.sealed, []any{last}) {
		if err != nil {
			return err
		}
		id, _ := row[entryID].(int64)
		content := schema.Entry(row)
		for ; i < len(leaves) && leaves[i].entry < id; i++ {
			missing = append(missing, leaves[i])
		}
		switch {
		case i == len(leaves) || leaves[i].entry > id:
			v.addUnexpected(id, content)
			v.find(ledger.Inserted, id, "entry %d was added behind the sealed entry %d", id, last)
			continue
		case leaves[i].content != content:
			v.addUnexpected(id, content)
			v.addUnmatched(leaves[i], ledger.Edited)
		}
		i++
	}
	return v.missing(ctx, append(missing, leaves[i:]...))
}

func (v *verification) addUnexpected(entry int64, content tlog.Hash) {
	if len(v.unexpected) < maxMismatches {
		v.unexpected = append(v.unexpected, leaf{entry: entry, content: content})
	}
}

// addUnmatched records a leaf whose entry is missing or differs. Whether the entry was moved is
// known when all unexpected entries are.
func (v *verification) addUnmatched(l leaf, kind ledger.Kind) {
	if len(v.unmatched) < maxMismatches {
		v.unmatched = append(v.unmatched, unmatched{l, kind})
	} else {
		v.report.Total++
	}
}

// missing looks up leaves without an entry in the records of removal and in the archives.
func (v *verification) missing(ctx context.Context, leaves []leaf) error {
	if len(leaves) == 0 {
		return nil
	}
	ids := make([]any, len(leaves))
	for i, l := range leaves {
		ids[i] = l.entry
	}
	rows, err := pick(ctx, v.db, removedTable, backend.By{Column: "entry_id"}, ids)
	if err != nil {
		return err
	}
	boundaries := make(map[int64]int64, len(rows))
	for _, row := range rows {
		id, _ := row[0].(int64)
		boundaries[id], _ = row[1].(int64)
	}
	archived := map[int64]tlog.Hash{}
	for _, archive := range v.archives {
		rows, err := pick(ctx, archive, logTable, backend.By{Column: "id"}, ids)
		if err != nil {
			return err
		}
		for _, row := range rows {
			id, _ := row[entryID].(int64)
			archived[id] = schema.Entry(row)
		}
	}
	for _, l := range leaves {
		boundary, removed := boundaries[l.entry]
		content, found := archived[l.entry]
		switch {
		case !removed || len(v.archives) > 0 && !found:
			v.addUnmatched(l, ledger.Missing)
			continue
		case found && content != l.content:
			v.addUnmatched(l, ledger.Edited)
		}
		v.report.Archived++
		s, known := v.boundary[boundary]
		if !known {
			s.first = l.entry
		}
		v.boundary[boundary] = span{s.entries + 1, min(s.first, l.entry), max(s.last, l.entry)}
	}
	return nil
}

// maxPicked is how many values one statement looks up.
const maxPicked = 500

// pick calls Pick for any number of values.
func pick(ctx context.Context, s backend.Snapshot, table *schema.Table, by backend.By, values []any) (rows []schema.Row, err error) {
	for chunk := range slices.Chunk(values, maxPicked) {
		some, err := s.Pick(ctx, table, by, chunk)
		if err != nil {
			return nil, err
		}
		rows = append(rows, some...)
	}
	return rows, nil
}
