package repository

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/internal/ggen"
	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/internal/scope"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// ImportOptions supply what a document leaves out. The zero value supplies nothing.
type ImportOptions struct {
	AgentID   string           // the agent of a receipt without one
	At        time.Time        // the time of a receipt without one
	Operation models.Operation // the operation of a receipt without one; generation if empty
	// Map translates operations that are not in models.Operations, such as
	// "error-recovery" to validation.
	Map map[string]models.Operation
	// Targets are checked against the measurements. Nil means DefaultTargets; an empty
	// slice means no targets.
	Targets []Target
	// MaxBytes is the size above which a document is rejected unread; 0 means MaxImportBytes.
	MaxBytes int
}

// MaxImportBytes is the default of ImportOptions.MaxBytes: 16 MiB. A receipt of ggen takes
// a few kilobytes.
const MaxImportBytes = 16 << 20

// ImportResult reports the import of one document.
type ImportResult struct {
	Receipt   *models.Receipt // as stored; with Metrics and Violations unless Unchanged
	Unchanged bool            // the same document was stored already; nothing was written
}

// ImportOutcome is the result of one document of a batch, or the error that rejected it.
type ImportOutcome struct {
	ImportResult
	Err error
}

// Import stores a receipt that ggen wrote, in either of its forms:
//
//	{"receipt": {"execution_id", "agent_id", "operation", "status", "timestamp", "hashes": {"manifest", "ontology"},
//	  "files_generated", "files_modified", "pipeline_stages": {stage: {"status", "duration_ms"}}, "total_duration_ms"}}
//	{"execution_id", "timestamp", "manifest_hash", "ontology": {"hash", "triples_count"}, "pipeline": {stage: ...},
//	  "files_generated": [...], "statistics": {"total_duration_ms", "memory_peak_mb"}}
//
// One transaction writes a receipt, whose ReceiptJSON is raw byte for byte, one metric per
// stage, and the violated targets. A stage passed if its status is completed, success or
// passed. A receipt without a status passed if all its stages passed. A receipt without an
// operation is a generation.
//
// Errors: models.ErrInvalid, with all faults, for a document that is not such a receipt,
// is larger than MaxBytes, is nested more than models.MaxJSONDepth deep, or repeats a key
// within an object; models.ErrDuplicate for a known execution_id with other content. After
// an error nothing is written.
func (r *Executions) Import(ctx context.Context, raw []byte, opts ImportOptions) (ImportResult, error) {
	if err := ctx.Err(); err != nil {
		return ImportResult{}, err
	}
	if err := opts.validate(); err != nil {
		return ImportResult{}, err
	}
	run, err := r.readReceipt(raw, opts)
	if err != nil {
		return ImportResult{}, err
	}
	return r.store(ctx, run, raw)
}

// ImportBatch imports documents in order, with one outcome per document. A document that
// is rejected does not stop the others. All share one transaction, which is several times
// faster; if the database rejects that one, each document gets its own.
//
// The error is set for faults that would stop every other document too: invalid options,
// models.ErrClosed, models.ErrReadOnly and the end of the context. Then the outcomes are
// those of the documents before it, which are stored. Later documents may be stored only
// if the error says that COMMIT was under way.
func (r *Executions) ImportBatch(ctx context.Context, docs [][]byte, opts ImportOptions) ([]ImportOutcome, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := opts.validate(); err != nil {
		return nil, err
	}
	runs, outcomes := make([]*run, len(docs)), make([]ImportOutcome, len(docs))
	for i, raw := range docs {
		runs[i], outcomes[i].Err = r.readReceipt(raw, opts)
	}
	if len(docs) > 1 && !r.h.inside() {
		if err := r.storeAll(ctx, runs, docs, outcomes); err == nil {
			return outcomes, nil
		} else if ctx.Err() != nil {
			return nil, contextError(ctx, err)
		}
	}
	for i, run := range runs {
		if run == nil {
			continue
		}
		result, err := r.store(ctx, run, docs[i])
		outcomes[i] = ImportOutcome{result, err}
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return outcomes[:i], contextError(ctx, err)
		case errors.Is(err, models.ErrClosed), errors.Is(err, models.ErrReadOnly):
			return outcomes[:i], err
		}
	}
	return outcomes, nil
}

// contextError returns err if it wraps the context's error, since err may add that COMMIT
// was under way. Otherwise it returns the context's error.
func contextError(ctx context.Context, err error) error {
	if errors.Is(err, ctx.Err()) {
		return err
	}
	return ctx.Err()
}

