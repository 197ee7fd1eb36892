package models

import "time"

// PipelineMetric records one attempt of a stage of an execution, in pipeline_metrics.
type PipelineMetric struct {
	ID              int64       `gorm:"primaryKey;autoIncrement"`
	ExecutionID     string      `gorm:"not null;index:idx_pipeline_metrics_execution_id"`
	Stage           Stage       `gorm:"not null;index:idx_pipeline_metrics_stage,priority:1;check:chk_pipeline_metrics_stage,stage IN ('μ₁_normalize','μ₂_extract','μ₃_emit','μ₄_canonicalize','μ₅_receipt')"`
	DurationMS      int64       `gorm:"not null;index:idx_pipeline_metrics_stage,priority:2;check:chk_pipeline_metrics_duration_ms,duration_ms >= 0"` // milliseconds
	InputSizeBytes  int64       `gorm:"check:chk_pipeline_metrics_input_size_bytes,input_size_bytes >= 0"`                                            // bytes; 0 also if not measured
	OutputSizeBytes int64       `gorm:"check:chk_pipeline_metrics_output_size_bytes,output_size_bytes >= 0"`                                          // bytes; 0 also if not measured
	Status          StageStatus `gorm:"not null;check:chk_pipeline_metrics_status,status IN ('passed','failed')"`
	ErrorMessage    string
	// Timestamp is when the stage began; the store's clock if zero on create.
	Timestamp Timestamp `gorm:"not null;index:idx_pipeline_metrics_timestamp"`
	CreatedAt time.Time `gorm:"default:CURRENT_TIMESTAMP"`

	Receipt *Receipt `gorm:"belongsTo;foreignKey:ExecutionID;references:ExecutionID" json:",omitempty"`
}

// TableName implements GORM's Tabler.
func (*PipelineMetric) TableName() string { return "pipeline_metrics" }

// Validate implements Model.
func (m *PipelineMetric) Validate() error {
	v := rules{table: "pipeline_metrics"}
	v.key("execution_id", m.ExecutionID)
	enum(&v, "stage", m.Stage, Stages())
	v.count("duration_ms", m.DurationMS)
	v.count("input_size_bytes", m.InputSizeBytes)
	v.count("output_size_bytes", m.OutputSizeBytes)
	enum(&v, "status", m.Status, StageStatuses())
	v.text("error_message", m.ErrorMessage)
	v.when("timestamp", m.Timestamp.Time)
	return v.err()
}
