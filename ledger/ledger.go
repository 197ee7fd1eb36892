// Package ledger proves the audit log. A Merkle tree over its entries in order of id (RFC
// 6962, 2.1, as in golang.org/x/mod/sumdb/tlog) has checkpoints, which may be signed and
// stored outside the database, and a proof shows that an entry is in the tree.
//
// Nothing here needs a database: anyone with a Proof, and a Checkpoint or the key that
// signed it, can check it anywhere.
package ledger

import (
	"crypto/rand"
	"encoding/json"
	"fmt"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/seanchatmangpt/ggen/tier2/internal/anchor"
	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

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

// Checkpoint is the state of the tree at a time.
type Checkpoint struct {
	Size      int64            `json:"size"` // entries
	Root      tlog.Hash        `json:"root"` // in base64
	Timestamp models.Timestamp `json:"timestamp"`
	// Note is the signed text of the checkpoint, or "" if it is not signed: an Ed25519-signed
	// note (https://pkg.go.dev/golang.org/x/mod/sumdb/note) whose text is a C2SP
	// tlog-checkpoint (https://c2sp.org/tlog-checkpoint) with one extension line, the time.
	Note string `json:"note,omitempty"`
}

// Check verifies that one of the keys signed the checkpoint. Without keys it returns nil.
// Errors: models.ErrConflict if no key signed it or Note belongs to another checkpoint,
// models.ErrInvalid for a key that cannot be read.
func (c Checkpoint) Check(keys ...string) error {
	if len(keys) == 0 {
		return nil
	}
	verifiers := make([]note.Verifier, len(keys))
	for i, key := range keys {
		var err error
		if verifiers[i], err = note.NewVerifier(key); err != nil {
			return &models.Error{Kind: models.ErrInvalid, Value: key, Reason: "is no verifier key", Err: err}
		}
	}
	if c.Note == "" {
		return refuse.Because(models.ErrConflict, "the checkpoint of size %d is not signed", c.Size)
	}
	opened, err := note.Open([]byte(c.Note), note.VerifierList(verifiers...))
	if err != nil {
		return &models.Error{Kind: models.ErrConflict, Err: err,
			Reason: fmt.Sprintf("the checkpoint of size %d is not signed by a known key: %v", c.Size, err)}
	}
	if opened.Text != anchor.Checkpoint(c).Text() {
		return refuse.Because(models.ErrConflict, "the note of the checkpoint of size %d is about another one", c.Size)
	}
	return nil
}

// ReadAnchor returns the checkpoints of an anchor file, in order of size. An anchor file
// holds one checkpoint per line, as JSON. Keep it somewhere that writers of the database
// cannot reach, so that truncating or rewriting the log is detected. An incomplete last
// line, as a full disk leaves it, is ignored. Errors: models.ErrNotFound if there is no such
// file, models.ErrInvalid for a line that is not a checkpoint.
func ReadAnchor(path string) (list []Checkpoint, err error) {
	checkpoints, err := anchor.Read(path)
	for _, c := range checkpoints {
		list = append(list, Checkpoint(c))
	}
	return list, err
}

// GenerateKey returns a new Ed25519 key pair: the private key for tier2.WithSigner, the
// public key for VerifyOptions.Keys. Signatures show the name, which must not be empty or
// contain a blank or a plus. Errors: models.ErrInvalid for another name.
func GenerateKey(name string) (private, public string, err error) {
	private, public, err = note.GenerateKey(rand.Reader, name)
	if err == nil {
		_, err = note.NewSigner(private) // rejects the name
	}
	if err != nil {
		return "", "", &models.Error{Kind: models.ErrInvalid, Value: name, Err: err,
			Reason: "is no name of a key: it must not be empty, nor hold a blank or a plus"}
	}
	return private, public, nil
}

// Entry is an audit entry as it is stored; nil is NULL.
type Entry struct {
	ID           int64   `json:"id"`
	Timestamp    string  `json:"timestamp"`
	AgentID      string  `json:"agent_id"`
	Operation    string  `json:"operation"`
	Status       string  `json:"status"`
	DurationMS   *int64  `json:"duration_ms"`
	ErrorMessage *string `json:"error_message"`
	ContextJSON  *string `json:"context_json"`
	CreatedAt    *string `json:"created_at"`
}

// leaf returns the hash of the entry's leaf in the tree.
func (e Entry) leaf() tlog.Hash {
	return schema.Leaf(e.ID, schema.Entry(schema.Row{
		e.ID, e.Timestamp, e.AgentID, e.Operation, e.Status,
		orNil(e.DurationMS), orNil(e.ErrorMessage), orNil(e.ContextJSON), orNil(e.CreatedAt),
	}))
}

func orNil[T any](p *T) any {
	if p == nil {
		return nil
	}
	return *p
}

// Proof shows that an entry is in the tree of a checkpoint (RFC 6962, 2.1.1). Encoded as
// JSON it can be checked without the database.
//
// The hash of the entry's leaf covers its id, in eight big-endian bytes, and the SHA-256 of
// the canonical bytes of its other columns.
type Proof struct {
	Entry      Entry            `json:"entry"`
	Index      int64            `json:"index"` // of the entry in the tree, counted from 0
	Checkpoint Checkpoint       `json:"checkpoint"`
	Path       tlog.RecordProof `json:"path"`
}

// ParseProof decodes a Proof from JSON. Errors: models.ErrInvalid.
func ParseProof(text []byte) (*Proof, error) {
	var p Proof
	if err := json.Unmarshal(text, &p); err != nil {
		return nil, &models.Error{Kind: models.ErrInvalid, Reason: "is no proof: " + err.Error(), Err: err}
	}
	return &p, nil
}

// Check recomputes the root of the checkpoint from the entry, and verifies that one of the
// keys signed the checkpoint. Without keys the caller must know that Checkpoint is genuine,
// for example because an anchor holds it. Errors: models.ErrConflict if the proof does not
// hold, models.ErrInvalid for a key that cannot be read.
func (p *Proof) Check(keys ...string) error {
	if err := p.Checkpoint.Check(keys...); err != nil {
		return err
	}
	if p.Index < 0 || p.Index >= p.Checkpoint.Size || p.Checkpoint.Size > anchor.MaxSize {
		return &models.Error{Kind: models.ErrConflict, Value: p.Index, Reason: "lies outside of the checkpoint's tree"}
	}
	err := tlog.CheckRecord(p.Path, p.Checkpoint.Size, p.Checkpoint.Root, p.Index, p.Entry.leaf())
	if err != nil {
		return &models.Error{Table: "audit_log", Column: "id", Value: p.Entry.ID, Kind: models.ErrConflict, Err: err,
			Reason: "is not in the checkpoint's tree as this entry"}
	}
	return nil
}
