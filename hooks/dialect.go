package hooks

// dialect is what differs between the engines: the SQL that the hooks send, constant
// for each, and how they keep other writers away from the rows that they compare.
type dialect struct {
	insertEntry  string
	agentOf      string // the agent of an execution
	upsertMemory string
	// lock ends the SELECT of rows that are about to change; "" where the transaction
	// shuts out every other writer.
	lock string
	// inserted is the RETURNING expression that is true for a row that an upsert
	// inserted; "" where lock is.
	inserted string
}

var dialects = map[string]*dialect{"sqlite": &sqlite, "postgres": &postgres}
