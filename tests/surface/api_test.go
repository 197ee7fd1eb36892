package surface

import (
	"flag"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "have TestAPI write docs/api.txt")

// loaded returns this module, loaded once.
var loaded = sync.OnceValues(func() (*Module, error) { return Load("../..") })

// TestAPI: docs/api.txt lists every exported name, so that a review shows each change of the
// public surface.
func TestAPI(t *testing.T) {
	t.Parallel()
	const path = "../../docs/api.txt"
	module, err := loaded()
	require.NoError(t, err)
	list := module.List()
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(strings.Join(list, "\n")+"\n"), 0o644))
	}
	text, err := os.ReadFile(path)
	require.NoError(t, err, "write it with make api")
	var changes []string
	listed := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	for _, line := range listed {
		if !slices.Contains(list, line) {
			changes = append(changes, "- "+line)
		}
	}
	for _, line := range list {
		if !slices.Contains(listed, line) {
			changes = append(changes, "+ "+line)
		}
	}
	require.Empty(t, changes, "%s is not what the packages export. If the change is intended, describe it in CHANGELOG.md and run:\n"+
		"\tmake api\n%s", path, strings.Join(changes, "\n"))
	assert.True(t, slices.Equal(list, listed), "the lines of %s are not in order", path)
}

// notShown lists exported functions and methods that need no Example, by name or by package
// and name.
var notShown = []string{
	// Called by fmt, errors, database/sql, the encodings and GORM, on any type.
	"String", "Error", "Unwrap", "Scan", "Value", "GormDataType",
	"MarshalJSON", "UnmarshalJSON", "MarshalText", "UnmarshalText", "Name", "Initialize",

	// All models and all enums have them: ExampleModel and ExampleOperation_Valid.
	"TableName", "Validate", "Valid",

	// These need a server or a *testing.T, so their Examples are not run.
	"tier2test.OpenPostgres", "tier2test.PostgresDSN",
}

// TestExamples: every exported function and method has an Example on pkg.go.dev.
func TestExamples(t *testing.T) {
	t.Parallel()
	module, err := loaded()
	require.NoError(t, err)
	var missing, known []string
	for _, p := range module.Packages {
		shown, err := module.Shown(p)
		require.NoError(t, err, "the Examples of %s: what they call has to be in files example*_test.go as well", p.Path())
		for _, name := range slices.Sorted(maps.Keys(shown)) {
			whole, own := p.Name()+"."+name, name[strings.LastIndex(name, ".")+1:]
			known = append(known, whole, own)
			if !shown[name] && !slices.Contains(notShown, whole) && !slices.Contains(notShown, own) {
				missing = append(missing, whole)
			}
		}
	}
	assert.Empty(t, missing, "No Example with an output calls these. Add one to a file example_SUBJECT_test.go of the package, in its package _test:\n"+
		"\tfunc ExampleReceipts_Create() { ... // Output: what it prints\n"+
		"or have one that is about the same subject call it too. What is not for callers goes into notShown of tests/surface/api_test.go:\n%s",
		strings.Join(missing, "\n"))
	stale := slices.DeleteFunc(slices.Clone(notShown), func(name string) bool { return slices.Contains(known, name) })
	assert.Empty(t, stale, "notShown names functions that do not exist")
}
