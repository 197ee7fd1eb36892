package sealing

import (
	"cmp"
	"slices"

	"github.com/seanchatmangpt/ggen/tier2/ledger"
)

// maxFindings is how many findings a report holds.
const maxFindings = 100

// find notes a finding.
func (v *verification) find(f ledger.Finding) {
	v.report.Total++
	if len(v.report.Findings) < maxFindings {
		v.report.Findings = append(v.report.Findings, f)
	}
}

// sort orders the findings: those about the log first, then those about rows, by table;
// each by entry.
func (v *verification) sort() {
	slices.SortStableFunc(v.report.Findings, func(a, b ledger.Finding) int {
		return cmp.Or(cmp.Compare(a.Table, b.Table), cmp.Compare(a.EntryID, b.EntryID))
	})
}
