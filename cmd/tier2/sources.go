package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
)

// entriesAtOnce is how many names of a directory are held at once, and are in order.
const entriesAtOnce = 4096

// sources are the files that import reads, and where it says what it cannot read.
type sources struct {
	args   []string
	refuse func(source string, err error)
}

// files are the files that the arguments stand for, directories taken apart. No list
// of them is made: a directory may hold millions.
func (s sources) files(ctx context.Context) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, arg := range s.args {
			if shown := backend.Redact(arg); shown != arg {
				s.refuse(shown, errors.New("is no file; the database is given by --db"))
				continue
			}
			if info, err := os.Stat(arg); arg == "-" || err != nil || !info.IsDir() {
				if !yield(arg) { // reading it says what is wrong with it
					return
				}
				continue
			}
			found := 0
			counted := func(file string) bool { found++; return yield(file) }
			if !s.walk(ctx, arg, counted) {
				return
			}
			if found == 0 {
				s.refuse(arg, errors.New("there is no .json or .jsonl file in it"))
			}
		}
	}
}

// walk yields the .json and .jsonl files below a directory, and reports whether all
// were wanted. A link to a directory is not followed, so that there is no loop.
func (s sources) walk(ctx context.Context, dir string, yield func(string) bool) bool {
	f, err := os.Open(dir)
	if err != nil {
		s.refuse(dir, err)
		return true
	}
	defer f.Close()
	for ctx.Err() == nil {
		entries, err := f.ReadDir(entriesAtOnce)
		if len(entries) < entriesAtOnce {
			f.Close() // all was read: below here it need not stay open
		}
		slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
		for _, entry := range entries {
			path := filepath.Join(dir, entry.Name())
			switch {
			case entry.IsDir():
				if !s.walk(ctx, path, yield) {
					return false
				}
			case (isLines(path) || strings.EqualFold(filepath.Ext(path), ".json")) && !yield(path):
				return false
			}
		}
		if err != nil && !errors.Is(err, io.EOF) {
			s.refuse(dir, err)
		}
		if err != nil || len(entries) < entriesAtOnce {
			return true
		}
	}
	return true
}

func isLines(path string) bool { return strings.EqualFold(filepath.Ext(path), ".jsonl") }

// openRegular opens a regular file. What is none is not opened, since a device or FIFO
// may do something then; and if it took the file's place meanwhile, opening does not
// wait for somebody who writes into it.
func openRegular(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errNotRegular
	}
	f, err := os.OpenFile(path, os.O_RDONLY|nonblock, 0)
	if err != nil {
		return nil, err
	}
	if info, err = f.Stat(); err == nil && !info.Mode().IsRegular() {
		err = errNotRegular
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

var errNotRegular = errors.New("is no regular file")

// tooLarge is the refusal of a document of more than so many bytes.
func tooLarge(largest int) error {
	return fmt.Errorf("is larger than %d MiB (--max-size)", largest>>20)
}
