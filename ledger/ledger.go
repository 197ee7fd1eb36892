// Package ledger proves the audit log. A Merkle tree over its entries in order of id (RFC
// 6962, 2.1, as in golang.org/x/mod/sumdb/tlog) has checkpoints, which may be signed and
// stored outside the database, and a proof shows that an entry is in the tree.
//
// Nothing here needs a database: anyone with a Proof, and a Checkpoint or the key that
// signed it, can check it anywhere.
package ledger

// Kind is a kind of damage of an audit log, or of a row that its entries describe.
type Kind string

// The kinds.
const (
	Edited     Kind = "edited"      // the entry was changed after it was sealed
	Missing    Kind = "missing"     // a sealed entry is missing, also in the archives
	Inserted   Kind = "inserted"    // an entry between sealed ones was not sealed with them
	Reordered  Kind = "reordered"   // a sealed entry has another id
	Forked     Kind = "forked"      // the tree differs from a checkpoint
	Truncated  Kind = "truncated"   // the tree is shorter than a checkpoint
	Unsigned   Kind = "unsigned"    // a checkpoint has no signature by a required key
	RowChanged Kind = "row changed" // a row differs from the digest in its last entry
	RowMissing Kind = "row missing" // a row is missing, and no entry records its deletion
	RowBack    Kind = "row back"    // a row exists although its last entry records its deletion
)

// Finding describes one fault.
type Finding struct {
	Kind    Kind   `json:"kind"`
	EntryID int64  `json:"entry_id,omitempty"` // of audit_log; 0 if it concerns the tree as a whole
	Table   string `json:"table,omitempty"`    // of the row, for the kinds of rows
	RowID   int64  `json:"row_id,omitempty"`
	Reason  string `json:"reason"` // a sentence
}

// Report is the result of verifying the audit log.
type Report struct {
	Checkpoint Checkpoint `json:"checkpoint"` // the newest of the database; of size 0 if the log was never sealed
	Sealed     int64      `json:"sealed"`     // entries in the tree
	Archived   int64      `json:"archived"`   // of these, the entries that retention removed or archived
	Unsealed   int64      `json:"unsealed"`   // entries that are not in the tree yet: only triggers protect them
	Rows       int64      `json:"rows"`       // rows that equal the digest in their last entry
	Undigested int64      `json:"undigested"` // rows whose last entry, of an older version, has no digest
	Findings   []Finding  `json:"findings"`   // the first 100, in order of entries, then of tables; never nil
	Total      int64      `json:"total"`      // the number of all findings
}

// OK reports whether the verification found no fault.
func (r *Report) OK() bool { return r.Total == 0 }

// VerifyOptions name what the audit log is compared with, besides its own database.
type VerifyOptions struct {
	Anchor string // the anchor file; "" for none
	// Keys are verifier keys. One of them must have signed every checkpoint of the anchor or,
	// without an anchor, the newest checkpoint of the database.
	Keys     []string
	Archives []string // data sources of the archives that hold archived entries
}

// The operations of the entries in which retention records the removal and return of
// entries.
const (
	OperationRemove  = "audit_log.remove"
	OperationArchive = "audit_log.archive"
	OperationRestore = "audit_log.restore"
)

// Boundary is the context_json of such an entry.
type Boundary struct {
	V          int    `json:"v"`
	Table      string `json:"table"`
	Action     string `json:"action"`
	Entries    int64  `json:"entries"`              // the number of entries
	FirstID    int64  `json:"first_id"`             // the smallest of their ids
	LastID     int64  `json:"last_id"`              // the largest
	Executions int64  `json:"executions,omitempty"` // the number of executions that moved with them
	Before     string `json:"before,omitempty"`     // of an archive: it took executions that began before this time
	Archive    string `json:"archive,omitempty"`    // the location of the archive, without a password
}
