package repository

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/internal/scope"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Execution is one run of the pipeline between Begin and Finish. It is safe for
// concurrent use. It lives in memory: until Finish, the database knows only that
// the execution began.
type Execution struct {
	h       Handle
	session string
	targets []Target

	mu       sync.Mutex
	receipt  models.Receipt // as known so far
	metrics  []models.PipelineMetric
	measured map[string]float64
	running  map[models.Stage]bool
	finished bool
}

// ID is the execution's id, as in receipts.execution_id.
func (e *Execution) ID() string { return e.receipt.ExecutionID }

// StageResult is what a stage reports of itself.
type StageResult struct {
	InputSizeBytes  int64 // bytes; 0 also if not measured
	OutputSizeBytes int64 // bytes; 0 also if not measured
}

// Stage runs one stage, times it and keeps its sizes and its error for Finish. The
// context of do carries the execution (hooks.WithExecution), so that the entries of what
// it writes to memory, sessions and collisions name it. Stage returns the error of do; a panic of do fails the stage and goes on.
// A stage that failed may run again: each attempt becomes one metric, and the last
// one decides.
//
// It returns models.ErrInvalid for an unknown stage and for negative sizes, models.ErrDuplicate
// for a stage that runs already or has passed, models.ErrNotRunning after Finish, and the
// context's error, without running do, once that has ended.
func (e *Execution) Stage(ctx context.Context, stage models.Stage, do func(ctx context.Context, result *StageResult) error) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := e.enter(stage); err != nil {
		return err
	}
	result := StageResult{}
	began := e.h.now()
	returned := false
	defer func() { // not by recover: the panic keeps its stack for whoever handles it
		if !returned {
			err = errors.New("the stage panicked")
		}
		err = e.leave(stage, began, result, err)
	}()
	err = do(scope.WithExecution(ctx, e.receipt.ExecutionID), &result)
	returned = true
	return err
}

func (e *Execution) enter(stage models.Stage) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	refuse := func(kind error, reason string) error {
		return &models.Error{Table: "pipeline_metrics", Column: "stage", Value: string(stage), Reason: reason, Kind: kind}
	}
	switch {
	case e.finished:
		return e.notRunning()
	case !stage.Valid():
		return notAllowed("pipeline_metrics", "stage", stage, models.Stages())
	case e.running[stage]:
		return refuse(models.ErrDuplicate, "is running already")
	case slices.ContainsFunc(e.metrics, func(m models.PipelineMetric) bool { return m.Stage == stage && m.Status == models.StagePassed }):
		return refuse(models.ErrDuplicate, "has passed already")
	}
	e.running[stage] = true
	return nil
}

func (e *Execution) leave(stage models.Stage, began time.Time, result StageResult, err error) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.running, stage)
	m := models.PipelineMetric{
		ExecutionID: e.receipt.ExecutionID, Stage: stage, Status: models.StagePassed, Timestamp: models.At(began),
		DurationMS: e.since(began), InputSizeBytes: result.InputSizeBytes, OutputSizeBytes: result.OutputSizeBytes,
	}
	if bad := m.Validate(); bad != nil {
		err = errors.Join(err, bad)
		m.InputSizeBytes, m.OutputSizeBytes = 0, 0
	}
	if err != nil {
		m.Status, m.ErrorMessage = models.StageFailed, readable(err.Error())
	}
	e.metrics = append(e.metrics, m)
	return err
}

// Measure keeps a measurement for Finish to check against the targets; the last one
// of a metric counts. The value is in the target's unit. A metric without a target
// is kept in the receipt's JSON only. It returns models.ErrInvalid for a blank metric and
// for what is not a finite number, and models.ErrNotRunning after Finish.
func (e *Execution) Measure(metric string, value float64) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.finished {
		return e.notRunning()
	}
	if err := checkMeasurements(map[string]float64{metric: value}); err != nil {
		return err
	}
	e.measured[metric] = value
	return nil
}

