package sqlite

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/seanchatmangpt/ggen/tier2/internal/newfile"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// header is the beginning of every SQLite database
// (https://www.sqlite.org/fileformat2.html#the_database_header).
var header = []byte("SQLite format 3\x00")

// prepareFile creates the file (0600) and its missing folders (0700). An existing file must
// be a database, writable unless readOnly. undo removes the created file if it is still
// empty, and the created folders if nothing else is in them.
func prepareFile(where location, readOnly bool) (undo func(), err error) {
	path := where.path
	undo = func() {}
	info, err := os.Stat(path)
	switch {
	case err == nil:
		return undo, checkFile(path, info, readOnly)
	case !errors.Is(err, fs.ErrNotExist):
		return undo, err
	case !where.create:
		return undo, &models.Error{Reason: "the file does not exist, and is not to be made", Kind: models.ErrNotFound, Err: err}
	}
	made := newfile.MissingFolders(filepath.Dir(path))
	removeFolders := func() {
		for _, dir := range made { // os.Remove spares a folder that is not empty
			os.Remove(dir)
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		removeFolders()
		return undo, fmt.Errorf("make its folder: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return removeFolders, nil // another process has created the file
	}
	if err != nil {
		removeFolders()
		return undo, err
	}
	if err := f.Close(); err != nil {
		return undo, err
	}
	return func() {
		if info, err := os.Stat(path); err == nil && info.Size() == 0 {
			os.Remove(path)
			removeFolders()
		}
	}, nil
}

// checkFile rejects files that SQLite would reject later, or not at all.
func checkFile(path string, info fs.FileInfo, readOnly bool) error {
	access := os.O_RDWR
	if readOnly {
		access = os.O_RDONLY
	}
	switch {
	case info.IsDir():
		return &models.Error{Reason: "is a directory, not a database file", Kind: models.ErrInvalid}
	case !info.Mode().IsRegular():
		return &models.Error{Reason: "is not a regular file", Kind: models.ErrInvalid}
	case !readOnly && info.Mode().Perm()&0o222 == 0:
		return &models.Error{Reason: "the file is read-only, and a store must be able to write", Kind: models.ErrReadOnly}
	}
	f, err := os.OpenFile(path, access, 0)
	if err != nil {
		if !readOnly && errors.Is(err, fs.ErrPermission) {
			return &models.Error{Reason: "the file is read-only, and a store must be able to write", Kind: models.ErrReadOnly, Err: err}
		}
		return err
	}
	defer f.Close()
	start := make([]byte, len(header))
	n, err := io.ReadFull(f, start)
	if n == 0 && errors.Is(err, io.EOF) {
		return nil // an empty file becomes a database
	}
	if !bytes.Equal(start[:n], header) {
		return &models.Error{Reason: "is not a SQLite database", Kind: models.ErrInvalid}
	}
	return nil
}
