// Package models holds the nouns of tier2: one struct a table or view, the enums
// that their CHECK constraints allow, and Validate, which refuses what the
// database would refuse, before any SQL. It makes no database call.
//
// The GORM tags say the same as schema.sql; a test holds both equal.
package models

import "time"

// Model is what every table's model can do. Receivers are pointers.
type Model interface {
	TableName() string
	// Prepare fills what the caller left empty: ids, timestamps, defaults.
	Prepare(now time.Time)
	// Validate reports every column that breaks a rule, joined; each part is an
	// *Error that wraps ErrInvalid. Nil means the row may be written.
	Validate() error
	// ActingAgent is the agent that the row itself names, or "".
	ActingAgent() string
	// NaturalKey is the column and value that name the row to a person, or "".
	NaturalKey() (column, value string)
}

// All returns a new, empty value of each of the seven models, parents first.
func All() []Model {
	return []Model{
		&Receipt{}, &AgentMemory{}, &AuditEntry{}, &WorkflowSession{},
		&Collision{}, &PipelineMetric{}, &SLOViolation{},
	}
}

// fillTimes sets what is zero among a row's event time and its creation time.
func fillTimes(now time.Time, at *Timestamp, created *time.Time) {
	if at.IsZero() {
		at.Time = now
	}
	*at = At(at.Time)
	fillTime(now, created)
}

// fillTime sets t to now if it is zero, and in any case to UTC microseconds, the
// precision that both engines keep.
func fillTime(now time.Time, t *time.Time) {
	if t.IsZero() {
		*t = now
	}
	*t = t.UTC().Truncate(time.Microsecond)
}
