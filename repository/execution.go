package repository

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/internal/ggen"
	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/internal/scope"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Execution is one run of the pipeline between Begin and Finish. It is safe for concurrent
// use. It is held in memory: until Finish the database holds only the "started" entry.
type Execution struct {
	h       handle
	session string
	targets []Target

	mu       sync.Mutex
	receipt  models.Receipt // the values known so far
	metrics  []models.PipelineMetric
	measured map[string]float64
	running  map[models.Stage]bool
	finished bool
}

// ID returns the execution_id.
func (e *Execution) ID() string { return e.receipt.ExecutionID }

// StageResult holds the sizes that a stage reports.
type StageResult struct {
	InputSizeBytes  int64 // 0 if not measured
	OutputSizeBytes int64 // 0 if not measured
}

// Stage runs do as one stage and records its duration, sizes and error for Finish. The
// context of do carries the execution (hooks.WithExecution), so that the audit entries of
// do's writes to memory, sessions and collisions name it. If do panics, the stage fails and
// Stage re-panics. A failed stage may run again: each attempt becomes one metric, and the
// last attempt decides.
//
// Errors: the error of do; models.ErrInvalid for an unknown stage and for negative sizes;
// models.ErrDuplicate for a stage that is running or has passed; models.ErrNotRunning after
// Finish; the context's error, without running do, if the context has ended.
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
	defer func() { // without recover, so that a panic keeps its stack
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
	switch {
	case e.finished:
		return e.notRunning()
	case !stage.Valid():
		return refuse.Unknown(metricsTable, "stage", stage, models.Stages())
	case e.running[stage]:
		return failure(models.ErrDuplicate, metricsTable, "stage", string(stage), "is running already")
	case slices.ContainsFunc(e.metrics, func(m models.PipelineMetric) bool { return m.Stage == stage && m.Status == models.StagePassed }):
		return failure(models.ErrDuplicate, metricsTable, "stage", string(stage), "has passed already")
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
		m.Status, m.ErrorMessage = models.StageFailed, refuse.Clean(err.Error())
	}
	e.metrics = append(e.metrics, m)
	return err
}

// Measure records a measurement, in the unit of the metric's target. Finish checks the last
// measurement of each metric against the targets. A measurement without a target is stored
// in the receipt's JSON only. Errors: models.ErrInvalid for a blank metric and for a value
// that is not a finite number; models.ErrNotRunning after Finish.
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

// Finish writes the receipt, one metric per attempt of a stage, the violated targets and a
// "completed" audit entry ("failed" if the run did not pass), and adds one to the session's
// successful or failed operations, all in one transaction. It returns the receipt with its
// Metrics and Violations. After an error nothing is written, and Finish may be called again.
//
// Errors: models.ErrNotRunning after Finish and while a stage is running; models.ErrInvalid
// for a value that a receipt cannot hold; models.ErrDuplicate if another process finished
// the same execution; models.ErrNotFound if the session was deleted.
func (e *Execution) Finish(ctx context.Context, outcome Outcome) (*models.Receipt, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.finished {
		return nil, e.notRunning()
	}
	for stage := range e.running {
		return nil, failure(models.ErrNotRunning, metricsTable, "stage", string(stage), "is still at work: finish after it")
	}
	now := e.h.now()
	run, err := e.run(outcome)
	if err == nil {
		err = run.prepare(now)
	}
	if err != nil {
		return nil, err
	}
	status, succeeded := models.AuditCompleted, int64(1)
	if run.receipt.Status != models.ReceiptPassed {
		status, succeeded = models.AuditFailed, 0
	}
	ctx = scope.WithExecution(scope.WithDefaultActor(ctx, e.receipt.AgentID), e.receipt.ExecutionID)
	err = e.h.transaction(ctx, func(tx *gorm.DB) error {
		if err := requireUnused(tx, e.ID(), "was finished by another program"); err != nil {
			return err
		}
		ctx, inside := tx.Statement.Context, e.h.in(tx) // ctx has a default actor
		if err := run.write(ctx, inside); err != nil {
			return err
		}
		ended := e.entry(status, now)
		ended.DurationMS, ended.ErrorMessage = run.receipt.DurationMS, run.receipt.ErrorMessage
		if err := insert(ctx, inside, ended); err != nil || e.session == "" {
			return err
		}
		return (&Sessions{inside}).AddOutcome(ctx, e.session, succeeded, 1-succeeded)
	})
	if err != nil {
		return nil, err
	}
	e.finished = true
	return run.receipt, nil
}

