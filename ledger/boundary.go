package ledger

import "encoding/json"

// The operations of the entries by which retention says what it removed and brought back.
const (
	OperationRemove  = "audit_log.remove"
	OperationArchive = "audit_log.archive"
	OperationRestore = "audit_log.restore"
)

// Boundary is the context_json of such an entry.
type Boundary struct {
	V          int    `json:"v"`
	Table      string `json:"table"`
	Action     string `json:"action"`
	Entries    int64  `json:"entries"`              // how many entries
	FirstID    int64  `json:"first_id"`             // the smallest of their ids
	LastID     int64  `json:"last_id"`              // the largest
	Executions int64  `json:"executions,omitempty"` // how many go, or come back, with them
	Before     string `json:"before,omitempty"`     // of an archive: executions that began before then
	Archive    string `json:"archive,omitempty"`    // its location, without a password
}

// Covers reports whether an entry is one of those that may have gone.
func (b Boundary) Covers(id int64) bool { return b.FirstID <= id && id <= b.LastID }

// NewBoundary is the boundary of entries that go, or come back, by an action; ids are in order.
func NewBoundary(action string, ids []int64) Boundary {
	return Boundary{V: 1, Table: "audit_log", Action: action, Entries: int64(len(ids)), FirstID: ids[0], LastID: ids[len(ids)-1]}
}

// Context is the context_json.
func (b Boundary) Context() string {
	text, _ := json.Marshal(b) // numbers and text always encode
	return string(text)
}
