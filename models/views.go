package models

import "time"

// RecentExecution is a row of the view recent_executions, which lists the newest 100
// receipts, newest first, with counts of the rows that belong to them.
type RecentExecution struct {
	ID             int64         `json:"id"`
	ExecutionID    string        `json:"execution_id"`
	AgentID        string        `json:"agent_id"`
	Operation      Operation     `json:"operation"`
	Status         ReceiptStatus `json:"status"`
	Timestamp      Timestamp     `json:"timestamp"`
	DurationMS     int64         `json:"duration_ms"` // milliseconds
	FilesGenerated int64         `json:"files_generated"`
	FilesModified  int64         `json:"files_modified"`
	ErrorMessage   string        `json:"error_message"`
	Environment    string        `json:"environment"`
	CreatedAt      time.Time     `json:"created_at"`
	AuditEntries   int64         `json:"audit_entries"` // entries that name the execution or lie in its time
	SLOViolations  int64         `gorm:"column:slo_violations" json:"slo_violations"`
}

// TableName implements GORM's Tabler.
func (*RecentExecution) TableName() string { return "recent_executions" }

// AgentPerformance is a row of the view agent_performance_summary: figures of all receipts
// of one agent. Durations are in milliseconds.
type AgentPerformance struct {
	AgentID              string    `json:"agent_id"`
	TotalExecutions      int64     `json:"total_executions"`
	SuccessfulExecutions int64     `json:"successful_executions"`
	FailedExecutions     int64     `json:"failed_executions"`
	AvgDurationMS        float64   `json:"avg_duration_ms"`
	MinDurationMS        int64     `json:"min_duration_ms"`
	MaxDurationMS        int64     `json:"max_duration_ms"`
	TotalFilesGenerated  int64     `json:"total_files_generated"`
	LastExecution        Timestamp `json:"last_execution"`
}

// TableName implements GORM's Tabler.
func (*AgentPerformance) TableName() string { return "agent_performance_summary" }

// StagePerformance is a row of the view pipeline_stage_performance: figures of all metrics
// of one stage. Durations are in milliseconds.
type StagePerformance struct {
	Stage          Stage   `json:"stage"`
	ExecutionCount int64   `json:"execution_count"`
	AvgDurationMS  float64 `json:"avg_duration_ms"`
	MinDurationMS  int64   `json:"min_duration_ms"`
	MaxDurationMS  int64   `json:"max_duration_ms"`
	PassedCount    int64   `json:"passed_count"`
	FailedCount    int64   `json:"failed_count"`
}

// TableName implements GORM's Tabler.
func (*StagePerformance) TableName() string { return "pipeline_stage_performance" }
