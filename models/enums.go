package models

import "slices"

// Operation is the kind of work that an execution did.
type Operation string

// The values of Operation.
const (
	OperationValidation       Operation = "validation"
	OperationGeneration       Operation = "generation"
	OperationNormalization    Operation = "normalization"
	OperationExtraction       Operation = "extraction"
	OperationEmission         Operation = "emission"
	OperationCanonicalization Operation = "canonicalization"
	OperationReceipt          Operation = "receipt"
	OperationDryRun           Operation = "dry_run"
	OperationWatch            Operation = "watch"
)

// Operations returns every Operation, in the order of the schema.
func Operations() []Operation {
	return []Operation{OperationValidation, OperationGeneration, OperationNormalization, OperationExtraction, OperationEmission, OperationCanonicalization, OperationReceipt, OperationDryRun, OperationWatch}
}

// Valid reports whether v is one of Operations.
func (v Operation) Valid() bool { return slices.Contains(Operations(), v) }

// UnmarshalText reads one of Operations. Errors: ErrInvalid.
func (v *Operation) UnmarshalText(b []byte) error { return unmarshalEnum(v, b, Operations()) }

// ReceiptStatus is how an execution ended.
type ReceiptStatus string

// The values of ReceiptStatus.
const (
	ReceiptPassed    ReceiptStatus = "passed"
	ReceiptFailed    ReceiptStatus = "failed"
	ReceiptPartial   ReceiptStatus = "partial"
	ReceiptCancelled ReceiptStatus = "cancelled"
)

// ReceiptStatuses returns every ReceiptStatus, in the order of the schema.
func ReceiptStatuses() []ReceiptStatus {
	return []ReceiptStatus{ReceiptPassed, ReceiptFailed, ReceiptPartial, ReceiptCancelled}
}

// Valid reports whether v is one of ReceiptStatuses.
func (v ReceiptStatus) Valid() bool { return slices.Contains(ReceiptStatuses(), v) }

// UnmarshalText reads one of ReceiptStatuses. Errors: ErrInvalid.
func (v *ReceiptStatus) UnmarshalText(b []byte) error { return unmarshalEnum(v, b, ReceiptStatuses()) }

// AuditStatus is the state of an audited operation.
type AuditStatus string

// The values of AuditStatus.
const (
	AuditStarted   AuditStatus = "started"
	AuditCompleted AuditStatus = "completed"
	AuditFailed    AuditStatus = "failed"
	AuditSkipped   AuditStatus = "skipped"
)

// AuditStatuses returns every AuditStatus, in the order of the schema.
func AuditStatuses() []AuditStatus {
	return []AuditStatus{AuditStarted, AuditCompleted, AuditFailed, AuditSkipped}
}

// Valid reports whether v is one of AuditStatuses.
func (v AuditStatus) Valid() bool { return slices.Contains(AuditStatuses(), v) }

// UnmarshalText reads one of AuditStatuses. Errors: ErrInvalid.
func (v *AuditStatus) UnmarshalText(b []byte) error { return unmarshalEnum(v, b, AuditStatuses()) }

// SessionStatus is the state of a workflow session. Only a running session can change.
type SessionStatus string

// The values of SessionStatus.
const (
	SessionRunning   SessionStatus = "running"
	SessionCompleted SessionStatus = "completed"
	SessionFailed    SessionStatus = "failed"
	SessionCancelled SessionStatus = "cancelled"
)

// SessionStatuses returns every SessionStatus, in the order of the schema.
func SessionStatuses() []SessionStatus {
	return []SessionStatus{SessionRunning, SessionCompleted, SessionFailed, SessionCancelled}
}

// Valid reports whether v is one of SessionStatuses.
func (v SessionStatus) Valid() bool { return slices.Contains(SessionStatuses(), v) }

// UnmarshalText reads one of SessionStatuses. Errors: ErrInvalid.
func (v *SessionStatus) UnmarshalText(b []byte) error { return unmarshalEnum(v, b, SessionStatuses()) }

