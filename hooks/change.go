package hooks

import (
	"cmp"
	"maps"
	"slices"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// What can happen to a row.
const (
	actionCreate = "create"
	actionUpdate = "update"
	actionDelete = "delete"
)

// naturalKeys are the tables that the hooks watch, each with the unique column that
// names a row to a person; "" where only the id does.
var naturalKeys = map[string]string{
	"receipts":            "execution_id",
	"agent_memory":        "agent_id",
	"audit_log":           "",
	"workflow_sessions":   "session_id",
	"collision_detection": "",
	"pipeline_metrics":    "",
	"slo_violations":      "",
}

func isOurs(table string) bool {
	_, ok := naturalKeys[table]
	return ok
}

// change is what happened to one row. old is nil for a create; new is nil for a
// delete. Both are in the form of row, model creates included.
type change struct {
	action    string
	old, new  row
	execution string // the one at work

	// Of the creation of a model, of which new has only some columns: the model, and what
	// values gave for it, unless nil.
	model  models.Model
	values []any
}

// row is the row as it is now, or as it last was.
func (c change) row() row {
	if c.new != nil {
		return c.new
	}
	return c.old
}

// memory is the document of a memory that was created.
func (c change) memory() any {
	if m, ok := c.model.(*models.AgentMemory); ok {
		return string(m.MemoryJSON)
	}
	return c.new["memory_json"]
}

// differs lists the columns whose value changed.
func (c change) differs() map[string]fromTo {
	if c.old == nil || c.new == nil {
		return nil
	}
	diff := map[string]fromTo{}
	for column, to := range c.new {
		if from := c.old[column]; from != to {
			diff[column] = fromTo{from, to}
		}
	}
	return diff
}

// compare pairs rows as they were with rows as they are, by id. What was left exactly
// as it was is no change; a row with an id of no row before was created.
func compare(before, after []row) []change {
	changes, _, strangers := pair(before, after)
	for _, r := range strangers {
		changes = append(changes, change{action: actionCreate, new: r})
	}
	return changes
}

// compareMoved is compare for an update, which creates nothing: a row with a new id
// is one whose id was changed. It pairs by natural key, else in the order of ids.
func compareMoved(before, after []row, key string) []change {
	changes, left, strangers := pair(before, after)
	slices.SortFunc(left, byID)
	byKey := make(map[any]row, len(left))
	for _, r := range left {
		if key != "" && len(strangers) > 0 {
			byKey[r[key]] = r
		}
	}
	for i, r := range strangers {
		if old, ok := byKey[r[key]]; ok {
			changes = appendUpdate(changes, old, r)
		} else if i < len(left) {
			changes = appendUpdate(changes, left[i], r)
		}
	}
	return changes
}

// byID orders rows as no engine promises to return them.
func byID(a, b row) int { return cmp.Compare(a.id(), b.id()) }

// pair matches rows by id and returns the updates, and what found no match, in the
// order of ids.
func pair(before, after []row) (updates []change, left, strangers []row) {
	known := make(map[int64]row, len(before))
	for _, r := range before {
		known[r.id()] = r
	}
	for _, r := range slices.SortedFunc(slices.Values(after), byID) {
		old, ok := known[r.id()]
		if !ok {
			strangers = append(strangers, r)
			continue
		}
		delete(known, r.id())
		updates = appendUpdate(updates, old, r)
	}
	return updates, slices.Collect(maps.Values(known)), strangers
}

func appendUpdate(changes []change, old, now row) []change {
	c := change{action: actionUpdate, old: old, new: now}
	if len(c.differs()) == 0 {
		return changes
	}
	return append(changes, c)
}

// createdModel is the creation of a model, whose columns are what was stored.
func createdModel(m models.Model) change {
	return change{action: actionCreate, new: rowOf(m), model: m}
}

// rowOf is a just created model as the columns that entries and memory need.
func rowOf(m models.Model) row {
	switch m := m.(type) {
	case *models.Receipt:
		return row{
			"id": m.ID, "execution_id": m.ExecutionID, "agent_id": m.AgentID, "status": string(m.Status),
			"operation": string(m.Operation), "error_message": m.ErrorMessage, "timestamp": m.Timestamp.String(),
		}
	case *models.AgentMemory:
		return row{"id": m.ID, "agent_id": m.AgentID}
	case *models.WorkflowSession:
		return row{"id": m.ID, "session_id": m.SessionID}
	case *models.Collision:
		return row{
			"id": m.ID, "session_id": m.SessionID, "agent_id_1": m.AgentID1, "agent_id_2": m.AgentID2,
			"collision_type": string(m.CollisionType), "severity": string(m.Severity), "timestamp": m.Timestamp.String(),
		}
	case *models.PipelineMetric:
		return row{"id": m.ID, "execution_id": m.ExecutionID}
	case *models.SLOViolation:
		return row{"id": m.ID, "execution_id": m.ExecutionID}
	}
	return row{}
}
