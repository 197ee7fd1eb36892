package repository

// Sessions reads and writes the table workflow_sessions.
type Sessions struct{ h Handle }

// NewSessions is Sessions over h.
func NewSessions(h Handle) *Sessions { return &Sessions{h} }
