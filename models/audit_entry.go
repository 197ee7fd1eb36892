package models

import "time"

// AuditEntry records an operation, the agent that did it and how it ended, in audit_log.
type AuditEntry struct {
	ID int64 `gorm:"primaryKey;autoIncrement"`
	// Timestamp is the time of the operation; the store's clock if zero on create.
	Timestamp    Timestamp   `gorm:"not null;index:idx_audit_log_timestamp;index:idx_audit_log_agent_id,priority:2"`
	AgentID      string      `gorm:"not null;index:idx_audit_log_agent_id,priority:1"`
	Operation    string      `gorm:"not null"` // free text, or table.action in entries of the hooks
	Status       AuditStatus `gorm:"not null;index:idx_audit_log_status,priority:1;check:chk_audit_log_status,status IN ('started','completed','failed','skipped')"`
	DurationMS   int64       `gorm:"check:chk_audit_log_duration_ms,duration_ms >= 0"` // milliseconds
	ErrorMessage string      // secrets are redacted before it is stored
	ContextJSON  JSON        `gorm:"check:chk_audit_log_context_json,context_json IS NULL OR json_valid(context_json)"` // the same
	CreatedAt    time.Time   `gorm:"default:CURRENT_TIMESTAMP;index:idx_audit_log_status,priority:2"`
}

// TableName implements GORM's Tabler.
func (*AuditEntry) TableName() string { return "audit_log" }

// Validate implements Model.
func (a *AuditEntry) Validate() error {
	v := rules{table: "audit_log"}
	v.when("timestamp", a.Timestamp.Time)
	v.key("agent_id", a.AgentID)
	v.required("operation", a.Operation)
	enum(&v, "status", a.Status, AuditStatuses())
	v.count("duration_ms", a.DurationMS)
	v.text("error_message", a.ErrorMessage)
	v.json("context_json", a.ContextJSON)
	return v.err()
}
