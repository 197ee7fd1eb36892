package repository

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"maps"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/internal/ggen"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Limits of the size of a Drift.
const (
	MaxDriftOutputs = 10 // different outputs that are compared
	MaxDriftNames   = 20 // execution ids listed per output
	MaxDriftFiles   = 50 // files
)

// DriftFilter selects the executions that Drift compares. The zero value selects all.
type DriftFilter struct {
	AgentID      string
	Operation    models.Operation
	Since, Until time.Time // Since <= timestamp < Until, UTC; a zero time is no bound
	Page                   // Limit counts drifts
}

// Drift describes equal inputs with different outputs: the hash of a file differs between
// executions, or some executions wrote the file and others did not.
type Drift struct {
	Operation    models.Operation `json:"operation"`
	ManifestHash string           `json:"manifest_hash"`
	OntologyHash string           `json:"ontology_hash"`
	Compared     int64            `json:"compared"` // passed executions of these inputs with known outputs
	Unknown      int64            `json:"unknown"`  // passed executions with unknown outputs, which are not compared
	// Omitted counts executions whose outputs are not among the MaxDriftOutputs below.
	Omitted    int64            `json:"omitted"`
	Executions []DriftExecution `json:"executions"` // newest first, at most MaxDriftNames
	Files      []FileDrift      `json:"files"`      // with different hashes, by path, at most MaxDriftFiles
	MoreFiles  int              `json:"more_files"` // files with different hashes beyond Files
}

// DriftExecution is an execution that was compared.
type DriftExecution struct {
	ExecutionID string           `json:"execution_id"`
	AgentID     string           `json:"agent_id"`
	Timestamp   models.Timestamp `json:"timestamp"`
	id          int64
}

// FileDrift is a file with different hashes in executions with equal inputs.
type FileDrift struct {
	Path   string     `json:"path"`
	Hashes []FileHash `json:"hashes"` // at least two; the hash of the newest execution first
}

// FileHash is one of the hashes of a file.
type FileHash struct {
	Hash       string   `json:"hash"`       // as in the receipts; "" if the executions did not write the file
	Count      int64    `json:"count"`      // executions with this hash
	Executions []string `json:"executions"` // their ids, newest first, at most MaxDriftNames
}

// DriftSummary counts the executions that one call of Drift compared.
type DriftSummary struct {
	Inputs   int64  `json:"inputs"`   // different inputs that more than one execution had
	Compared int64  `json:"compared"` // passed executions of these inputs with known outputs
	Unknown  int64  `json:"unknown"`  // passed executions of these inputs with unknown outputs
	Next     string `json:"next"`     // cursor of the next page; "" if there is none
}

// Drift returns one page of the inputs whose executions have different outputs, the inputs
// with the newest execution first. Inputs are manifest_hash and ontology_hash, both known,
// and operation. Outputs are the file hashes in receipt_json, compared as text.
//
// Only passed executions are compared, since other executions did not write all files. A
// receipt without any file hash is not compared. A receipt that lists a file without its
// hash is not compared for that file. Counts such as files_generated are never compared: a
// run that finds files up to date writes fewer files and is still deterministic.
//
// Drift reads the selected receipts twice per 10,000 inputs that occur more than once,
// until the page is full. Memory is constant, except that SQLite sorts about 170 bytes per
// selected receipt. Errors: models.ErrInvalid for an invalid filter or page.
func (r *Reports) Drift(ctx context.Context, f DriftFilter) (drifts []Drift, summary DriftSummary, err error) {
	limit, err := f.limit(receiptsTable)
	if err != nil {
		return nil, summary, err
	}
	l := (&Receipts{r.h}).filter(ctx, ReceiptFilter{AgentID: f.AgentID, Operation: f.Operation, Since: f.Since, Until: f.Until})
	if l.err != nil {
		return nil, summary, l.err
	}
	status := sqlOf(l.db).NoIndex + "status" // which is far slower than the order of rows
	l.db = l.db.Where(status+" = ? AND manifest_hash <> '' AND ontology_hash <> ''", models.ReceiptPassed).Session(&gorm.Session{})
	drifts = []Drift{}
	var last key
	for cursor := f.Cursor; ; cursor = l.cursor(last) {
		groups, err := l.driftGroups(cursor)
		if err != nil {
			return nil, summary, err
		}
		for _, g := range groups {
			drift, err := g.drift(l)
			if err != nil {
				return nil, summary, err
			}
			if drift != nil && len(drifts) == limit {
				summary.Next = l.cursor(last)
				return drifts, summary, nil
			}
			summary.Inputs++
			summary.Compared += g.compared
			summary.Unknown += g.unknown
			if last = g.key; drift != nil {
				drifts = append(drifts, *drift)
			}
		}
		if len(groups) < groupsAhead {
			return drifts, summary, nil
		}
	}
}

// inputs are the values that executions must share to be compared.
type inputs struct {
	Operation    models.Operation
	ManifestHash string
	OntologyHash string
}

// driftGroup holds inputs that occur more than once, and their executions' outputs.
type driftGroup struct {
	inputs
	key
	compared, unknown int64
	variants          []*variant // by digest; at most MaxDriftOutputs, those with the smallest digests
}

