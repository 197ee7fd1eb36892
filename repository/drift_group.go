package repository

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"database/sql"
	"iter"
	"maps"
	"slices"
	"strings"

	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/internal/ggen"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// inputs are what executions must have in common to be compared.
type inputs struct {
	Operation    models.Operation
	ManifestHash string
	OntologyHash string
}

// driftGroup is inputs that occur more than once, with what their executions made.
type driftGroup struct {
	inputs
	key
	compared, unknown int64
	variants          []*variant // those MaxDriftOutputs with the smallest digests
}

// variant is one output, and the executions that made it.
type variant struct {
	digest [sha256.Size]byte
	id     int64 // of a receipt that tells it
	count  int64
	newest []DriftExecution
}

// driftList is the groups of a filtered list of receipts, behind a cursor.
type driftList struct {
	list
	cursor string
}

// groupsAhead is how many groups are looked up and read at once, some 10 MB, since each
// of the two goes through all receipts of the list. No statement takes more than 32,766
// arguments, of which a group has three (https://www.sqlite.org/limits.html).
const groupsAhead = 10_000

// groups yields batches of groups, the one with the newest receipt first, each read.
func (l driftList) groups() iter.Seq2[[]*driftGroup, error] {
	return func(yield func([]*driftGroup, error) bool) {
		for {
			found, err := l.find(groupsAhead)
			if err == nil && len(found) > 0 {
				err = l.read(found)
			}
			if !yield(found, err) || err != nil || len(found) < groupsAhead {
				return
			}
			l.cursor = l.list.cursor(found[len(found)-1].key)
		}
	}
}

// find looks up the next n groups.
func (l driftList) find(n int) (groups []*driftGroup, err error) {
	q := l.db.Select("operation, manifest_hash, ontology_hash, MAX(id) AS id, MAX(timestamp) || '' AS sort_key").
		Group("operation, manifest_hash, ontology_hash").Having("COUNT(*) > 1")
	if l.cursor != "" {
		c, err := decodeCursor(l.table, l.cursor)
		if err != nil {
			return nil, err
		}
		q = q.Having("(MAX(timestamp), MAX(id)) < (?, ?)", c.Time, c.ID)
	}
	var rows []struct {
		Operation    models.Operation
		ManifestHash string
		OntologyHash string
		ID           int64
		SortKey      string
	}
	if err := q.Order("MAX(timestamp) DESC, MAX(id) DESC").Limit(n).Find(&rows).Error; err != nil {
		return nil, err
	}
	for _, row := range rows {
		groups = append(groups, &driftGroup{
			inputs: inputs{row.Operation, row.ManifestHash, row.OntologyHash}, key: key{row.ID, row.SortKey},
		})
	}
	return groups, nil
}

// read reads the receipts of these groups, in no particular order.
func (l driftList) read(groups []*driftGroup) error {
	by := make(map[inputs]*driftGroup, len(groups))
	args := make([]any, 0, 3*len(groups))
	for _, g := range groups {
		by[g.inputs] = g
		args = append(args, g.ManifestHash, g.OntologyHash, string(g.Operation))
	}
	places := strings.TrimSuffix(strings.Repeat("(?, ?, ?), ", len(groups)), ", ")
	rows, err := l.db.Select("operation, manifest_hash, ontology_hash, id, execution_id, agent_id, timestamp, receipt_json").
		Where("(manifest_hash, ontology_hash, operation) IN (VALUES "+places+")", args...).Rows()
	if err != nil {
		return translated(l.db, err)
	}
	defer rows.Close()
	for rows.Next() {
		var in inputs
		var e DriftExecution
		var raw sql.RawBytes
		if err := rows.Scan(&in.Operation, &in.ManifestHash, &in.OntologyHash, &e.id, &e.ExecutionID, &e.AgentID, &e.Timestamp, &raw); err != nil {
			return translated(l.db, err)
		}
		if g := by[in]; g != nil {
			g.add(e, raw)
		}
	}
	return translated(l.db, rows.Err())
}

