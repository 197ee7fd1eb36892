package repository

// Violations reads and writes the table slo_violations.
type Violations struct{ h Handle }

// NewViolations is Violations over h.
func NewViolations(h Handle) *Violations { return &Violations{h} }
