package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"strings"
	"syscall"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// nonblock makes opening a FIFO return at once.
const nonblock = syscall.O_NONBLOCK

// doc is one JSON document, and how messages name it.
type doc struct {
	source string
	raw    []byte
	read   int64 // bytes of the input since the one before
}

// documents reads a file's documents one after the other, each of at most so many
// bytes; "-" is the standard input.
func (a *app) documents(file string, largest int) iter.Seq2[doc, error] {
	return func(yield func(doc, error) bool) {
		if file == "-" {
			stream(a.stdin, largest, yield)
			return
		}
		f, err := openRegular(file)
		if err != nil {
			yield(doc{source: file}, err)
			return
		}
		defer f.Close()
		if isLines(file) {
			lines(f, file, largest, yield)
			return
		}
		raw, err := whole(f, largest)
		yield(doc{file, raw, int64(len(raw))}, err)
	}
}

// whole reads a file that nobody changes meanwhile.
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

// lines reads a document from each line that is not blank. One that is too long is
// passed over.
func lines(r io.Reader, file string, largest int, yield func(doc, error) bool) {
	in := bufio.NewReaderSize(r, 64<<10)
	for n := 1; ; n++ {
		text, read, err := line(in, largest)
		source := fmt.Sprintf("%s:%d", file, n)
		if len(bytes.TrimSuffix(text, []byte("\n"))) > largest {
			if !yield(doc{source: source, read: read}, tooLarge(largest)) {
				return
			}
		} else if text = bytes.TrimSpace(text); len(text) > 0 && !yield(doc{source, text, read}, nil) {
			return
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				yield(doc{source: source}, err)
			}
			return
		}
	}
}

// line reads to the end of a line, but keeps little more than largest bytes of it.
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

// stream reads JSON documents that follow each other, such as "cat *.json" makes. After
// one that is malformed or too large nothing tells where the next begins.
func stream(r io.Reader, largest int, yield func(doc, error) bool) {
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
		if !yield(doc{source, raw, decoder.InputOffset() - before}, err) || err != nil {
			return
		}
	}
}

// budget reads so many bytes more, then fails.
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
