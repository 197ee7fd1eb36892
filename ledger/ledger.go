// Package ledger is what proves the audit log: a Merkle tree over its entries in order of
// id (RFC 6962, 2.1, as in golang.org/x/mod/sumdb/tlog), checkpoints of it, which may be
// signed and kept outside the database, and proofs that one entry is in it.
//
// Nothing here touches a database: who has a Proof, and a Checkpoint or the key that
// signed it, can check it anywhere.
package ledger

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/seanchatmangpt/ggen/tier2/internal/canonical"
)

// Kind is what is wrong with an audit log, or with a row that its entries vouch for.
type Kind string

// The kinds.
const (
	Edited     Kind = "edited"      // the entry is not what was sealed
	Missing    Kind = "missing"     // a sealed entry is not there, and no archive has it
	Inserted   Kind = "inserted"    // an entry stands between sealed ones and was not sealed with them
	Reordered  Kind = "reordered"   // what was sealed stands under another id
	Forked     Kind = "forked"      // the tree is another one than a checkpoint says
	Truncated  Kind = "truncated"   // the tree is shorter than a checkpoint says
	Unsigned   Kind = "unsigned"    // a checkpoint has no signature by a key that was asked for
	RowChanged Kind = "row changed" // a row is not what its last entry vouches for
	RowMissing Kind = "row missing" // a row is gone without an entry that says so
	RowBack    Kind = "row back"    // a row is there that an entry says was deleted
)

// Finding is one thing that is wrong.
type Finding struct {
	Kind    Kind   `json:"kind"`
	EntryID int64  `json:"entry_id,omitempty"` // of audit_log; 0 if it is about the tree as a whole
	Table   string `json:"table,omitempty"`    // of the row, for the kinds of rows
	RowID   int64  `json:"row_id,omitempty"`
	Reason  string `json:"reason"` // a sentence
}

// Report is what a verification of the audit log found.
type Report struct {
	Checkpoint Checkpoint `json:"checkpoint"` // the newest of the database; of size 0 if it never was sealed
	Sealed     int64      `json:"sealed"`     // entries in the tree
	Archived   int64      `json:"archived"`   // of these, those that retention moved away
	Unsealed   int64      `json:"unsealed"`   // entries behind the tree: only the triggers protect them yet
	Rows       int64      `json:"rows"`       // rows compared with the digest of their last entry
	Undigested int64      `json:"undigested"` // rows whose last entry has no digest: it is of an older version
	Findings   []Finding  `json:"findings"`   // the first 100, in order of entries, then of tables; never nil
	Total      int64      `json:"total"`      // how many there were
}

// OK reports whether nothing is wrong.
func (r *Report) OK() bool { return r.Total == 0 }

// maxFindings is how many findings a report holds.
const maxFindings = 100

// Add notes a finding.
func (r *Report) Add(f Finding) {
	r.Total++
	if len(r.Findings) < maxFindings {
		r.Findings = append(r.Findings, f)
	}
}

// Sort orders the findings: those about the log first, then those about rows, by table;
// each by entry.
func (r *Report) Sort() {
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Table, b.Table), cmp.Compare(a.EntryID, b.EntryID))
	})
}

// VerifyOptions say what else the audit log is held against. The zero value is nothing.
type VerifyOptions struct {
	Anchor   string   // the anchor file
	Keys     []string // verifier keys: every anchored checkpoint, or without an anchor the newest of the database, must be signed by one
	Archives []string // data sources of archives, in which archived entries are looked up
}

// Content is the hash of what an entry says: the SHA-256 of the canonical bytes of its
// columns but for id. value gives the value of the ith column, id being the first.
func Content(value func(i int) any) tlog.Hash {
	b := make([]byte, 0, 512)
	for i, c := range canonical.Columns("audit_log")[1:] {
		b = canonical.Append(b, c.Kind, value(i+1))
	}
	return sha256.Sum256(b)
}

// Leaf is the hash of a leaf of the tree: of the entry's id, in eight bytes, big end
// first, and its Content.
func Leaf(id int64, content tlog.Hash) tlog.Hash {
	return tlog.RecordHash(append(binary.BigEndian.AppendUint64(nil, uint64(id)), content[:]...))
}
