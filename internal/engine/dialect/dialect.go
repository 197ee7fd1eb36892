// Package dialect holds the SQL that differs between the engines, for code that works on
// any *gorm.DB. It links no driver.
package dialect

import "strings"

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

	// Member returns the expression for a top-level member of a JSON column, as text.
	Member func(column, key string) string
	// ContextMember returns the expression for a member of audit_log.context_json in the indexes
	// of both schema files.
	ContextMember func(key string) string
	// MemoryDocument is the memory_json in the context_json of an entry of agent_memory, as the
	// index idx_audit_log_memory has it: NULL without a document.
	MemoryDocument string
	// NoIndex, in front of a column, keeps an index from being used for it.
	NoIndex string
	// SortsGroups reports that GROUP BY sorts its rows, so that counting them on the client is
	// faster.
	SortsGroups bool
	// TimeUnit returns expressions for receipts.timestamp truncated to a "minute", "hour" or
	// "day" in UTC: one to group by, and one that reads as a time.
	TimeUnit func(unit string) (group, show string)
	// TimeText returns a time column as text in the form of models.TimestampLayout,
	// whatever form a program wrote. It is nil on an engine that has a type for times.
	TimeText func(column string) string
}

// Exclusive reports whether a transaction excludes all other writers.
func (d *Dialect) Exclusive() bool { return d.Lock == "" }

// Places returns the placeholders of n arguments.
func (d *Dialect) Places(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = d.Placeholder(i + 1)
	}
	return strings.Join(list, ", ")
}

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
