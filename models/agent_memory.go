package models

import "time"

// ActivityKey is the one top-level key of AgentMemory.MemoryJSON that belongs to
// the store; every other key is the agent's own.
const ActivityKey = "_activity"

// CollisionHistoryLimit is how many collisions AgentMemory.CollisionHistory keeps,
// newest last. The whole history is the collision_detection table.
const CollisionHistoryLimit = 100

// AgentMemory is what an agent remembers, one row an agent, in agent_memory.
type AgentMemory struct {
	ID      int64  `gorm:"primaryKey;autoIncrement"`
	AgentID string `gorm:"not null;uniqueIndex:idx_agent_memory_agent_id"` // unique
	// MemoryJSON is a JSON object; {} if nil on create. It is stored as it is given; entries
	// of the audit log tell it without secrets.
	MemoryJSON JSON `gorm:"not null;check:chk_agent_memory_memory_json,json_valid(memory_json)"`
	// CollisionHistory is a JSON array, newest last; nil if there never was one.
	CollisionHistory JSON      `gorm:"check:chk_agent_memory_collision_history,collision_history IS NULL OR json_valid(collision_history)"`
	RetryCount       int64     `gorm:"default:0;check:chk_agent_memory_retry_count,retry_count >= 0"` // failures since the last success
	LastError        string    // the newest failure, without secrets; kept when a later execution passes
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
