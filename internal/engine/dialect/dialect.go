// Package dialect holds the SQL that differs between the engines, for code that works on
// any *gorm.DB. It links no driver.
package dialect

// Dialect is the SQL of one engine.
type Dialect struct {
	Begin string // begins a transaction that writes
	// AgentOf selects the agent of an execution.
	AgentOf string
	// UpsertMemory adds activity to the memory of an agent.
	UpsertMemory string
	// Placeholder returns the nth parameter of a statement, from 1.
	Placeholder func(n int) string
	// ReturningID ends an INSERT that returns the ids of its rows. It is empty where
	// LastInsertId gives them: the INSERT runs alone and its ids are consecutive
	// (https://www.sqlite.org/autoinc.html).
	ReturningID string
	// Lock ends a SELECT of rows that are about to change. It is empty where a
	// transaction excludes all other writers.
	Lock string
	// LockTimeout limits how many milliseconds a statement of the transaction waits for a
	// lock; empty where no statement waits.
	LockTimeout string
	// Inserted is a RETURNING expression that is true for a row that an upsert inserted;
	// empty where Lock is.
	Inserted string
}

// Exclusive reports whether a transaction excludes all other writers.
func (d *Dialect) Exclusive() bool { return d.Lock == "" }

// For returns the dialect of an engine by the name of its GORM dialector, or nil.
func For(name string) *Dialect {
	switch name {
	case "sqlite":
		return &sqlite
	case "postgres":
		return &postgres
	}
	return nil
}