// add takes one execution in. Of more outputs than are kept, those with the smallest
// digests stay: so what is kept, and how often, depends on no order.
func (g *driftGroup) add(e DriftExecution, raw []byte) {
	out, ok := ggen.ReadOutputs(raw)
	if !ok {
		g.unknown++
		return
	}
	g.compared++
	digest := out.Digest()
	at, found := slices.BinarySearchFunc(g.variants, digest, func(v *variant, d [sha256.Size]byte) int { return bytes.Compare(v.digest[:], d[:]) })
	if !found {
		if at == MaxDriftOutputs {
			return
		}
		g.variants = slices.Insert(g.variants, at, &variant{digest: digest, id: e.id})
		g.variants = g.variants[:min(len(g.variants), MaxDriftOutputs)]
	}
	v := g.variants[at]
	v.count++
	v.newest = newest(append(v.newest, e))
}

// newest keeps the newest executions, newest first.
func newest(list []DriftExecution) []DriftExecution {
	slices.SortFunc(list, func(a, b DriftExecution) int {
		return cmp.Or(b.Timestamp.Compare(a.Timestamp.Time), cmp.Compare(b.id, a.id))
	})
	return list[:min(len(list), MaxDriftNames)]
}

// drift is what the executions disagree about, or nil if they agree.
func (g *driftGroup) drift(l list) (*Drift, error) {
	if len(g.variants) < 2 {
		return nil, nil
	}
	written, err := g.outputs(l)
	if err != nil {
		return nil, err
	}
	d := &Drift{
		Operation: g.Operation, ManifestHash: g.ManifestHash, OntologyHash: g.OntologyHash,
		Compared: g.compared, Unknown: g.unknown, Omitted: g.compared, Files: []FileDrift{},
	}
	paths := map[string]bool{}
	for _, v := range g.variants {
		d.Omitted -= v.count
		d.Executions = newest(append(d.Executions, v.newest...))
		for path := range written[v.id] {
			paths[path] = true
		}
	}
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		file := g.file(path, written)
		switch {
		case len(file.Hashes) < 2:
		case len(d.Files) == MaxDriftFiles:
			d.MoreFiles++
		default:
			d.Files = append(d.Files, file)
		}
	}
	if len(d.Files) == 0 {
		return nil, nil // one names a file without its hash, the other with it
	}
	return d, nil
}

// outputs reads the outputs of the variants again, by the id of a receipt that tells
// them.
func (g *driftGroup) outputs(l list) (map[int64]ggen.Outputs, error) {
	var ids []int64
	for _, v := range g.variants {
		ids = append(ids, v.id)
	}
	rows, err := l.db.Session(&gorm.Session{NewDB: true}).Model(&models.Receipt{}).Select("id, receipt_json").Where("id IN ?", ids).Rows()
	if err != nil {
		return nil, translated(l.db, err)
	}
	defer rows.Close()
	written := map[int64]ggen.Outputs{}
	for rows.Next() {
		var id int64
		var raw sql.RawBytes
		if err := rows.Scan(&id, &raw); err != nil {
			return nil, translated(l.db, err)
		}
		if out, ok := ggen.ReadOutputs(raw); ok {
			written[id] = out
		}
	}
	return written, translated(l.db, rows.Err())
}

// file is which executions made what of a file.
func (g *driftGroup) file(path string, written map[int64]ggen.Outputs) FileDrift {
	counts, names := map[string]int64{}, map[string][]DriftExecution{}
	for _, v := range g.variants {
		out, there := written[v.id] // not there if it was deleted meanwhile
		hash, named := out[path]
		if there && (hash != "" || !named) {
			counts[hash] += v.count
			names[hash] = newest(append(names[hash], v.newest...))
		}
	}
	file := FileDrift{Path: path}
	for hash, executions := range names {
		h := FileHash{Hash: hash, Count: counts[hash]}
		for _, e := range executions {
			h.Executions = append(h.Executions, e.ExecutionID)
		}
		file.Hashes = append(file.Hashes, h)
	}
	slices.SortFunc(file.Hashes, func(a, b FileHash) int {
		x, y := names[a.Hash][0], names[b.Hash][0]
		return cmp.Or(y.Timestamp.Compare(x.Timestamp.Time), cmp.Compare(y.id, x.id))
	})
	return file
}