// Finish writes, in one transaction, the receipt, a metric for each stage, the
// violated targets, a "completed" audit entry (or "failed", if the run did not
// pass), and adds one to the session's successful or failed operations. It returns
// the receipt with its Metrics and Violations.
//
// It returns models.ErrNotRunning the second time and while a stage is still at work,
// models.ErrInvalid for a value that the receipt cannot hold, models.ErrDuplicate if another
// process finished the same execution, and models.ErrNotFound if the session is gone. After
// an error nothing is written, and Finish may be called again.
func (e *Execution) Finish(ctx context.Context, outcome Outcome) (*models.Receipt, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.finished {
		return nil, e.notRunning()
	}
	for stage := range e.running {
		return nil, &models.Error{Table: "pipeline_metrics", Column: "stage", Value: string(stage), Reason: "is still at work: finish after it", Kind: models.ErrNotRunning}
	}
	now := e.h.now()
	run, err := e.run(outcome)
	if err == nil {
		err = run.prepare(now)
	}
	if err != nil {
		return nil, err
	}
	status, counter := models.AuditCompleted, "successful_operations"
	if run.receipt.Status != models.ReceiptPassed {
		status, counter = models.AuditFailed, "failed_operations"
	}
	ended := e.entry(status, now)
	ended.DurationMS, ended.ErrorMessage = run.receipt.DurationMS, run.receipt.ErrorMessage
	ctx = scope.WithExecution(scope.WithDefaultActor(ctx, e.receipt.AgentID), e.receipt.ExecutionID)
	err = e.h.transaction(ctx, func(tx *gorm.DB) error {
		stored, err := storedReceipt(tx, run.receipt.ExecutionID)
		if err != nil {
			return err
		}
		if stored != nil {
			return duplicateExecution(stored.ExecutionID, "was finished by another program")
		}
		ctx, inside := tx.Statement.Context, e.h.in(tx) // ctx has a default actor
		if err := run.write(ctx, inside, now); err != nil {
			return err
		}
		entry := *ended
		if err := insert(ctx, inside, &entry); err != nil {
			return err
		}
		return e.count(tx, counter)
	})
	if err != nil {
		return nil, err
	}
	e.finished = true
	return run.receipt, nil
}

func (e *Execution) count(tx *gorm.DB, counter string) error {
	if e.session == "" {
		return nil
	}
	res := tx.Model(&models.WorkflowSession{}).Where("session_id = ?", e.session).
		Updates(map[string]any{counter: gorm.Expr("COALESCE(" + counter + ", 0) + 1")})
	if res.Error == nil && res.RowsAffected == 0 {
		return notFound("workflow_sessions", "session_id", e.session)
	}
	return res.Error
}

// entry is an audit entry of the execution itself, at that time.
func (e *Execution) entry(status models.AuditStatus, at time.Time) *models.AuditEntry {
	doc, _ := models.JSONOf(struct { // two strings always encode
		V           int    `json:"v"`
		ExecutionID string `json:"execution_id"`
		SessionID   string `json:"session_id,omitempty"`
	}{1, e.receipt.ExecutionID, e.session})
	entry := &models.AuditEntry{AgentID: e.receipt.AgentID, Operation: string(e.receipt.Operation), Status: status, Timestamp: models.At(at), ContextJSON: doc}
	schema.Prepare(entry, at)
	return entry
}

// since is the time from then to now in milliseconds; 0 if the clock was set back.
func (e *Execution) since(then time.Time) int64 { return max(0, e.h.now().Sub(then).Milliseconds()) }

func (e *Execution) notRunning() error {
	return &models.Error{Table: "receipts", Column: "execution_id", Value: e.receipt.ExecutionID, Reason: "is finished", Kind: models.ErrNotRunning}
}

// notAllowed refuses a value that is none of its enum's.
func notAllowed[T ~string](table, column string, v T, allowed []T) error {
	err := invalid(table, column, string(v), "is not an allowed value")
	for _, a := range allowed {
		err.Allowed = append(err.Allowed, string(a))
	}
	return err
}
