package tier2test_test

import (
	"fmt"
	"os"
	"slices"
	"testing"
)

// test is a testing.TB that may fail and end while the actual test continues.
type test struct {
	testing.TB
	cleanups []func()
	failed   string
}

func (t *test) Helper() {}

func (t *test) Cleanup(f func()) { t.cleanups = append(t.cleanups, f) }

func (t *test) Errorf(format string, args ...any) { t.failed += fmt.Sprintf(format, args...) }

func (t *test) Fatalf(format string, args ...any) {
	t.Errorf(format, args...)
	panic(t)
}

func (t *test) TempDir() string {
	dir, err := os.MkdirTemp("", "tier2test")
	if err != nil {
		panic(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("%v", err)
		}
	})
	return dir
}

// end runs the cleanups.
func (t *test) end() {
	for _, f := range slices.Backward(t.cleanups) {
		f()
	}
}

// run runs a test to its end and returns its failure message, "" if it passed.
func run(f func(tb testing.TB)) string {
	t := &test{}
	func() {
		defer func() {
			if p := recover(); p != nil && p != t {
				panic(p)
			}
		}()
		f(t)
	}()
	t.end()
	return t.failed
}
