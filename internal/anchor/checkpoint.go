package anchor

import (
	"fmt"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// MaxSize is the largest size of a tree. Package tlog does not return for a larger one.
const MaxSize = 1 << 62

// origin is the first line of the text of a checkpoint.
const origin = "github.com/seanchatmangpt/ggen/tier2/audit_log"

// Checkpoint is a ledger.Checkpoint.
type Checkpoint struct {
	Size      int64            `json:"size"`
	Root      tlog.Hash        `json:"root"`
	Timestamp models.Timestamp `json:"timestamp"`
	Note      string           `json:"note,omitempty"`
}

// Text returns the text that is signed: the body of a C2SP tlog-checkpoint
// (https://c2sp.org/tlog-checkpoint) with one extension line, the time.
func (c Checkpoint) Text() string {
	return fmt.Sprintf("%s\n%d\n%s\ntime %s\n", origin, c.Size, c.Root, c.Timestamp)
}

// Sign returns the Ed25519-signed note of the checkpoint
// (https://pkg.go.dev/golang.org/x/mod/sumdb/note).
func (c Checkpoint) Sign(signer note.Signer) (string, error) {
	text, err := note.Sign(&note.Note{Text: c.Text()}, signer)
	return string(text), err
}

// NewSigner reads a private key. Errors: models.ErrInvalid, without the key.
func NewSigner(private string) (note.Signer, error) {
	signer, err := note.NewSigner(private)
	if err != nil {
		return nil, refuse.Because(models.ErrInvalid, "the private key cannot be read; its form is PRIVATE+KEY+name+id+key")
	}
	return signer, nil
}
