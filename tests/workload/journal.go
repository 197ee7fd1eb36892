package workload

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Journal is the file in which one life of a worker records each step, before the step
// starts and when its outcome is known. Its lines survive the process.
type Journal struct{ f *os.File }

// OpenJournal creates the journal of a life in a folder.
func OpenJournal(dir, life string) (*Journal, error) {
	f, err := os.OpenFile(filepath.Join(dir, life+journalSuffix), os.O_CREATE|os.O_EXCL|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return &Journal{f}, nil
}

// Close closes the file.
func (j *Journal) Close() error { return j.f.Close() }

const journalSuffix = ".journal"

// The first words of lines. The step numbers of a life begin at 0 and have no gaps.
const (
	wordTry  = "try"  // try <kind>: the next step begins
	wordDone = "done" // the step was acknowledged
	wordErr  = "err"  // err <message>: the step was refused
	wordRead = "read" // read <n>: n reads were correct so far
)

func (j *Journal) write(word string, detail any) error {
	_, err := fmt.Fprintf(j.f, "%s %s\n", word, strings.ReplaceAll(fmt.Sprint(detail), "\n", " "))
	return err
}

// outcome is the result of a step, as its life knows it.
type outcome uint8

const (
	unknown outcome = iota // the worker was killed before it knew
	acknowledged
	refused
)

// step is small, since a long run has millions of them.
type step struct {
	kind    uint8 // index of kinds
	outcome outcome
	found   uint8 // its audit entries
}

// life is the content of a journal.
type life struct {
	steps []step
	reads int64
	errs  []string
}

// readJournals returns the journals of a folder, by life. An incomplete last line counts as
// not written.
func readJournals(dir string) (map[string]*life, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*"+journalSuffix))
	if err != nil {
		return nil, err
	}
	lives := make(map[string]*life, len(paths))
	for _, path := range paths {
		l, err := readJournal(path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		lives[strings.TrimSuffix(filepath.Base(path), journalSuffix)] = l
	}
	return lives, nil
}

func readJournal(path string) (*life, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	l := &life{}
	for r := bufio.NewReader(f); ; {
		line, err := r.ReadString('\n')
		if err != nil {
			return l, nil
		}
		word, detail, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		last := len(l.steps) - 1
		switch {
		case word == wordTry:
			kind, ok := kindNamed(detail)
			if !ok {
				return nil, fmt.Errorf("no kind %q", detail)
			}
			l.steps = append(l.steps, step{kind: kind})
		case word == wordRead:
			if _, err := fmt.Sscan(detail, &l.reads); err != nil {
				return nil, err
			}
		case last < 0:
			return nil, fmt.Errorf("%q before the first step", line)
		case word == wordDone:
			l.steps[last].outcome = acknowledged
		case word == wordErr:
			l.steps[last].outcome = refused
			l.errs = append(l.errs, kinds[l.steps[last].kind].name+": "+detail)
		default:
			return nil, fmt.Errorf("no word %q", line)
		}
	}
}
