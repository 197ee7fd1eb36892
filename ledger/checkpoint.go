package ledger

import (
	"crypto/rand"
	"fmt"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Origin is the first line of a checkpoint's text.
const Origin = "github.com/seanchatmangpt/ggen/tier2/audit_log"

// MaxSize is the largest size of a tree. Package tlog does not return for a larger one.
const MaxSize = 1 << 62

// Checkpoint is what the tree was at a time.
type Checkpoint struct {
	Size      int64            `json:"size"` // entries
	Root      tlog.Hash        `json:"root"` // in base64
	Timestamp models.Timestamp `json:"timestamp"`
	Note      string           `json:"note,omitempty"` // the text with its signatures; "" if it is not signed
}

// Text is what is signed: the body of a C2SP tlog-checkpoint (https://c2sp.org/tlog-checkpoint),
// whose one extension line is the time.
func (c Checkpoint) Text() string {
	return fmt.Sprintf("%s\n%d\n%s\ntime %s\n", Origin, c.Size, c.Root, c.Timestamp)
}

// Sign makes Note, an Ed25519-signed note (https://pkg.go.dev/golang.org/x/mod/sumdb/note).
func (c *Checkpoint) Sign(signer note.Signer) error {
	text, err := note.Sign(&note.Note{Text: c.Text()}, signer)
	c.Note = string(text)
	return err
}

// Check reports, as an error that wraps models.ErrConflict, that Note is not signed by
// one of the keys, or is not about this checkpoint; a key that cannot be read is
// models.ErrInvalid. No keys is no check.
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
		return &models.Error{Kind: models.ErrConflict, Reason: fmt.Sprintf("the checkpoint of size %d is not signed", c.Size)}
	}
	opened, err := note.Open([]byte(c.Note), note.VerifierList(verifiers...))
	if err != nil {
		return &models.Error{Kind: models.ErrConflict, Err: err, Reason: fmt.Sprintf("the checkpoint of size %d is not signed by a known key: %v", c.Size, err)}
	}
	if opened.Text != c.Text() {
		return &models.Error{Kind: models.ErrConflict, Reason: fmt.Sprintf("the note of the checkpoint of size %d is about another one", c.Size)}
	}
	return nil
}

// GenerateKey makes an Ed25519 key pair: the private one is for tier2.WithSigner, the
// public one for VerifyOptions.Keys. name is what signatures show: no blanks, no plus.
func GenerateKey(name string) (private, public string, err error) {
	private, public, err = note.GenerateKey(rand.Reader, name)
	if err == nil {
		_, err = note.NewSigner(private) // refuses the name
	}
	if err != nil {
		return "", "", &models.Error{Kind: models.ErrInvalid, Value: name, Reason: "is no name of a key: it must not be empty, nor hold a blank or a plus", Err: err}
	}
	return private, public, nil
}

// NewSigner reads a private key. The error wraps models.ErrInvalid and does not show it.
func NewSigner(private string) (note.Signer, error) {
	signer, err := note.NewSigner(private)
	if err != nil {
		return nil, &models.Error{Kind: models.ErrInvalid, Reason: "the private key cannot be read; its form is PRIVATE+KEY+name+id+key"}
	}
	return signer, nil
}
