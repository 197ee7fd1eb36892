package models

import "time"

// Collision records a conflict of two agents in a session, in collision_detection.
type Collision struct {
	ID            int64         `gorm:"primaryKey;autoIncrement"`
	SessionID     string        `gorm:"not null;index:idx_collision_detection_session_id,priority:1"`
	AgentID1      string        `gorm:"column:agent_id_1;not null;index:idx_collision_detection_agents,priority:1"`
	AgentID2      string        `gorm:"column:agent_id_2;not null;index:idx_collision_detection_agents,priority:2"` // not AgentID1
	CollisionType CollisionType `gorm:"not null;check:chk_collision_detection_collision_type,collision_type IN ('file_conflict','memory_conflict','semantic_overlap','structural_overlap')"`
	Description   string        `gorm:"not null"`
	Resolution    string        // empty while unresolved
	Severity      Severity      `gorm:"not null;index:idx_collision_detection_severity,priority:1;check:chk_collision_detection_severity,severity IN ('info','warning','critical')"`
	// Timestamp is when it was detected; the store's clock if zero on create.
	Timestamp Timestamp `gorm:"not null;index:idx_collision_detection_session_id,priority:2"`
	CreatedAt time.Time `gorm:"default:CURRENT_TIMESTAMP;index:idx_collision_detection_severity,priority:2"`

	Session *WorkflowSession `gorm:"belongsTo;foreignKey:SessionID;references:SessionID" json:",omitempty"`
}

// TableName implements GORM's Tabler.
func (*Collision) TableName() string { return "collision_detection" }

// Validate implements Model.
func (c *Collision) Validate() error {
	v := rules{table: "collision_detection"}
	v.key("session_id", c.SessionID)
	v.key("agent_id_1", c.AgentID1)
	v.key("agent_id_2", c.AgentID2)
	if c.AgentID1 != "" && c.AgentID1 == c.AgentID2 {
		v.refuse("agent_id_2", c.AgentID2, "must be another agent than agent_id_1")
	}
	enum(&v, "collision_type", c.CollisionType, CollisionTypes())
	v.required("description", c.Description)
	v.text("resolution", c.Resolution)
	enum(&v, "severity", c.Severity, Severities())
	v.when("timestamp", c.Timestamp.Time)
	return v.err()
}
