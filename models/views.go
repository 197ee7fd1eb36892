package models

import "time"

// RecentExecution is a row of the view recent_executions: one of the newest 100
// receipts with what belongs to it, newest first.
type RecentExecution struct {
	ID             int64
	ExecutionID    string
	AgentID        string
	Operation      Operation
	Status         ReceiptStatus
	Timestamp      Timestamp
	DurationMS     int64 // milliseconds
	FilesGenerated int64
	FilesModified  int64
	ErrorMessage   string
	Environment    string
	CreatedAt      time.Time
	AuditEntries   int64 // entries that name the execution, or fall into its time
	SLOViolations  int64 `gorm:"column:slo_violations"`
}

// TableName implements GORM's Tabler.
func (*RecentExecution) TableName() string { return "recent_executions" }

// AgentPerformance is a row of the view agent_performance_summary. Durations are
// in milliseconds, over all of the agent's receipts.
type AgentPerformance struct {
	AgentID              string
	TotalExecutions      int64
	SuccessfulExecutions int64
	FailedExecutions     int64
	AvgDurationMS        float64
	MinDurationMS        int64
	MaxDurationMS        int64
	TotalFilesGenerated  int64
	LastExecution        Timestamp
}

// TableName implements GORM's Tabler.
func (*AgentPerformance) TableName() string { return "agent_performance_summary" }

// StagePerformance is a row of the view pipeline_stage_performance. Durations are
// in milliseconds.
type StagePerformance struct {
	Stage          Stage
	ExecutionCount int64
	AvgDurationMS  float64
	MinDurationMS  int64
	MaxDurationMS  int64
	PassedCount    int64
	FailedCount    int64
}

// TableName implements GORM's Tabler.
func (*StagePerformance) TableName() string { return "pipeline_stage_performance" }
