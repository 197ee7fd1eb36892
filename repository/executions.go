package repository

import (
	"context"

	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Executions records whole runs of the pipeline: Begin, Stage by Stage, Finish; or
// Import of a receipt that ggen wrote. What Finish and Import write is one
// transaction: all of it is stored, or none.
type Executions struct{ h Handle }

// ExecutionOptions is what is known of an execution when it begins. All of it is
// optional.
type ExecutionOptions struct {
	ExecutionID  string // UUIDv7 if empty
	SessionID    string // the running workflow session that counts it; empty for none
	Environment  string // such as dev, staging, production
	ManifestHash string // SHA-256 in 64 lower-case hex digits
	OntologyHash string // the same
	// Targets are what Finish checks; nil means DefaultTargets, an empty slice none.
	Targets []Target
}

// Begin writes a "started" audit entry and returns the execution, whose time runs
// from now. Beginning again under the ExecutionID of an interrupted run is allowed.
//
// It returns models.ErrInvalid for a value that the receipt could not hold and for
// unusable targets, models.ErrDuplicate if the execution has a receipt already,
// models.ErrNotFound for an unknown session and models.ErrNotRunning for one that has ended;
// nothing is written then.
func (r *Executions) Begin(ctx context.Context, agent string, op models.Operation, opts ExecutionOptions) (*Execution, error) {
	if opts.Targets == nil {
		opts.Targets = DefaultTargets()
	}
	if err := checkTargets(opts.Targets); err != nil {
		return nil, err
	}
	e := &Execution{h: r.h, session: opts.SessionID, targets: opts.Targets, measured: map[string]float64{}, running: map[models.Stage]bool{}}
	e.receipt = models.Receipt{
		ExecutionID: opts.ExecutionID, AgentID: agent, Operation: op, Status: models.ReceiptPassed,
		ManifestHash: opts.ManifestHash, OntologyHash: opts.OntologyHash, Environment: opts.Environment,
	}
	schema.Prepare(&e.receipt, r.h.now())
	if err := e.receipt.Validate(); err != nil {
		return nil, err
	}
	started := e.entry(models.AuditStarted, e.receipt.Timestamp.Time)
	err := r.h.transaction(ctx, func(tx *gorm.DB) error {
		stored, err := storedReceipt(tx, e.receipt.ExecutionID)
		if err != nil {
			return err
		}
		if stored != nil {
			return duplicateExecution(stored.ExecutionID, "has a receipt already")
		}
		if err := requireRunning(tx, e.session); err != nil {
			return err
		}
		entry := *started
		return insert(ctx, r.h.in(tx), &entry)
	})
	if err != nil {
		return nil, err
	}
	return e, nil
}

// Interrupted lists the executions that began and have no receipt: one entry each,
// its newest "started" entry, oldest first. It cannot tell an execution that died
// from one that is still at work in another goroutine or process.
func (r *Executions) Interrupted(ctx context.Context) ([]models.AuditEntry, error) {
	read := r.h.read(ctx)
	id := member(read, "audit_log.context_json", "execution_id")
	entries := []models.AuditEntry{}
	err := read.
		Where("status = ?", models.AuditStarted).
		Where(id+" IS NOT NULL").
		Where("NOT EXISTS (SELECT 1 FROM receipts WHERE receipts.execution_id = "+id+")").
		Where("id IN (SELECT MAX(id) FROM audit_log WHERE status = ? GROUP BY "+id+")", models.AuditStarted).
		Order("timestamp, id").Find(&entries).Error
	return entries, err
}

// storedReceipt is the receipt of that execution, or nil.
func storedReceipt(tx *gorm.DB, executionID string) (*models.Receipt, error) {
	var receipts []models.Receipt
	err := tx.Where("execution_id = ?", executionID).Limit(1).Find(&receipts).Error
	if err != nil || len(receipts) == 0 {
		return nil, err
	}
	return &receipts[0], nil
}

// requireRunning refuses a session that is unknown or has ended; "" is no session.
func requireRunning(tx *gorm.DB, sessionID string) error {
	if sessionID == "" {
		return nil
	}
	var session models.WorkflowSession
	if err := tx.Where("session_id = ?", sessionID).Take(&session).Error; err != nil {
		return found(err, "workflow_sessions", "session_id", sessionID)
	}
	if session.Status != models.SessionRunning {
		return &models.Error{Table: "workflow_sessions", Column: "session_id", Value: sessionID, Reason: "is not running: it is " + string(session.Status), Kind: models.ErrNotRunning}
	}
	return nil
}

func duplicateExecution(id, reason string) error {
	return &models.Error{Table: "receipts", Column: "execution_id", Value: id, Reason: reason, Kind: models.ErrDuplicate, Err: gorm.ErrDuplicatedKey}
}
