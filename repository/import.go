package repository

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// ImportOptions supply what a receipt does not say. The zero value supplies nothing.
type ImportOptions struct {
	AgentID   string           // the agent of a receipt that names none
	At        time.Time        // the time of a receipt that tells none
	Operation models.Operation // that of a receipt without one; generation if empty
	// Map translates operations that are none of the nine, such as
	// "error-recovery" to validation.
	Map map[string]models.Operation
	// Targets are what is checked; nil means DefaultTargets, an empty slice none.
	Targets []Target
	// MaxBytes is the size above which a document is refused unread; MaxImportBytes if 0.
	MaxBytes int
}

// MaxImportBytes is how large a document may be unless ImportOptions say otherwise: 16
// MiB. A receipt of ggen has some kilobytes.
const MaxImportBytes = 16 << 20

// ImportResult says what became of a document.
type ImportResult struct {
	Receipt   *models.Receipt // as stored; with Metrics and Violations unless Unchanged
	Unchanged bool            // the same document was there already; nothing was written
}

// Import stores a receipt that ggen wrote, in either of its shapes:
//
//	{"receipt": {"execution_id", "agent_id", "operation", "status", "timestamp", "hashes": {"manifest", "ontology"},
//	  "files_generated", "files_modified", "pipeline_stages": {stage: {"status", "duration_ms"}}, "total_duration_ms"}}
//	{"execution_id", "timestamp", "manifest_hash", "ontology": {"hash", "triples_count"}, "pipeline": {stage: ...},
//	  "files_generated": [...], "statistics": {"total_duration_ms", "memory_peak_mb"}}
//
// It becomes a receipt, whose ReceiptJSON is raw byte for byte, a metric for each
// stage and the violated targets, in one transaction. A stage that says completed,
// success or passed has passed; a receipt without a status passed if all its stages
// did, one without an operation is a generation.
//
// What is no such receipt is refused with models.ErrInvalid and everything that is wrong
// with it; so is one that is larger than MaxBytes, nested more than models.MaxJSONDepth
// deep, or holds a key twice in one object, anywhere in it. A receipt with the same
// execution_id and other content is refused with models.ErrDuplicate. A refusal writes nothing.
func (r *Executions) Import(ctx context.Context, raw []byte, opts ImportOptions) (ImportResult, error) {
	if err := ctx.Err(); err != nil {
		return ImportResult{}, err
	}
	if err := opts.validate(); err != nil {
		return ImportResult{}, err
	}
	run, err := r.readRun(raw, opts)
	if err != nil {
		return ImportResult{}, err
	}
	return r.store(ctx, run, raw)
}

// readRun makes a run of a document, ready to be written, or refuses it.
func (r *Executions) readRun(raw []byte, opts ImportOptions) (*run, error) {
	if len(raw) > opts.MaxBytes {
		return nil, tooLarge(opts.MaxBytes)
	}
	run, err := readReceipt(raw, opts)
	if err == nil {
		err = run.prepare(r.h.now())
	}
	if err != nil {
		return nil, err
	}
	return run, nil
}

// store writes the run, or finds it stored already, in one transaction.
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

// storeIn is store in a transaction. The result's Receipt is what is stored now.
func (r *Executions) storeIn(tx *gorm.DB, run *run, raw []byte) (ImportResult, error) {
	stored, err := storedReceipt(tx, run.receipt.ExecutionID)
	if err != nil {
		return ImportResult{}, err
	}
	if stored == nil {
		err := run.write(tx.Statement.Context, r.h.in(tx), r.h.now())
		if errors.Is(err, models.ErrDuplicate) { // by the next attempt it is there to compare
			return ImportResult{}, &models.Error{Kind: models.ErrRetry, Err: err, Reason: "the same execution was stored meanwhile; run the whole transaction again"}
		}
		return ImportResult{Receipt: run.receipt}, err
	}
	if !bytes.Equal(bytes.TrimSpace(stored.ReceiptJSON), bytes.TrimSpace(raw)) {
		return ImportResult{}, duplicateExecution(stored.ExecutionID, "is stored already, with other content")
	}
	return ImportResult{Receipt: stored, Unchanged: true}, nil
}

func (o *ImportOptions) validate() error {
	if o.MaxBytes < 0 {
		return invalid("import", "max_bytes", o.MaxBytes, "must not be negative")
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = MaxImportBytes
	}
	if y := o.At.UTC().Year(); !o.At.IsZero() && (y < 1 || y > 9999) {
		return invalid("import", "at", o.At, "must lie in the years 1 to 9999")
	}
	if o.Targets == nil {
		o.Targets = DefaultTargets()
	}
	if o.Operation == "" {
		o.Operation = models.OperationGeneration
	}
	for _, from := range slices.Sorted(maps.Keys(o.Map)) {
		if to := o.Map[from]; !to.Valid() {
			return notAllowed("receipts", "operation", to, models.Operations())
		}
	}
	if !o.Operation.Valid() {
		return notAllowed("receipts", "operation", o.Operation, models.Operations())
	}
	return checkTargets(o.Targets)
}
