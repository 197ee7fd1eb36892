package sealing

import (
	"encoding/json"

	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/ledger"
)

// NewBoundary returns the boundary of entries that an action removes or restores. The ids
// are in order.
func NewBoundary(action string, ids []int64) ledger.Boundary {
	return ledger.Boundary{V: 1, Table: "audit_log", Action: action, Entries: int64(len(ids)), FirstID: ids[0], LastID: ids[len(ids)-1]}
}

// ContextJSON returns the context_json of the entry that records a boundary.
func ContextJSON(b ledger.Boundary) string {
	text, _ := json.Marshal(b) // numbers and text always encode
	return string(text)
}

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
