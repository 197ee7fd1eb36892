// Package models holds the nouns of tier2: one struct per table or view, the enums that
// their CHECK constraints allow, and Validate, which rejects values that the database would
// reject, before any SQL. The package makes no database call.
//
// The GORM tags describe the same schema as schema.sql.
package models

import "github.com/google/uuid"

// Model is one of the structs that describe a table. Its methods have pointer receivers.
type Model interface {
	TableName() string
	// Validate returns an error for each column that breaks a rule, joined; each is an
	// *Error that wraps ErrInvalid. Nil means that the row may be written.
	Validate() error
}

// All returns a new, empty value of each of the seven models, parents first.
func All() []Model {
	return []Model{
		&Receipt{}, &AgentMemory{}, &AuditEntry{}, &WorkflowSession{},
		&Collision{}, &PipelineMetric{}, &SLOViolation{},
	}
}

// NewID returns a new identifier: a UUIDv7 (RFC 9562), so that keys are in order of time
// and indexes stay dense.
func NewID() string { return uuid.Must(uuid.NewV7()).String() }
