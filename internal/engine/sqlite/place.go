package sqlite

import (
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// place is the files of an open database. SQLite would go on writing into files that
// have been removed or replaced, and what it then acknowledges is gone with the process:
// so commits look first.
type place struct {
	path, wal string
	db, log   fs.FileInfo // as they were opened
	looked    time.Time   // when a commit last did
}

// lookEvery is how long a commit trusts what one before it saw: what was acknowledged
// just before the files were taken away is gone with them as well.
const lookEvery = 10 * time.Millisecond

// placeOf is the place of a file that is there, before it is opened.
func placeOf(path string) (*place, error) {
	db, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	real, err := filepath.EvalSymlinks(path)
	return &place{path: path, wal: real + "-wal", db: db}, err
}

// opened notes the WAL, once a connection has opened it, and reports whether the
// database is still the file that was to be opened.
func (p *place) opened() (err error) {
	if p.log, err = os.Stat(p.wal); err != nil || !p.kept() {
		return gone(err)
	}
	return nil
}

// mayCommit is kept, now and then. The commits of a connection come one by one.
func (p *place) mayCommit() bool {
	if p.log == nil { // Open is not done
		return true
	}
	now := time.Now()
	if now.Sub(p.looked) < lookEvery {
		return true
	}
	if !p.kept() {
		return false
	}
	p.looked = now
	return true
}

// kept reports whether path and WAL still name the files that are open.
func (p *place) kept() bool {
	db, err := os.Stat(p.path)
	if err != nil || !os.SameFile(db, p.db) {
		return false
	}
	log, err := os.Stat(p.wal)
	return err == nil && os.SameFile(log, p.log)
}

func gone(err error) error {
	return &models.Error{
		Kind: models.ErrReadOnly, Err: err,
		Reason: "the database file, or its -wal, was moved, removed or replaced since it was opened; nothing more is written: close the store and open it again",
	}
}
