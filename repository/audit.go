package repository

// Audit appends to and reads the table audit_log.
type Audit struct{ h Handle }

// NewAudit is Audit over h.
func NewAudit(h Handle) *Audit { return &Audit{h} }
