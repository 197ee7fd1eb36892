package sealing

import (
	"encoding/json"

	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/ledger"
)

// span summarizes removed entries: their number, first id and last id.
type span struct{ entries, first, last int64 }

// recordsRemoval reports whether an entry is the boundary of removed entries.
func recordsRemoval(entry schema.Row, removed span) bool {
	var b ledger.Boundary
	text, _ := entry[entryContext].(string)
	operation, _ := entry[entryOperation].(string)
	return (operation == ledger.OperationArchive || operation == ledger.OperationRemove) && json.Unmarshal([]byte(text), &b) == nil &&
		b.FirstID <= removed.first && removed.last <= b.LastID && b.Entries >= removed.entries
}
