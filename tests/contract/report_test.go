package contract

import (
	"flag"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
)

// Report lists the cases that ran on an engine.
type Report struct {
	Engine  Engine
	mu      sync.Mutex
	ran     map[string]bool // by path; false for a path that only holds cases
	lacking map[string]bool // the paths of Lacks that were reached
}

func (r *Report) runs(path string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ran[path] = true
	r.holdsOthers(path)
}

// holdsOthers marks the paths above path as holding cases.
func (r *Report) holdsOthers(path string) {
	for i := range path {
		if path[i] == '/' {
			if _, known := r.ran[path[:i]]; known {
				r.ran[path[:i]] = false
			}
		}
	}
}

func (r *Report) lacks(path string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lacking[path] = true
	r.holdsOthers(path)
}

// cases returns the paths of all cases that ran, sorted: the innermost subtests.
func (r *Report) cases() (list []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for path, innermost := range r.ran {
		if innermost {
			list = append(list, path)
		}
	}
	slices.Sort(list)
	return list
}

// compare logs the number of cases per engine. It fails if an engine did not run a case that
// another engine ran and that is not in its Lacks, or if a case in Lacks does not exist.
// Call it when all engines have ended.
func compare(t *testing.T, reports ...*Report) {
	all := map[string]bool{}
	for _, r := range reports {
		for _, path := range r.cases() {
			all[path] = true
		}
	}
	for _, r := range reports {
		ran := r.cases()
		lacking := 0
		for _, path := range slices.Sorted(maps.Keys(all)) {
			if slices.Contains(ran, path) {
				continue
			}
			lacking++
			assert.True(t, r.without(path), "%s did not run %s", r.Engine.Name, path)
		}
		t.Logf("%s: %d cases, %d lacking", r.Engine.Name, len(ran), lacking)
	}
	if len(reports) < 2 || flag.Lookup("test.run").Value.String() != "" {
		return
	}
	for _, r := range reports {
		for lacks := range r.Engine.Lacks {
			// The only engine that has the case may be missing from this run.
			group, name, _ := strings.Cut(lacks, "/")
			_, had := groups[group][name]
			had = had || slices.ContainsFunc(slices.Collect(maps.Keys(all)), func(path string) bool { return under(path, lacks) })
			assert.True(t, had, "%s lacks %s, which no engine has", r.Engine.Name, lacks)
		}
	}
}

// without reports whether the engine lacks the case.
func (r *Report) without(path string) bool {
	for lacks := range r.lacking {
		if under(path, lacks) {
			return true
		}
	}
	return false
}

func under(path, parent string) bool { return path == parent || strings.HasPrefix(path, parent+"/") }
