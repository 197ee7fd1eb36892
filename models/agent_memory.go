package models

import "time"

// ActivityKey is the top-level key of AgentMemory.MemoryJSON under which the store counts
// the agent's activity. All other keys belong to the agent.
const ActivityKey = "_activity"

// CollisionHistoryLimit is the largest number of collisions in AgentMemory.CollisionHistory.
// The whole history is in the collision_detection table.
const CollisionHistoryLimit = 100

// AgentMemory holds the memory of an agent, one row per agent, in agent_memory.
type AgentMemory struct {
	ID      int64  `gorm:"primaryKey;autoIncrement"`
	AgentID string `gorm:"not null;uniqueIndex:idx_agent_memory_agent_id"` // unique
	// MemoryJSON is a JSON object; {} if nil on create. It is stored unredacted; entries of
	// the audit log hold it without secrets.
	MemoryJSON JSON `gorm:"not null;check:chk_agent_memory_memory_json,json_valid(memory_json)"`
	// CollisionHistory is a JSON array of collisions, newest last; nil if there are none.
	CollisionHistory JSON      `gorm:"check:chk_agent_memory_collision_history,collision_history IS NULL OR json_valid(collision_history)"`
	RetryCount       int64     `gorm:"default:0;check:chk_agent_memory_retry_count,retry_count >= 0"` // failures since the last success
	LastError        string    // the newest failure, without secrets; not reset when a later execution passes
	UpdatedAt        time.Time `gorm:"default:CURRENT_TIMESTAMP;index:idx_agent_memory_updated_at"`
	CreatedAt        time.Time `gorm:"default:CURRENT_TIMESTAMP"`
}

// TableName implements GORM's Tabler.
func (*AgentMemory) TableName() string { return "agent_memory" }

// Validate implements Model.
func (m *AgentMemory) Validate() error {
	v := rules{table: "agent_memory"}
	v.key("agent_id", m.AgentID)
	if m.MemoryJSON == nil {
		v.refuse("memory_json", nil, "must be set")
	}
	v.jsonKind("memory_json", m.MemoryJSON, '{', "must be a JSON object")
	v.jsonKind("collision_history", m.CollisionHistory, '[', "must be a JSON array")
	v.count("retry_count", m.RetryCount)
	v.text("last_error", m.LastError)
	return v.err()
}
