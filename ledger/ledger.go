// Package ledger is what proves the audit log: a Merkle tree over its entries in order of
// id (RFC 6962, 2.1, as in golang.org/x/mod/sumdb/tlog), checkpoints of it, which may be
// signed and kept outside the database, and proofs that one entry is in it.
//
// Nothing here touches a database: who has a Proof, and a Checkpoint or the key that
// signed it, can check it anywhere.
package ledger

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

// VerifyOptions say what else the audit log is held against. The zero value is nothing.
type VerifyOptions struct {
	Anchor   string   // the anchor file
	Keys     []string // verifier keys: every anchored checkpoint, or without an anchor the newest of the database, must be signed by one
	Archives []string // data sources of archives, in which archived entries are looked up
}
