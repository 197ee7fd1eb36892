package models

import "time"

// WorkflowSession records one run of several agents in parallel, in workflow_sessions.
type WorkflowSession struct {
	ID         int64         `gorm:"primaryKey;autoIncrement"`
	SessionID  string        `gorm:"not null;uniqueIndex:idx_workflow_sessions_session_id"` // unique; UUIDv7 if empty on create
	StartTime  time.Time     `gorm:"not null"`                                              // the store's clock if zero on create
	EndTime    *time.Time    // nil (NULL) while it runs
	Status     SessionStatus `gorm:"not null;index:idx_workflow_sessions_status,priority:1;check:chk_workflow_sessions_status,status IN ('running','completed','failed','cancelled')"`
	AgentCount int64         `gorm:"not null;check:chk_workflow_sessions_agent_count,agent_count >= 0"`
	// TotalDurationMS is EndTime - StartTime in milliseconds; nil (NULL) while it runs.
	TotalDurationMS      *int64    `gorm:"check:chk_workflow_sessions_total_duration_ms,total_duration_ms >= 0"`
	SuccessfulOperations int64     `gorm:"default:0;check:chk_workflow_sessions_successful_operations,successful_operations >= 0"`
	FailedOperations     int64     `gorm:"default:0;check:chk_workflow_sessions_failed_operations,failed_operations >= 0"`
	ContextJSON          JSON      `gorm:"check:chk_workflow_sessions_context_json,context_json IS NULL OR json_valid(context_json)"` // secrets are redacted before it is stored
	CreatedAt            time.Time `gorm:"default:CURRENT_TIMESTAMP;index:idx_workflow_sessions_status,priority:2;index:idx_workflow_sessions_created_at"`

	Collisions []Collision `gorm:"foreignKey:SessionID;references:SessionID;constraint:OnDelete:RESTRICT" json:",omitempty"`
}

// TableName implements GORM's Tabler.
func (*WorkflowSession) TableName() string { return "workflow_sessions" }

// Validate implements Model.
func (s *WorkflowSession) Validate() error {
	v := rules{table: "workflow_sessions"}
	v.key("session_id", s.SessionID)
	v.when("start_time", s.StartTime)
	enum(&v, "status", s.Status, SessionStatuses())
	v.count("agent_count", s.AgentCount)
	if s.EndTime != nil && s.EndTime.Before(s.StartTime) {
		v.refuse("end_time", *s.EndTime, "must not lie before start_time")
	}
	if s.TotalDurationMS != nil {
		v.count("total_duration_ms", *s.TotalDurationMS)
	}
	v.count("successful_operations", s.SuccessfulOperations)
	v.count("failed_operations", s.FailedOperations)
	v.json("context_json", s.ContextJSON)
	return v.err()
}
