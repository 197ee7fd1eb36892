// Package engine holds what every database engine gives to package tier2. The
// subpackages differ in how they open, create and upgrade a database and in how
// they read its errors; what they return is the same.
package engine

import "gorm.io/gorm"

// Handles are an open database: one handle that writes, one that only reads. Both
// return errors as *models.Error where the engine knows what was refused.
type Handles struct {
	// Write runs every write; on SQLite over one connection, so that transactions
	// of this process queue here and not at the file's lock.
	Write *gorm.DB
	// Read refuses to write, and sees what is committed.
	Read *gorm.DB
	// Close ends both. Called once, by package tier2.
	Close func() error
}