// variant is one of the outputs, and the executions that have it.
type variant struct {
	digest [sha256.Size]byte
	id     int64 // of one receipt with these outputs
	count  int64
	newest []DriftExecution
}

// groupsAhead is the number of groups that are found and read at once, about 10 MB, since
// both statements go through all receipts of the list. A statement takes at most 32,766
// arguments, and a group has three (https://www.sqlite.org/limits.html).
const groupsAhead = 10_000

// driftGroups returns the next groups after a cursor, at most groupsAhead, with their
// variants. The group with the newest receipt is first.
func (l list) driftGroups(after string) ([]*driftGroup, error) {
	q := l.db.Select("operation, manifest_hash, ontology_hash, MAX(id) AS id, MAX(timestamp) || '' AS sort_key").
		Group("operation, manifest_hash, ontology_hash").Having("COUNT(*) > 1")
	if after != "" {
		c, err := decodeCursor(l.table, after)
		if err != nil {
			return nil, err
		}
		q = q.Having("(MAX(timestamp), MAX(id)) < (?, ?)", c.Time, c.ID)
	}
	rows, err := find[struct {
		Inputs inputs `gorm:"embedded"`
		Key    key    `gorm:"embedded"`
	}](q.Order("MAX(timestamp) DESC, MAX(id) DESC").Limit(groupsAhead))
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	groups := make([]*driftGroup, len(rows))
	for i, row := range rows {
		groups[i] = &driftGroup{inputs: row.Inputs, key: row.Key}
	}
	return groups, l.readVariants(groups)
}

// readVariants adds the receipts of the groups, in no particular order.
func (l list) readVariants(groups []*driftGroup) error {
	by := make(map[inputs]*driftGroup, len(groups))
	args := make([]any, 0, 3*len(groups))
	for _, g := range groups {
		by[g.inputs] = g
		args = append(args, g.ManifestHash, g.OntologyHash, string(g.Operation))
	}
	places := strings.TrimSuffix(strings.Repeat("(?, ?, ?), ", len(groups)), ", ")
	q := l.db.Select("operation, manifest_hash, ontology_hash, id, execution_id, agent_id, timestamp, receipt_json").
		Where("(manifest_hash, ontology_hash, operation) IN (VALUES "+places+")", args...)
	return scan(q, func(rows *sql.Rows) error {
		var in inputs
		var e DriftExecution
		var raw sql.RawBytes
		err := rows.Scan(&in.Operation, &in.ManifestHash, &in.OntologyHash, &e.id, &e.ExecutionID, &e.AgentID, &e.Timestamp, &raw)
		if err != nil {
			return err
		}
		if g := by[in]; g != nil {
			g.add(e, raw)
		}
		return nil
	})
}

// add adds one execution. If there are more than MaxDriftOutputs variants, the variants
// with the smallest digests remain, so that the result does not depend on the order of rows.
func (g *driftGroup) add(e DriftExecution, raw []byte) {
	out, ok := ggen.ReadOutputs(raw)
	if !ok {
		g.unknown++
		return
	}
	g.compared++
	digest := out.Digest()
	at, found := slices.BinarySearchFunc(g.variants, digest, func(v *variant, d [sha256.Size]byte) int {
		return bytes.Compare(v.digest[:], d[:])
	})
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

// newerFirst compares executions for a list with the newest first.
func newerFirst(a, b DriftExecution) int {
	return cmp.Or(b.Timestamp.Compare(a.Timestamp.Time), cmp.Compare(b.id, a.id))
}

// newest returns at most MaxDriftNames executions, newest first.
func newest(list []DriftExecution) []DriftExecution {
	slices.SortFunc(list, newerFirst)
	return list[:min(len(list), MaxDriftNames)]
}

// drift returns the differences between the variants, or nil if there are none.
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
		return nil, nil // the variants differ only in a file that one of them lists without its hash
	}
	return d, nil
}

// outputs reads the outputs of the variants, by variant.id.
func (g *driftGroup) outputs(l list) (map[int64]ggen.Outputs, error) {
	var ids []int64
	for _, v := range g.variants {
		ids = append(ids, v.id)
	}
	receipts, err := find[models.Receipt](l.db.Session(&gorm.Session{NewDB: true}).Select("id, receipt_json").Where("id IN ?", ids))
	written := map[int64]ggen.Outputs{}
	for _, r := range receipts {
		if out, ok := ggen.ReadOutputs(r.ReceiptJSON); ok {
			written[r.ID] = out
		}
	}
	return written, err
}

// file returns the hashes of a file, and the executions with each.
func (g *driftGroup) file(path string, written map[int64]ggen.Outputs) FileDrift {
	counts, names := map[string]int64{}, map[string][]DriftExecution{}
	for _, v := range g.variants {
		out, ok := written[v.id] // false if the receipt was deleted meanwhile
		hash, named := out[path]
		if ok && (hash != "" || !named) {
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
	slices.SortFunc(file.Hashes, func(a, b FileHash) int { return newerFirst(names[a.Hash][0], names[b.Hash][0]) })
	return file
}
