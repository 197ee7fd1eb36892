package models

import "time"

// SLOViolation records a target that an execution missed, in slo_violations.
type SLOViolation struct {
	ID          int64    `gorm:"primaryKey;autoIncrement"`
	ExecutionID string   `gorm:"not null;index:idx_slo_violations_execution_id"`
	Metric      string   `gorm:"not null;index:idx_slo_violations_metric,priority:1"` // the target's name
	TargetValue float64  `gorm:"type:real;not null"`                                  // in the metric's own unit
	ActualValue float64  `gorm:"type:real;not null"`                                  // in the metric's own unit
	Severity    Severity `gorm:"not null;index:idx_slo_violations_severity,priority:1;check:chk_slo_violations_severity,severity IN ('warning','critical')"`
	Description string
	// Timestamp is when it was detected; the store's clock if zero on create.
	Timestamp Timestamp `gorm:"not null"`
	CreatedAt time.Time `gorm:"default:CURRENT_TIMESTAMP;index:idx_slo_violations_metric,priority:2;index:idx_slo_violations_severity,priority:2"`

	Receipt *Receipt `gorm:"belongsTo;foreignKey:ExecutionID;references:ExecutionID" json:",omitempty"`
}

// TableName implements GORM's Tabler.
func (*SLOViolation) TableName() string { return "slo_violations" }

// Validate implements Model.
func (s *SLOViolation) Validate() error {
	v := rules{table: "slo_violations"}
	v.key("execution_id", s.ExecutionID)
	v.key("metric", s.Metric)
	v.number("target_value", s.TargetValue)
	v.number("actual_value", s.ActualValue)
	enum(&v, "severity", s.Severity, ViolationSeverities())
	v.text("description", s.Description)
	v.when("timestamp", s.Timestamp.Time)
	return v.err()
}
