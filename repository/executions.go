package repository

import (
	"context"
	"errors"
	"maps"
	"time"

	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Executions records whole runs of the pipeline: with Begin, Stage and Finish while they
// run, or with Import from a receipt that ggen wrote. Finish and Import write in one
// transaction.
type Executions struct{ h handle }

// ExecutionOptions are the optional facts about an execution that begins.
type ExecutionOptions struct {
	ExecutionID  string // a new UUIDv7 if empty
	SessionID    string // a running workflow session, whose counters Finish updates; empty for none
	Environment  string // such as dev, staging, production
	ManifestHash string // SHA-256 in 64 lower-case hex digits
	OntologyHash string // SHA-256 in 64 lower-case hex digits
	// Targets are checked by Finish. Nil means DefaultTargets; an empty slice means none.
	Targets []Target
}

// Begin writes a "started" audit entry and returns the execution, whose duration counts
// from now. The ExecutionID of an interrupted run may be used again.
//
// Errors: models.ErrInvalid for a value that a receipt cannot hold, and for invalid
// targets; models.ErrDuplicate if the execution has a receipt; models.ErrNotFound for an
// unknown session; models.ErrNotRunning for a session that has ended.
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
	err := r.h.transaction(ctx, func(tx *gorm.DB) error {
		if err := requireUnused(tx, e.ID(), "has a receipt already"); err != nil {
			return err
		}
		if err := requireRunning(tx, e.session); err != nil {
			return err
		}
		return insert(ctx, r.h.in(tx), e.entry(models.AuditStarted, e.receipt.Timestamp.Time))
	})
	if err != nil {
		return nil, err
	}
	return e, nil
}

// Interrupted returns the newest "started" entry of each execution without a receipt,
// oldest first. The result includes executions that are still running in another goroutine
// or process.
func (r *Executions) Interrupted(ctx context.Context) ([]models.AuditEntry, error) {
	read := r.h.read(ctx)
	id := member(read, "audit_log.context_json", "execution_id")
	return find[models.AuditEntry](read.
		Where("status = ?", models.AuditStarted).
		Where(id+" IS NOT NULL").
		Where("NOT EXISTS (SELECT 1 FROM receipts WHERE receipts.execution_id = "+id+")").
		Where("id IN (SELECT MAX(id) FROM audit_log WHERE status = ? GROUP BY "+id+")", models.AuditStarted).
		Order("timestamp, id"))
}

// storedReceipt returns the receipt of that execution, or nil.
func storedReceipt(tx *gorm.DB, executionID string) (*models.Receipt, error) {
	receipts, err := find[models.Receipt](tx.Where("execution_id = ?", executionID).Limit(1))
	if err != nil || len(receipts) == 0 {
		return nil, err
	}
	return &receipts[0], nil
}

// requireUnused rejects an execution that has a receipt.
func requireUnused(tx *gorm.DB, executionID, reason string) error {
	stored, err := storedReceipt(tx, executionID)
	if stored != nil {
		err = duplicateExecution(executionID, reason)
	}
	return err
}

// requireRunning rejects a session that is unknown or has ended. It accepts "".
func requireRunning(tx *gorm.DB, sessionID string) error {
	if sessionID == "" {
		return nil
	}
	session, err := take[models.WorkflowSession](tx, sessionsTable, "session_id", sessionID)
	if err == nil && session.Status != models.SessionRunning {
		return failure(models.ErrNotRunning, sessionsTable, "session_id", sessionID, "is not running: it is "+string(session.Status))
	}
	return err
}

func duplicateExecution(id, reason string) error {
	err := failure(models.ErrDuplicate, receiptsTable, "execution_id", id, reason)
	err.Err = gorm.ErrDuplicatedKey
	return err
}

// run is one finished execution, before it is written.
type run struct {
	receipt  *models.Receipt
	metrics  []models.PipelineMetric
	targets  []Target
	measured map[string]float64
}

// prepare fills and validates every row, before any SQL.
func (r *run) prepare(now time.Time) error {
	schema.Prepare(r.receipt, now)
	errs := []error{r.receipt.Validate(), checkMeasurements(r.measured)}
	for i := range r.metrics {
		r.metrics[i].ExecutionID = r.receipt.ExecutionID
		schema.Prepare(&r.metrics[i], now)
		errs = append(errs, r.metrics[i].Validate())
	}
	return errors.Join(errs...)
}

// write creates the receipt, its metrics and its violations, and sets the latter two in the
// receipt. It may be repeated after its transaction was undone.
func (r *run) write(ctx context.Context, h handle) error {
	measured, err := r.measure(h.Write)
	if err != nil {
		return err
	}
	r.receipt.ID, r.receipt.Metrics, r.receipt.Violations = 0, r.metrics, violations(r.targets, measured)
	for i := range r.metrics {
		r.metrics[i].ID = 0
	}
	return (&Receipts{h}).create(ctx, r.receipt)
}

// measure returns the measurements and those that follow from the timings: the time of RDF
// processing (normalize and extract) and, for a generation, that of the first or incremental
// build.
func (r *run) measure(tx *gorm.DB) (map[string]float64, error) {
	measured := maps.Clone(r.measured)
	rdf := int64(0)
	for _, m := range r.metrics {
		if m.Stage == models.StageNormalize || m.Stage == models.StageExtract {
			rdf += m.DurationMS
		}
	}
	if _, ok := measured[MetricRDFProcessing]; !ok {
		measured[MetricRDFProcessing] = seconds(rdf)
	}
	_, first := measured[MetricFirstBuild]
	_, incremental := measured[MetricIncrementalBuild]
	if first || incremental || r.receipt.Operation != models.OperationGeneration {
		return measured, nil
	}
	built, err := builtBefore(tx, r.receipt)
	metric := MetricFirstBuild
	if built {
		metric = MetricIncrementalBuild
	}
	measured[metric] = seconds(r.receipt.DurationMS)
	return measured, err
}

// recentBuilds limits how many receipts builtBefore reads, so that the cost of a save does not
// depend on the length of the history.
const recentBuilds = 100

// builtBefore reports whether the agent's newest receipts before this one include a passed
// generation from the same manifest. Without a manifest hash the build counts as a first one,
// which has the wider target.
func builtBefore(tx *gorm.DB, receipt *models.Receipt) (bool, error) {
	if receipt.ManifestHash == "" {
		return false, nil
	}
	recent := tx.Session(&gorm.Session{NewDB: true}).Model(&models.Receipt{}).
		Select("manifest_hash, operation, status").
		Where("agent_id = ? AND timestamp < ?", receipt.AgentID, receipt.Timestamp).
		Order("timestamp DESC").Limit(recentBuilds)
	var n int64
	err := tx.Table("(?) AS recent", recent).
		Where("manifest_hash = ? AND operation = ? AND status = ?", receipt.ManifestHash, models.OperationGeneration, models.ReceiptPassed).
		Count(&n).Error
	return n > 0, err
}

func seconds(ms int64) float64 { return float64(ms) / 1000 }
