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
	"os"
	"path/filepath"
	"strings"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine"
)

// largest is the size in bytes above which a document is refused unread: a receipt
// has some kilobytes.
const largest = 64 << 20

// doc is one JSON document, and how messages name it.
type doc struct {
	source string
	raw    []byte
}

// list is the files that the arguments stand for, directories taken apart, in
// order. An argument that cannot be read is refused in sum.
func list(args []string, sum *summary) []string {
	var files []string
	for _, arg := range args {
		if shown := engine.Redact(arg); shown != arg {
			sum.refuse(shown, errors.New("is no file; the database is given by --db"))
			continue
		}
		if info, err := os.Stat(arg); arg == "-" || err != nil || !info.IsDir() {
			files = append(files, arg) // reading it says what is wrong with it
			continue
		}
		before := len(files)
		// with the separator it follows a link to a directory
		err := filepath.WalkDir(arg+string(filepath.Separator), func(path string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				sum.refuse(path, err)
			case !entry.IsDir() && (isLines(path) || strings.EqualFold(filepath.Ext(path), ".json")):
				files = append(files, path)
			}
			return nil
		})
		if err != nil {
			sum.refuse(arg, err)
		} else if len(files) == before {
			sum.refuse(arg, errors.New("there is no .json or .jsonl file in it"))
		}
	}
	return files
}

func isLines(path string) bool { return strings.EqualFold(filepath.Ext(path), ".jsonl") }

// documents reads a file's documents one after the other; "-" is the standard input.
func (a *app) documents(file string) iter.Seq2[doc, error] {
	return func(yield func(doc, error) bool) {
		if file == "-" {
			stream(a.stdin, yield)
			return
		}
		info, err := os.Stat(file)
		if err == nil && !info.Mode().IsRegular() {
			err = errors.New("is no regular file")
		}
		if err == nil && !isLines(file) && info.Size() > largest {
			err = tooLarge()
		}
		if err != nil {
			yield(doc{source: file}, err)
			return
		}
		if !isLines(file) {
			raw, err := os.ReadFile(file)
			yield(doc{file, raw}, err)
			return
		}
		f, err := os.Open(file)
		if err != nil {
			yield(doc{source: file}, err)
			return
		}
		defer f.Close()
		lines(f, file, yield)
	}
}

// lines reads a document from each line that is not blank.
func lines(r io.Reader, file string, yield func(doc, error) bool) {
	scanner := bufio.NewScanner(r)
	scanner.Buffer(nil, largest)
	n := 0
	for scanner.Scan() {
		n++
		line := bytes.TrimSpace(scanner.Bytes())
		if len(line) > 0 && !yield(doc{fmt.Sprintf("%s:%d", file, n), bytes.Clone(line)}, nil) {
			return
		}
	}
	err := scanner.Err()
	if errors.Is(err, bufio.ErrTooLong) {
		err = fmt.Errorf("%w; nothing after it was read", tooLarge())
	}
	if err != nil {
		yield(doc{source: fmt.Sprintf("%s:%d", file, n+1)}, err)
	}
}

// stream reads JSON documents that follow each other, such as "cat *.json" makes. After
// one that is malformed nothing tells where the next begins.
func stream(r io.Reader, yield func(doc, error) bool) {
	decoder := json.NewDecoder(r)
	for n := 1; ; n++ {
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
		case err != nil:
			err = fmt.Errorf("is not valid JSON: %w; nothing after it was read", err)
		case len(raw) > largest:
			err = tooLarge()
		}
		if !yield(doc{source, raw}, err) || (err != nil && len(raw) <= largest) {
			return
		}
	}
}

func tooLarge() error { return fmt.Errorf("is larger than %d MB", largest>>20) }
