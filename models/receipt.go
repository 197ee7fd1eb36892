package models

import "time"

// Receipt records one execution of the pipeline, in receipts.
type Receipt struct {
	ID          int64         `gorm:"primaryKey;autoIncrement"`
	ExecutionID string        `gorm:"not null;uniqueIndex:idx_receipts_execution_id"` // unique; UUIDv7 if empty on create
	AgentID     string        `gorm:"not null;index:idx_receipts_agent_timestamp,priority:1"`
	Operation   Operation     `gorm:"not null;check:chk_receipts_operation,operation IN ('validation','generation','normalization','extraction','emission','canonicalization','receipt','dry_run','watch')"`
	Status      ReceiptStatus `gorm:"not null;index:idx_receipts_status,priority:1;check:chk_receipts_status,status IN ('passed','failed','partial','cancelled')"`
	// Timestamp is when the execution began; the store's clock if zero on create.
	Timestamp Timestamp `gorm:"not null;index:idx_receipts_agent_timestamp,priority:2;index:idx_receipts_timestamp"`
	CreatedAt time.Time `gorm:"default:CURRENT_TIMESTAMP;index:idx_receipts_status,priority:2;index:idx_receipts_created_at"`
	// ManifestHash and OntologyHash are 64 lower-case hex digits: SHA-256, or BLAKE3 for an
	// ontology that Executions.ImportLog imported. Empty if unknown.
	ManifestHash   string
	OntologyHash   string
	FilesGenerated int64 `gorm:"default:0;check:chk_receipts_files_generated,files_generated >= 0"`
	FilesModified  int64 `gorm:"default:0;check:chk_receipts_files_modified,files_modified >= 0"`
	DurationMS     int64 `gorm:"not null;index:idx_receipts_agent_timestamp,priority:3;check:chk_receipts_duration_ms,duration_ms >= 0"` // milliseconds
	ReceiptJSON    JSON  `gorm:"check:chk_receipts_receipt_json,receipt_json IS NULL OR json_valid(receipt_json)"`                       // evidence: stored byte for byte
	ErrorMessage   string
	Environment    string // such as dev, staging, production; empty if unknown

	Metrics    []PipelineMetric `gorm:"foreignKey:ExecutionID;references:ExecutionID;constraint:OnDelete:RESTRICT" json:",omitempty"`
	Violations []SLOViolation   `gorm:"foreignKey:ExecutionID;references:ExecutionID;constraint:OnDelete:RESTRICT" json:",omitempty"`
}

// TableName implements GORM's Tabler.
func (*Receipt) TableName() string { return "receipts" }

// Validate implements Model.
func (r *Receipt) Validate() error {
	v := rules{table: "receipts"}
	v.key("execution_id", r.ExecutionID)
	v.key("agent_id", r.AgentID)
	enum(&v, "operation", r.Operation, Operations())
	enum(&v, "status", r.Status, ReceiptStatuses())
	v.when("timestamp", r.Timestamp.Time)
	v.hash("manifest_hash", r.ManifestHash)
	v.hash("ontology_hash", r.OntologyHash)
	v.count("files_generated", r.FilesGenerated)
	v.count("files_modified", r.FilesModified)
	v.count("duration_ms", r.DurationMS)
	v.json("receipt_json", r.ReceiptJSON)
	v.text("error_message", r.ErrorMessage)
	v.text("environment", r.Environment)
	return v.err()
}
