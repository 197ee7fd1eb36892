package engine

import "fmt"

// Verification is what a check of a database found, without changing it.
type Verification struct {
	Tables    int      `json:"tables"`         // of the schema, those that are there
	Indexes   int      `json:"indexes"`        // likewise
	Views     int      `json:"views"`          // likewise
	Documents int64    `json:"json_documents"` // how many were checked
	Findings  []string `json:"findings"`       // a sentence each; empty, not nil, if all is well
}

// OK reports whether nothing is wrong.
func (v *Verification) OK() bool { return len(v.Findings) == 0 }

// Examination is a check under way, which adds to a Verification.
type Examination struct{ Verification }

// NewExamination is one that has found nothing yet.
func NewExamination() *Examination { return &Examination{Verification{Findings: []string{}}} }

// Add notes a finding.
func (v *Examination) Add(format string, args ...any) {
	v.Findings = append(v.Findings, fmt.Sprintf(format, args...))
}

// Count notes that an object of the schema is there. The kinds are table, index and
// view; others do not count.
func (v *Examination) Count(kind string) {
	switch kind {
	case "table":
		v.Tables++
	case "index":
		v.Indexes++
	case "view":
		v.Views++
	}
}
