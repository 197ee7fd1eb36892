package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sync/semaphore"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// The maximum number of documents in a group, and of bytes in the documents that wait, unless
// a single one is larger. Larger groups are no faster, and block other writers for longer.
const (
	groupDocs  = 50
	groupBytes = 4 << 20
)

// doc is one JSON document, or the error of reading it.
type doc struct {
	source string // its name in messages
	raw    []byte
	read   int64 // bytes of the input since the previous document
	err    error
}

// groups reads the documents of the arguments in a goroutine. Each group holds the documents
// that were read while the caller handled the previous one: many from a file, one from a
// slow pipe. It ends with the context, even while it waits for input.
func (a *app) groups(ctx context.Context, args []string, largest int) iter.Seq[[]doc] {
	return func(yield func([]doc) bool) {
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		docs, budget := make(chan doc, groupDocs), semaphore.NewWeighted(groupBytes)
		go func() {
			defer close(docs)
			a.readAll(ctx, args, largest, func(d doc) bool {
				if budget.Acquire(ctx, weight(d)) != nil {
					return false
				}
				docs <- d // never blocks: the budget admits no more than the channel holds
				return true
			})
		}()
		for {
			group := gather(ctx, docs)
			if len(group) == 0 || !yield(group) {
				return
			}
			for _, d := range group {
				budget.Release(weight(d))
			}
		}
	}
}

// weight returns the part of groupBytes that a document uses. It has a minimum, so that no
// more than groupDocs documents wait.
func weight(d doc) int64 {
	return min(max(int64(len(d.raw)), groupBytes/groupDocs), groupBytes)
}

// gather waits for a document and returns it with all others that are ready.
func gather(ctx context.Context, docs <-chan doc) (group []doc) {
	select {
	case d, ok := <-docs:
		if !ok {
			return nil
		}
		group = append(group, d)
		for range len(docs) { // never blocks: nothing else receives from docs
			group = append(group, <-docs)
		}
	case <-ctx.Done():
	}
	return group
}

// readAll yields every document of the arguments, and an error for each one that cannot be
// read.
func (a *app) readAll(ctx context.Context, args []string, largest int, yield func(doc) bool) {
	for file, err := range files(ctx, args) {
		if err != nil {
			if !yield(doc{source: file, err: err}) {
				return
			}
			continue
		}
		for d := range a.documents(file, largest) {
			if !yield(d) {
				return
			}
		}
	}
}

// entriesAtOnce is how many names of a directory are held and sorted at once.
const entriesAtOnce = 4096

// files yields the arguments of import that are files, and the files in directories, or a name
// with the reason why it cannot be read. It holds no list of the files: a directory may have
// millions.
func files(ctx context.Context, args []string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for _, arg := range args {
			var on bool
			info, err := os.Stat(arg)
			switch shown := backend.Redact(arg); {
			case shown != arg:
				on = yield(shown, errors.New("is no file; the database is given by --db"))
			case arg == "-" || err != nil || !info.IsDir():
				on = yield(arg, nil) // reading it reports the error
			default:
				found := false
				on = walk(ctx, arg, func(file string, err error) bool {
					found = found || err == nil
					return yield(file, err)
				})
				if on && !found {
					on = yield(arg, errors.New("there is no .json or .jsonl file in it"))
				}
			}
			if !on {
				return
			}
		}
	}
}

// walk yields the .json and .jsonl files below a directory, and reports whether to go on.
// It does not follow links to directories, which could form a loop.
func walk(ctx context.Context, dir string, yield func(string, error) bool) bool {
	f, err := os.Open(dir)
	if err != nil {
		return yield(dir, err)
	}
	defer f.Close() //nolint:errcheck // only read
	for ctx.Err() == nil {
		entries, err := f.ReadDir(entriesAtOnce)
		if len(entries) < entriesAtOnce {
			_ = f.Close() // not held open while subdirectories are read
		}
		slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
		for _, entry := range entries {
			path, on := filepath.Join(dir, entry.Name()), true
			if entry.IsDir() {
				on = walk(ctx, path, yield)
			} else if isLines(path) || strings.EqualFold(filepath.Ext(path), ".json") {
				on = yield(path, nil)
			}
			if !on {
				return false
			}
		}
		if err != nil && !errors.Is(err, io.EOF) && !yield(dir, err) {
			return false
		}
		if err != nil || len(entries) < entriesAtOnce {
			return true
		}
	}
	return true
}

func isLines(path string) bool { return strings.EqualFold(filepath.Ext(path), ".jsonl") }

