// Package anchor reads and writes anchor files: checkpoints of the audit log outside its
// database. Package ledger exports the part of it that callers need.
//
// An anchor file holds one checkpoint per line, as JSON. A full disk or a power failure can
// leave the beginning of a line at its end. Readers ignore it, and the next checkpoint
// replaces it.
package anchor

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Read returns the checkpoints of an anchor file, in order of size. Errors:
// models.ErrNotFound if there is no such file, models.ErrInvalid for a line that is not a
// checkpoint.
func Read(path string) ([]Checkpoint, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, wrapErr(path, err)
	}
	defer f.Close()
	end, _, err := sizes(f)
	if err != nil {
		return nil, wrapErr(path, err)
	}
	var list []Checkpoint
	lines := bufio.NewScanner(io.NewSectionReader(f, 0, end))
	for n := 1; lines.Scan(); n++ {
		c, err := decode(lines.Bytes())
		if err != nil {
			return nil, notAnchor(path, fmt.Sprintf("line %d", n), err)
		}
		list = append(list, c)
	}
	slices.SortStableFunc(list, func(a, b Checkpoint) int { return cmp.Compare(a.Size, b.Size) })
	return list, wrapErr(path, lines.Err())
}

func decode(line []byte) (c Checkpoint, err error) {
	if err = json.Unmarshal(line, &c); err == nil && (c.Size <= 0 || c.Size > MaxSize) {
		err = errors.New("it has no size of a tree")
	}
	return c, err
}

// Last returns the newest checkpoint of an anchor file, or one of size 0 if the file is
// empty or does not exist. It reads only the end of the file.
func Last(path string) (Checkpoint, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Checkpoint{}, nil
	}
	if err != nil {
		return Checkpoint{}, wrapErr(path, err)
	}
	defer f.Close()
	end, _, err := sizes(f)
	if err != nil {
		return Checkpoint{}, wrapErr(path, err)
	}
	text, err := tail(f, end)
	if err != nil {
		return Checkpoint{}, wrapErr(path, err)
	}
	text = bytes.TrimSpace(text)
	if len(text) == 0 {
		return Checkpoint{}, nil
	}
	c, err := decode(text[bytes.LastIndexByte(text, '\n')+1:])
	if err != nil {
		return c, notAnchor(path, "its last line", err)
	}
	return c, nil
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
	end, size, err := sizes(f)
	if err == nil && end < size {
		err = f.Truncate(end)
	}
	if err == nil {
		_, err = f.Write(append(line, '\n'))
	}
	return wrapErr(path, errors.Join(err, f.Sync(), f.Close()))
}

// tail returns the end of the first size bytes of a file: some hundred lines.
func tail(f *os.File, size int64) ([]byte, error) {
	text := make([]byte, min(size, 64<<10))
	_, err := f.ReadAt(text, size-int64(len(text)))
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return text, err
}

// lineStart begins each line.
var lineStart = []byte(`{"size":`)

// sizes returns the size of a file, and where its complete lines end. Text at the end that
// is not the beginning of a line counts as complete, so that readers reject the file.
func sizes(f *os.File) (complete, size int64, err error) {
	info, err := f.Stat()
	if err != nil {
		return 0, 0, err
	}
	size = info.Size()
	text, err := tail(f, size)
	last := text[bytes.LastIndexByte(text, '\n')+1:]
	n := min(len(last), len(lineStart))
	if json.Valid(last) || !bytes.Equal(last[:n], lineStart[:n]) {
		return size, size, err
	}
	return size - int64(len(last)), size, err
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
