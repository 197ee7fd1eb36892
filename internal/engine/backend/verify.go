package backend

import "fmt"

// Verification is the result of checking a database.
type Verification struct {
	Tables, Indexes, Views int      // objects of the schema that exist
	Documents              int64    // JSON documents that were checked
	Findings               []string // one sentence per problem; empty, not nil, if there is none
}

// NewVerification returns a Verification without findings.
func NewVerification() *Verification { return &Verification{Findings: []string{}} }

// OK reports whether there are no findings.
func (v *Verification) OK() bool { return len(v.Findings) == 0 }

// Add adds a finding.
func (v *Verification) Add(format string, args ...any) {
	v.Findings = append(v.Findings, fmt.Sprintf(format, args...))
}

// Count counts an object of the schema by its kind: table, index or view. Other kinds are
// not counted.
func (v *Verification) Count(kind string) {
	switch kind {
	case "table":
		v.Tables++
	case "index":
		v.Indexes++
	case "view":
		v.Views++
	}
}
