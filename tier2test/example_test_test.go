package tier2test_test

import (
	"fmt"
	"os"
	"slices"
	"testing"
)

// test is a test within a test: it may fail, and be over, while the other goes on.
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

// end is the end of the test.
func (t *test) end() {
	for _, f := range slices.Backward(t.cleanups) {
		f()
	}
}

// run runs a whole test and returns how it failed.
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
