package models

import "slices"

// Operation is what a receipt is a receipt of.
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

// Operations lists every Operation, in the schema's order.
func Operations() []Operation {
	return []Operation{OperationValidation, OperationGeneration, OperationNormalization, OperationExtraction, OperationEmission, OperationCanonicalization, OperationReceipt, OperationDryRun, OperationWatch}
}

// Valid reports whether v is one of Operations.
func (v Operation) Valid() bool { return slices.Contains(Operations(), v) }

// UnmarshalText refuses what is not one of Operations.
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

// ReceiptStatuses lists every ReceiptStatus, in the schema's order.
func ReceiptStatuses() []ReceiptStatus {
	return []ReceiptStatus{ReceiptPassed, ReceiptFailed, ReceiptPartial, ReceiptCancelled}
}

// Valid reports whether v is one of ReceiptStatuses.
func (v ReceiptStatus) Valid() bool { return slices.Contains(ReceiptStatuses(), v) }

// UnmarshalText refuses what is not one of ReceiptStatuses.
func (v *ReceiptStatus) UnmarshalText(b []byte) error { return unmarshalEnum(v, b, ReceiptStatuses()) }

// AuditStatus is how far an audited operation came.
type AuditStatus string

// The values of AuditStatus.
const (
	AuditStarted   AuditStatus = "started"
	AuditCompleted AuditStatus = "completed"
	AuditFailed    AuditStatus = "failed"
	AuditSkipped   AuditStatus = "skipped"
)

// AuditStatuses lists every AuditStatus, in the schema's order.
func AuditStatuses() []AuditStatus {
	return []AuditStatus{AuditStarted, AuditCompleted, AuditFailed, AuditSkipped}
}

// Valid reports whether v is one of AuditStatuses.
func (v AuditStatus) Valid() bool { return slices.Contains(AuditStatuses(), v) }

// UnmarshalText refuses what is not one of AuditStatuses.
func (v *AuditStatus) UnmarshalText(b []byte) error { return unmarshalEnum(v, b, AuditStatuses()) }

// SessionStatus is the state of a workflow session; only running can change.
type SessionStatus string

// The values of SessionStatus.
const (
	SessionRunning   SessionStatus = "running"
	SessionCompleted SessionStatus = "completed"
	SessionFailed    SessionStatus = "failed"
	SessionCancelled SessionStatus = "cancelled"
)

// SessionStatuses lists every SessionStatus, in the schema's order.
func SessionStatuses() []SessionStatus {
	return []SessionStatus{SessionRunning, SessionCompleted, SessionFailed, SessionCancelled}
}

// Valid reports whether v is one of SessionStatuses.
func (v SessionStatus) Valid() bool { return slices.Contains(SessionStatuses(), v) }

// UnmarshalText refuses what is not one of SessionStatuses.
func (v *SessionStatus) UnmarshalText(b []byte) error { return unmarshalEnum(v, b, SessionStatuses()) }

// CollisionType is what two agents collided over.
type CollisionType string

// The values of CollisionType.
const (
	FileConflict      CollisionType = "file_conflict"
	MemoryConflict    CollisionType = "memory_conflict"
	SemanticOverlap   CollisionType = "semantic_overlap"
	StructuralOverlap CollisionType = "structural_overlap"
)

// CollisionTypes lists every CollisionType, in the schema's order.
func CollisionTypes() []CollisionType {
	return []CollisionType{FileConflict, MemoryConflict, SemanticOverlap, StructuralOverlap}
}

// Valid reports whether v is one of CollisionTypes.
func (v CollisionType) Valid() bool { return slices.Contains(CollisionTypes(), v) }

// UnmarshalText refuses what is not one of CollisionTypes.
func (v *CollisionType) UnmarshalText(b []byte) error { return unmarshalEnum(v, b, CollisionTypes()) }

// Severity is how bad a collision or violation is; a violation is never info.
type Severity string

// The values of Severity.
const (
	SeverityInfo     Severity = "info"
	SeverityWarning  Severity = "warning"
	SeverityCritical Severity = "critical"
)

// Severities lists every Severity, in the schema's order.
func Severities() []Severity {
	return []Severity{SeverityInfo, SeverityWarning, SeverityCritical}
}

// Valid reports whether v is one of Severities.
func (v Severity) Valid() bool { return slices.Contains(Severities(), v) }

// UnmarshalText refuses what is not one of Severities.
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

// Stages lists every Stage, in the schema's order.
func Stages() []Stage {
	return []Stage{StageNormalize, StageExtract, StageEmit, StageCanonicalize, StageReceipt}
}

// Valid reports whether v is one of Stages.
func (v Stage) Valid() bool { return slices.Contains(Stages(), v) }

// UnmarshalText refuses what is not one of Stages.
func (v *Stage) UnmarshalText(b []byte) error { return unmarshalEnum(v, b, Stages()) }

// StageStatus is how a stage ended.
type StageStatus string

// The values of StageStatus.
const (
	StagePassed StageStatus = "passed"
	StageFailed StageStatus = "failed"
)

// StageStatuses lists every StageStatus, in the schema's order.
func StageStatuses() []StageStatus {
	return []StageStatus{StagePassed, StageFailed}
}

// Valid reports whether v is one of StageStatuses.
func (v StageStatus) Valid() bool { return slices.Contains(StageStatuses(), v) }

// UnmarshalText refuses what is not one of StageStatuses.
func (v *StageStatus) UnmarshalText(b []byte) error { return unmarshalEnum(v, b, StageStatuses()) }

// ViolationSeverities lists what slo_violations.severity allows.
func ViolationSeverities() []Severity { return []Severity{SeverityWarning, SeverityCritical} }

// unmarshalEnum sets *v to the allowed value that b spells, or says what is allowed.
func unmarshalEnum[T ~string](v *T, b []byte, allowed []T) error {
	if got := T(b); slices.Contains(allowed, got) {
		*v = got
		return nil
	}
	return &Error{Value: string(b), Kind: ErrInvalid, Reason: "is not an allowed value", Allowed: texts(allowed)}
}

// texts is a list of enum values as plain strings.
func texts[T ~string](values []T) []string {
	list := make([]string, len(values))
	for i, v := range values {
		list[i] = string(v)
	}
	return list
}
