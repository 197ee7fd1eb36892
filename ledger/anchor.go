package ledger

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

// An anchor file holds a checkpoint a line, as JSON. It is kept where who can write the
// database cannot, so that a database that was cut short or written anew is noticed. A last
// line that ends within, as a full disk or a power failure leaves it, does not count, and
// the next checkpoint takes its place.

// ReadAnchor reads an anchor file, in order of size. Errors: models.ErrNotFound for none,
// models.ErrInvalid for a line that is no checkpoint.
func ReadAnchor(path string) ([]Checkpoint, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, anchorError(path, err)
	}
	defer f.Close()
	end, err := whole(f)
	if err != nil {
		return nil, anchorError(path, err)
	}
	var list []Checkpoint
	lines := bufio.NewScanner(io.NewSectionReader(f, 0, end))
	for n := 1; lines.Scan(); n++ {
		c, err := anchored(lines.Bytes())
		if err != nil {
			return nil, &models.Error{Kind: models.ErrInvalid, Value: path, Reason: fmt.Sprintf("is no anchor file: line %d is no checkpoint", n), Err: err}
		}
		list = append(list, c)
	}
	slices.SortStableFunc(list, func(a, b Checkpoint) int { return cmp.Compare(a.Size, b.Size) })
	return list, anchorError(path, lines.Err())
}

func anchored(line []byte) (c Checkpoint, err error) {
	if err = json.Unmarshal(line, &c); err == nil && (c.Size <= 0 || c.Size > MaxSize) {
		err = errors.New("it has no size of a tree")
	}
	return c, err
}

// LastAnchored is the newest checkpoint of an anchor file; of size 0 if there is none.
func LastAnchored(path string) (Checkpoint, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Checkpoint{}, nil
	}
	if err != nil {
		return Checkpoint{}, anchorError(path, err)
	}
	defer f.Close()
	end, err := whole(f)
	if err != nil {
		return Checkpoint{}, anchorError(path, err)
	}
	text, err := tail(f, end)
	if err != nil {
		return Checkpoint{}, anchorError(path, err)
	}
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	if last := lines[len(lines)-1]; len(last) > 0 {
		c, err := anchored(last)
		if err != nil {
			return c, &models.Error{Kind: models.ErrInvalid, Value: path, Reason: "is no anchor file: its last line is no checkpoint", Err: err}
		}
		return c, nil
	}
	return Checkpoint{}, nil
}

// tail is the end of a file of some size: some hundred lines of it.
func tail(f *os.File, size int64) ([]byte, error) {
	text := make([]byte, min(size, 64<<10))
	_, err := f.ReadAt(text, size-int64(len(text)))
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return text, err
}

// begins is how a line does.
var begins = []byte(`{"size":`)

// whole is the size of a file without the beginning of a line at its end. What does not
// begin as one is left for the readers to refuse: it is no anchor file.
func whole(f *os.File) (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	text, err := tail(f, info.Size())
	rest := text[bytes.LastIndexByte(text, '\n')+1:]
	if json.Valid(rest) || !bytes.Equal(rest[:min(len(rest), len(begins))], begins[:min(len(rest), len(begins))]) {
		return info.Size(), err
	}
	return info.Size() - int64(len(rest)), err
}

// cut makes a file that is larger end there.
func cut(f *os.File, end int64) error {
	info, err := f.Stat()
	if err != nil || info.Size() <= end {
		return err
	}
	return f.Truncate(end)
}

// AppendAnchor adds a checkpoint to an anchor file, which it makes (0600) if it does not
// exist, and waits until the disk has it.
func AppendAnchor(path string, c Checkpoint) error {
	line, err := json.Marshal(c)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return anchorError(path, err)
	}
	end, err := whole(f)
	if err == nil {
		err = cut(f, end)
	}
	if err == nil {
		_, err = f.Write(append(line, '\n'))
	}
	return anchorError(path, errors.Join(err, f.Sync(), f.Close()))
}

func anchorError(path string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return &models.Error{Kind: models.ErrNotFound, Value: path, Reason: "the anchor file, or its folder, does not exist", Err: err}
	}
	return fmt.Errorf("anchor file: %w", err)
}
