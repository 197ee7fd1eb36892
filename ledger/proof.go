package ledger

import (
	"encoding/json"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/seanchatmangpt/ggen/tier2/internal/anchor"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

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
