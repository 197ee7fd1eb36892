// Package anchor reads and writes anchor files: checkpoints of the audit log outside its
// database. Package ledger exports the part of it that callers need.
//
// An anchor file holds one checkpoint per line, as JSON. A full disk or a power failure can
// leave the beginning of a line at its end. Readers ignore it, and the next checkpoint
// replaces it.
package anchor

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

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

// Read returns the checkpoints of an anchor file, in order of size. Errors:
// models.ErrNotFound if there is no such file, models.ErrInvalid for a line that is not a
// checkpoint.
func Read(path string) (list []Checkpoint, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, wrapErr(path, err)
	}
	for line := range bytes.Lines(complete(text)) {
		c, err := decode(line)
		if err != nil {
			return nil, notAnchor(path, fmt.Sprintf("line %d", len(list)+1), err)
		}
		list = append(list, c)
	}
	slices.SortStableFunc(list, func(a, b Checkpoint) int { return cmp.Compare(a.Size, b.Size) })
	return list, nil
}

// Last returns the newest checkpoint of an anchor file, or one of size 0 if the file is
// empty or does not exist. It reads only the end of the file.
func Last(path string) (c Checkpoint, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return c, wrapErr(path, err)
	}
	defer f.Close() //nolint:errcheck // only read
	text, _, err := tail(f)
	if text = bytes.TrimSpace(complete(text)); err != nil || len(text) == 0 {
		return c, wrapErr(path, err)
	}
	if c, err = decode(text[bytes.LastIndexByte(text, '\n')+1:]); err != nil {
		err = notAnchor(path, "its last line", err)
	}
	return c, err
}

func decode(line []byte) (c Checkpoint, err error) {
	if err = json.Unmarshal(line, &c); err == nil && (c.Size <= 0 || c.Size > MaxSize) {
		err = errors.New("it has no size of a tree")
	}
	return c, err
}

// Append adds a checkpoint to an anchor file and syncs the file. It creates the file, with
// mode 0600, if it does not exist.
func Append(path string, c Checkpoint) error {
	line, err := json.Marshal(c)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return wrapErr(path, err)
	}
	text, size, err := tail(f)
	if rest := len(text) - len(complete(text)); err == nil && rest > 0 {
		err = f.Truncate(size - int64(rest))
	}
	if err == nil {
		_, err = f.Write(append(line, '\n'))
	}
	return wrapErr(path, errors.Join(err, f.Sync(), f.Close()))
}

// tail returns the end of a file, some hundred lines, and the size of the file.
func tail(f *os.File) (text []byte, size int64, err error) {
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	size = info.Size()
	text = make([]byte, min(size, 64<<10))
	if _, err = f.ReadAt(text, size-int64(len(text))); errors.Is(err, io.EOF) {
		err = nil
	}
	return text, size, err
}

// lineStart begins each line.
var lineStart = []byte(`{"size":`)

// complete returns text without an incomplete last line. A last line that does not begin with
// lineStart stays, so that readers reject the file.
func complete(text []byte) []byte {
	last := text[bytes.LastIndexByte(text, '\n')+1:]
	n := min(len(last), len(lineStart))
	if json.Valid(last) || !bytes.Equal(last[:n], lineStart[:n]) {
		return text
	}
	return text[:len(text)-len(last)]
}

// notAnchor returns the error of a file with a line that is not a checkpoint.
func notAnchor(path, line string, err error) error {
	return &models.Error{Kind: models.ErrInvalid, Value: path, Reason: "is no anchor file: " + line + " is no checkpoint", Err: err}
}

func wrapErr(path string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return &models.Error{Kind: models.ErrNotFound, Value: path, Reason: "the anchor file, or its folder, does not exist", Err: err}
	}
	return fmt.Errorf("anchor file: %w", err)
}