// readReceipt reads a receipt into a run that is ready to be written.
func (r *Executions) readReceipt(raw []byte, opts ImportOptions) (*run, error) {
	if len(raw) > opts.MaxBytes {
		return nil, tooLarge(opts.MaxBytes)
	}
	read, err := ggen.ReadReceipt(raw, opts.ggen())
	if err != nil {
		return nil, err
	}
	return r.prepared(read, opts.Targets)
}

// prepared returns a run that is ready to be written.
func (r *Executions) prepared(read *ggen.Run, targets []Target) (*run, error) {
	run := &run{receipt: read.Receipt, metrics: read.Metrics, targets: targets, measured: read.Measurements}
	if err := run.prepare(r.h.now()); err != nil {
		return nil, err
	}
	return run, nil
}

// store writes the run in a transaction of its own, unless it is stored already.
func (r *Executions) store(ctx context.Context, run *run, raw []byte) (result ImportResult, err error) {
	err = r.h.transaction(ctx, func(tx *gorm.DB) error {
		result, err = r.storeIn(tx, run, raw)
		return err
	})
	if err != nil {
		return ImportResult{}, err
	}
	return result, nil
}

// storeAll writes all runs in one transaction, or none. A failed attempt leaves no failed
// entries in the audit log. A receipt that is stored already with other content becomes an
// outcome, since nothing was written for it.
func (r *Executions) storeAll(ctx context.Context, runs []*run, docs [][]byte, outcomes []ImportOutcome) error {
	return scope.Attempts(ctx, func(ctx context.Context, again func()) error {
		err := r.h.write(ctx).Transaction(func(tx *gorm.DB) error {
			for i, run := range runs {
				if run == nil {
					continue
				}
				result, err := r.storeIn(tx, run, docs[i])
				outcomes[i] = ImportOutcome{result, err}
				if err != nil && (!errors.Is(err, models.ErrDuplicate) || errors.Is(err, models.ErrRetry)) {
					return err
				}
			}
			return nil
		})
		if err != nil {
			again()
		}
		return err
	})
}

// storeIn writes the run in the transaction tx, unless it is stored already.
func (r *Executions) storeIn(tx *gorm.DB, run *run, raw []byte) (ImportResult, error) {
	stored, err := storedReceipt(tx, run.receipt.ExecutionID)
	if err != nil {
		return ImportResult{}, err
	}
	if stored == nil {
		err := run.write(tx.Statement.Context, r.h.in(tx), r.h.now())
		if errors.Is(err, models.ErrDuplicate) { // the next attempt finds it and compares
			return ImportResult{}, &models.Error{
				Kind: models.ErrRetry, Err: err, Reason: "the same execution was stored meanwhile; run the whole transaction again",
			}
		}
		return ImportResult{Receipt: run.receipt}, err
	}
	if !bytes.Equal(bytes.TrimSpace(stored.ReceiptJSON), bytes.TrimSpace(raw)) {
		return ImportResult{}, duplicateExecution(stored.ExecutionID, "is stored already, with other content")
	}
	return ImportResult{Receipt: stored, Unchanged: true}, nil
}

func tooLarge(maxBytes int) error {
	return refuse.Invalid("", "", nil, fmt.Sprintf("is larger than %d bytes", maxBytes))
}

// ggen returns the part of the options that the readers need.
func (o *ImportOptions) ggen() ggen.Options {
	return ggen.Options{AgentID: o.AgentID, At: o.At, Operation: o.Operation, Map: o.Map}
}

// validate checks the options and sets their defaults.
func (o *ImportOptions) validate() error {
	if o.MaxBytes < 0 {
		return refuse.Invalid("import", "max_bytes", o.MaxBytes, "must not be negative")
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = MaxImportBytes
	}
	if y := o.At.UTC().Year(); !o.At.IsZero() && (y < 1 || y > 9999) {
		return refuse.Invalid("import", "at", o.At, "must lie in the years 1 to 9999")
	}
	if o.Targets == nil {
		o.Targets = DefaultTargets()
	}
	if o.Operation == "" {
		o.Operation = models.OperationGeneration
	}
	for _, from := range slices.Sorted(maps.Keys(o.Map)) {
		if to := o.Map[from]; !to.Valid() {
			return refuse.Unknown("receipts", "operation", to, models.Operations())
		}
	}
	if !o.Operation.Valid() {
		return refuse.Unknown("receipts", "operation", o.Operation, models.Operations())
	}
	return checkTargets(o.Targets)
}