// openRegular opens a regular file. It does not open anything else, since opening a device
// or FIFO may have an effect. If a FIFO replaces the file meanwhile, O_NONBLOCK prevents
// waiting for a writer.
func openRegular(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errNotRegular
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
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

// tooLarge returns the error of a document of more than the given number of bytes.
func tooLarge(largest int) error {
	return fmt.Errorf("is larger than %d MiB (--max-size)", largest>>20)
}

// documents yields the documents of a file, each of at most the given number of bytes; "-"
// is the standard input.
func (a *app) documents(file string, largest int) iter.Seq[doc] {
	return func(yield func(doc) bool) {
		if file == "-" {
			stream(a.In, largest, yield)
			return
		}
		f, err := openRegular(file)
		if err != nil {
			yield(doc{source: file, err: err})
			return
		}
		defer f.Close() //nolint:errcheck // only read
		if isLines(file) {
			lines(f, file, largest, yield)
			return
		}
		raw, err := whole(f, largest)
		yield(doc{file, raw, int64(len(raw)), err})
	}
}

// whole reads a file. It returns an error if the file changes meanwhile.
func whole(f fs.File, largest int) ([]byte, error) {
	before, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if before.Size() > int64(largest) {
		return nil, tooLarge(largest)
	}
	var b bytes.Buffer
	b.Grow(int(before.Size()) + bytes.MinRead)
	if _, err := b.ReadFrom(io.LimitReader(f, int64(largest)+1)); err != nil { // it may have grown
		return nil, err
	}
	if b.Len() > largest {
		return nil, tooLarge(largest)
	}
	after, err := f.Stat()
	if err == nil && (after.Size() != before.Size() || !after.ModTime().Equal(before.ModTime())) {
		err = errors.New("was changed while it was read")
	}
	return b.Bytes(), err
}

// lines yields a document for each line that is not blank. Lines that are too long are
// skipped and reported.
func lines(r io.Reader, file string, largest int, yield func(doc) bool) {
	in := bufio.NewReaderSize(r, 64<<10)
	for n := 1; ; n++ {
		text, read, err := line(in, largest)
		source := fmt.Sprintf("%s:%d", file, n)
		if len(bytes.TrimSuffix(text, []byte("\n"))) > largest {
			if !yield(doc{source: source, read: read, err: tooLarge(largest)}) {
				return
			}
		} else if text = bytes.TrimSpace(text); len(text) > 0 && !yield(doc{source, text, read, nil}) {
			return
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				yield(doc{source: source, err: err})
			}
			return
		}
	}
}

// line reads to the end of a line and returns it. Of a line above largest bytes it returns
// the beginning, which is longer than largest.
func line(in *bufio.Reader, largest int) (text []byte, read int64, err error) {
	for {
		part, err := in.ReadSlice('\n')
		read += int64(len(part))
		if len(text) <= largest {
			text = append(text, part...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return text, read, err
		}
	}
}

// stream yields the JSON documents of a concatenation, such as the output of "cat *.json".
// It stops at a document that is malformed or too large, since the start of the next one is
// unknown.
func stream(r io.Reader, largest int, yield func(doc) bool) {
	in := &budget{r: r}
	decoder := json.NewDecoder(in)
	for n := 1; ; n++ {
		in.left = largest + 1
		before := decoder.InputOffset()
		var raw json.RawMessage
		err := decoder.Decode(&raw)
		source := "standard input"
		if n > 1 {
			source = fmt.Sprintf("standard input, document %d", n)
		}
		switch {
		case errors.Is(err, io.EOF) && n > 1:
			return
		case errors.Is(err, io.EOF):
			err = errors.New("is empty")
		case err != nil && strings.Contains(err.Error(), "exceeded max depth"):
			err = fmt.Errorf("is nested more than %d deep; nothing after it was read", models.MaxJSONDepth)
		case errors.Is(err, errSpent):
			err = fmt.Errorf("%w; nothing after it was read", tooLarge(largest))
		case err != nil:
			err = fmt.Errorf("is not valid JSON: %w; nothing after it was read", err)
		}
		if !yield(doc{source, raw, decoder.InputOffset() - before, err}) || err != nil {
			return
		}
	}
}

// budget is a reader that fails after a number of bytes.
type budget struct {
	r    io.Reader
	left int
}

var errSpent = errors.New("too many bytes")

// Read implements io.Reader.
func (b *budget) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, errSpent
	}
	n, err := b.r.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}
