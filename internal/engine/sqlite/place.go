package sqlite

import (
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

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

// mayCommit reports whether a commit may proceed. It needs no lock, because the commits of a
// connection are sequential.
func (p *place) mayCommit() bool {
	if p.log == nil { // Open has not returned
		return true
	}
	now := time.Now()
	if now.Sub(p.checked) < checkEvery {
		return true
	}
	if !p.unchanged() {
		return false
	}
	p.checked = now
	return true
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
