package tier2_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// notShown are the exported functions and methods that no Example has to show: by their
// own name, or by package and name.
var notShown = []string{
	// What fmt, errors, database/sql, the encodings and GORM call, whatever the type.
	"String", "Error", "Unwrap", "Scan", "Value", "GormDataType",
	"MarshalJSON", "UnmarshalJSON", "MarshalText", "UnmarshalText", "Name", "Initialize",

	// All models and all enums have them: ExampleModel and ExampleOperation_Valid.
	"TableName", "Prepare", "Validate", "ActingAgent", "NaturalKey", "Valid",

	// What a store is made of.
	"repository.NewAudit", "repository.NewCollisions", "repository.NewExecutions", "repository.NewMemory",
	"repository.NewMetrics", "repository.NewReceipts", "repository.NewReports", "repository.NewSessions",
	"repository.NewViolations", "repository.Creator.Create",
	"repository.Ledger.Prove", "repository.Ledger.Seal", "repository.Ledger.Verify",
	"hooks.NewWriter", "hooks.Writer.Create", "hooks.WithInserted", "hooks.WithReadOnly", "hooks.Plugin.Wrote",
	"ledger.NewBoundary", "ledger.Boundary.Context", "ledger.Boundary.Covers",

	// What needs a server or a *testing.T: their Examples are not run.
	"tier2test.OpenPostgres", "tier2test.PostgresDSN", "contract.Run",
}

// TestExamples: who looks for a function on pkg.go.dev finds there how it is called.
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
		"or have one that is about the same subject call it too. What is not for callers goes into notShown of shown_test.go:\n%s",
		strings.Join(missing, "\n"))
	for _, name := range notShown {
		assert.Contains(t, known, name, "notShown names what is not there")
	}
}
