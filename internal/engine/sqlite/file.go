package sqlite

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/seanchatmangpt/ggen/tier2/internal/newfile"
	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
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
	made, created := newfile.MissingFolders(filepath.Dir(path)), false
	undo = func() {
		if info, err := os.Stat(path); created && err == nil && info.Size() == 0 {
			_ = os.Remove(path) // the error before counts
		}
		for _, dir := range made {
			_ = os.Remove(dir) // fails if something else is in the folder
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return undo, fmt.Errorf("make its folder: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return undo, nil // another process has created the file
	}
	if err != nil {
		return undo, err
	}
	created = true
	return undo, f.Close()
}

// checkFile rejects files that SQLite would reject later, or not at all.
func checkFile(path string, info fs.FileInfo, readOnly bool) error {
	access := os.O_RDWR
	if readOnly {
		access = os.O_RDONLY
	}
	unwritable := refuse.Because(models.ErrReadOnly, "the file is read-only, and a store must be able to write")
	switch {
	case info.IsDir():
		return refuse.Because(models.ErrInvalid, "is a directory, not a database file")
	case !info.Mode().IsRegular():
		return refuse.Because(models.ErrInvalid, "is not a regular file")
	case !readOnly && info.Mode().Perm()&0o222 == 0:
		return unwritable
	}
	f, err := os.OpenFile(path, access, 0)
	if !readOnly && errors.Is(err, fs.ErrPermission) {
		unwritable.Err = err
		return unwritable
	}
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // only read
	start := make([]byte, len(header))
	n, err := io.ReadFull(f, start)
	if n == 0 && errors.Is(err, io.EOF) {
		return nil // an empty file becomes a database
	}
	if !bytes.Equal(start[:n], header) {
		return refuse.Because(models.ErrInvalid, "is not a SQLite database")
	}
	return nil
}

// place identifies the files of an open database. SQLite keeps writing to files that were
// removed or replaced, and those commits are lost with the process, so commits check the
// files first.
type place struct {
	path, wal string
	db, log   fs.FileInfo // at the time of opening
	checked   time.Time   // last check by a commit
}

// checkEvery is how long a check stays valid for later commits. Commits just before the files
// are removed are lost in any case.
const checkEvery = 10 * time.Millisecond

// placeOf returns the place of an existing file that is not open yet.
func placeOf(path string) (*place, error) {
	db, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	real, err := filepath.EvalSymlinks(path)
	return &place{path: path, wal: real + "-wal", db: db}, err
}

// opened records the WAL after a connection has opened it. It returns an error if the
// database file was replaced meanwhile.
func (p *place) opened() (err error) {
	if p.log, err = os.Stat(p.wal); err != nil || !p.unchanged() {
		return movedErr(err)
	}
	return nil
}

// onCommit returns 0 if a commit may proceed, else 1. It needs no lock, because the commits of
// a connection are sequential.
func (p *place) onCommit() int32 {
	now := time.Now()
	if p.log == nil || now.Sub(p.checked) < checkEvery { // log is nil before Open returns
		return 0
	}
	if !p.unchanged() {
		return 1
	}
	p.checked = now
	return 0
}

// unchanged reports whether path and WAL still name the open files.
func (p *place) unchanged() bool {
	db, err := os.Stat(p.path)
	if err != nil || !os.SameFile(db, p.db) {
		return false
	}
	log, err := os.Stat(p.wal)
	return err == nil && os.SameFile(log, p.log)
}

// movedErr returns the error for a database whose files were moved, removed or replaced.
func movedErr(err error) error {
	return &models.Error{
		Kind: models.ErrReadOnly, Err: err,
		Reason: "the database file, or its -wal, was moved, removed or replaced since it was opened; nothing more is written: close the store and open it again",
	}
}