// entry returns an audit entry about the execution itself.
func (e *Execution) entry(status models.AuditStatus, at time.Time) *models.AuditEntry {
	doc, _ := models.JSONOf(struct { // two strings always encode
		V           int    `json:"v"`
		ExecutionID string `json:"execution_id"`
		SessionID   string `json:"session_id,omitempty"`
	}{1, e.receipt.ExecutionID, e.session})
	return &models.AuditEntry{
		AgentID: e.receipt.AgentID, Operation: string(e.receipt.Operation), Status: status, Timestamp: models.At(at), ContextJSON: doc,
	}
}

// since returns the milliseconds from then to now; 0 if the clock was set back.
func (e *Execution) since(then time.Time) int64 { return max(0, e.h.now().Sub(then).Milliseconds()) }

func (e *Execution) notRunning() error {
	return failure(models.ErrNotRunning, receiptsTable, "execution_id", e.receipt.ExecutionID, "is finished")
}

// Outcome says how an execution ended. The zero value derives the status from the stages.
type Outcome struct {
	// Status, if empty, becomes cancelled if Err is context.Canceled, failed if Err is set
	// or the last attempt of a stage failed, and passed otherwise.
	Status models.ReceiptStatus
	// Err becomes error_message. If it is nil and the run did not pass, error_message is the
	// error of the first failed stage.
	Err            error
	FilesGenerated int64
	FilesModified  int64
	ManifestHash   string // overrides the hash given to Begin, unless empty
	OntologyHash   string // overrides the hash given to Begin, unless empty
	// ReceiptJSON is stored byte for byte. Nil means a receipt in the form that Import reads.
	ReceiptJSON models.JSON
}

// run returns the execution's rows for Finish. It leaves the execution unchanged, so that
// Finish can be repeated after an error.
func (e *Execution) run(outcome Outcome) (*run, error) {
	receipt := e.receipt
	r := &run{receipt: &receipt, metrics: slices.Clone(e.metrics), targets: e.targets, measured: maps.Clone(e.measured)}
	failure := ggen.FirstFailure(r.metrics)
	receipt.Status = cmp.Or(outcome.Status, derivedStatus(outcome.Err, failure))
	if outcome.Err != nil {
		receipt.ErrorMessage = refuse.Clean(outcome.Err.Error())
	} else if receipt.Status != models.ReceiptPassed {
		receipt.ErrorMessage = failure
	}
	receipt.FilesGenerated, receipt.FilesModified = outcome.FilesGenerated, outcome.FilesModified
	receipt.ManifestHash = cmp.Or(outcome.ManifestHash, receipt.ManifestHash)
	receipt.OntologyHash = cmp.Or(outcome.OntologyHash, receipt.OntologyHash)
	receipt.DurationMS = e.since(receipt.Timestamp.Time)
	receipt.ReceiptJSON = outcome.ReceiptJSON
	if receipt.ReceiptJSON != nil {
		return r, nil
	}
	var err error
	receipt.ReceiptJSON, err = (&ggen.Run{Receipt: r.receipt, Metrics: r.metrics, Measurements: r.measured}).Document()
	return r, err
}

func derivedStatus(err error, failure string) models.ReceiptStatus {
	switch {
	case errors.Is(err, context.Canceled):
		return models.ReceiptCancelled
	case err != nil || failure != "":
		return models.ReceiptFailed
	default:
		return models.ReceiptPassed
	}
}
