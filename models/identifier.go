package models

import "github.com/google/uuid"

// NewID is a new identifier: UUIDv7 (RFC 9562), so that keys are made in time order
// and indexes stay dense.
func NewID() string { return uuid.Must(uuid.NewV7()).String() }

func fillID(id *string) {
	if *id == "" {
		*id = NewID()
	}
}
