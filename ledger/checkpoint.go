package ledger

import (
	"crypto/rand"
	"fmt"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/seanchatmangpt/ggen/tier2/internal/anchor"
	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

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
