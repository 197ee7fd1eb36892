package hooks

import (
	"context"

	"gorm.io/gorm"
)

// dialect is what differs between the engines: the SQL that the hooks send, constant
// for each, and how they keep other writers away from the rows that they compare.
type dialect struct {
	begin        string // begins a transaction that will write
	agentOf      string // the agent of an execution
	upsertMemory string
	// placeholder is the nth parameter of a statement, from 1.
	placeholder func(n int) string
	// returningID ends an INSERT whose ids are asked for, and insertIDs runs it: setID
	// gets the id of each row, and the number of rows is returned.
	returningID string
	insertIDs   func(ctx context.Context, pool gorm.ConnPool, query string, rows int, args []any, setID func(i int, id int64)) (int, error)
	// lock ends the SELECT of rows that are about to change; "" where the transaction
	// shuts out every other writer.
	lock string
	// patience limits how many milliseconds a statement of the transaction waits for a
	// lock; "" where none does.
	patience string
	// inserted is the RETURNING expression that is true for a row that an upsert
	// inserted; "" where lock is.
	inserted string
}

var dialects = map[string]*dialect{"sqlite": &sqlite, "postgres": &postgres}