// CollisionType is the subject of a collision.
type CollisionType string

// The values of CollisionType.
const (
	FileConflict      CollisionType = "file_conflict"
	MemoryConflict    CollisionType = "memory_conflict"
	SemanticOverlap   CollisionType = "semantic_overlap"
	StructuralOverlap CollisionType = "structural_overlap"
)

// CollisionTypes returns every CollisionType, in the order of the schema.
func CollisionTypes() []CollisionType {
	return []CollisionType{FileConflict, MemoryConflict, SemanticOverlap, StructuralOverlap}
}

// Valid reports whether v is one of CollisionTypes.
func (v CollisionType) Valid() bool { return slices.Contains(CollisionTypes(), v) }

// UnmarshalText reads one of CollisionTypes. Errors: ErrInvalid.
func (v *CollisionType) UnmarshalText(b []byte) error { return unmarshalEnum(v, b, CollisionTypes()) }

// Severity is the severity of a collision or violation. A violation is never info.
type Severity string

// The values of Severity.
const (
	SeverityInfo     Severity = "info"
	SeverityWarning  Severity = "warning"
	SeverityCritical Severity = "critical"
)

// Severities returns every Severity, in the order of the schema.
func Severities() []Severity {
	return []Severity{SeverityInfo, SeverityWarning, SeverityCritical}
}

// Valid reports whether v is one of Severities.
func (v Severity) Valid() bool { return slices.Contains(Severities(), v) }

// UnmarshalText reads one of Severities. Errors: ErrInvalid.
func (v *Severity) UnmarshalText(b []byte) error { return unmarshalEnum(v, b, Severities()) }

// Stage is one of the five stages of the pipeline, in order.
type Stage string

// The values of Stage.
const (
	StageNormalize    Stage = "μ₁_normalize"
	StageExtract      Stage = "μ₂_extract"
	StageEmit         Stage = "μ₃_emit"
	StageCanonicalize Stage = "μ₄_canonicalize"
	StageReceipt      Stage = "μ₅_receipt"
)

// Stages returns every Stage, in the order of the schema.
func Stages() []Stage {
	return []Stage{StageNormalize, StageExtract, StageEmit, StageCanonicalize, StageReceipt}
}

// Valid reports whether v is one of Stages.
func (v Stage) Valid() bool { return slices.Contains(Stages(), v) }

// UnmarshalText reads one of Stages. Errors: ErrInvalid.
func (v *Stage) UnmarshalText(b []byte) error { return unmarshalEnum(v, b, Stages()) }

// StageStatus is how a stage ended.
type StageStatus string

// The values of StageStatus.
const (
	StagePassed StageStatus = "passed"
	StageFailed StageStatus = "failed"
)

// StageStatuses returns every StageStatus, in the order of the schema.
func StageStatuses() []StageStatus {
	return []StageStatus{StagePassed, StageFailed}
}

// Valid reports whether v is one of StageStatuses.
func (v StageStatus) Valid() bool { return slices.Contains(StageStatuses(), v) }

// UnmarshalText reads one of StageStatuses. Errors: ErrInvalid.
func (v *StageStatus) UnmarshalText(b []byte) error { return unmarshalEnum(v, b, StageStatuses()) }

// ViolationSeverities returns the values that slo_violations.severity allows.
func ViolationSeverities() []Severity { return []Severity{SeverityWarning, SeverityCritical} }

// unmarshalEnum sets *v to b. Errors: ErrInvalid, with the allowed values.
func unmarshalEnum[T ~string](v *T, b []byte, allowed []T) error {
	if got := T(b); slices.Contains(allowed, got) {
		*v = got
		return nil
	}
	return &Error{Value: string(b), Kind: ErrInvalid, Reason: "is not an allowed value", Allowed: texts(allowed)}
}

// texts returns enum values as strings.
func texts[T ~string](values []T) []string {
	list := make([]string, len(values))
	for i, v := range values {
		list[i] = string(v)
	}
	return list
}
