package repository

import (
	"bufio"
	"io"
	"iter"
	"strings"

	"bytes"
	"cmp"
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

// ImportOptions supply the values that a document leaves out. The zero value supplies none.
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
		err := run.write(tx.Statement.Context, r.h.in(tx))
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
	o.MaxBytes, o.Operation = cmp.Or(o.MaxBytes, MaxImportBytes), cmp.Or(o.Operation, models.OperationGeneration)
	if y := o.At.UTC().Year(); !o.At.IsZero() && (y < 1 || y > 9999) {
		return refuse.Invalid("import", "at", o.At, "must lie in the years 1 to 9999")
	}
	if o.Targets == nil {
		o.Targets = DefaultTargets()
	}
	for _, from := range slices.Sorted(maps.Keys(o.Map)) {
		if to := o.Map[from]; !to.Valid() {
			return refuse.Unknown(receiptsTable, "operation", to, models.Operations())
		}
	}
	if !o.Operation.Valid() {
		return refuse.Unknown(receiptsTable, "operation", o.Operation, models.Operations())
	}
	return checkTargets(o.Targets)
}

// genesis is the prev_chain_hash_hex of the first record of a log.
var genesis = strings.Repeat("0", 64)

// LogRecord reports the import of one line of ggen's log.
type LogRecord struct {
	Line int64 // from 1; 0 if the error is about the log or the options
	ImportResult
}

// ImportLog stores ggen's chained log (.ggen-v2/receipt-log.jsonl), one record per line,
// each in its own transaction, oldest first. It yields one LogRecord per record, or the
// error that rejects it. Blank lines count as lines but yield nothing. The log is read
// while the sequence is ranged over, which is possible once. Memory is that of one line.
//
// A record, of schema ggen-receipt/v1 or v2, becomes a receipt without stages:
//
//	ExecutionID     chain_hash_hex
//	AgentID         opts.AgentID, since the log has no agent
//	Operation       opts.Operation for the activity ggen.sync or none; otherwise by opts.Map
//	Status          from andon: Green passed, Yellow or Overridden partial, Red or Halted failed
//	Timestamp       ts_ns; opts.At if ts_ns is 0, as ggen writes it
//	FilesGenerated  number of decisions "written"; FilesModified, "injected"; "skipped" is not counted
//	OntologyHash    graph_hash, if it has 64 hex digits (BLAKE3)
//	ManifestHash    SHA-256 of the closure, all inputs but the graph (jq -cjS .payload.closure)
//	ReceiptJSON     the line; Reports.Drift reads its outputs
//	ErrorMessage    unless it passed, the first item that v2.admission refused or quarantined
//
// A record that is stored already is Unchanged, so importing a log again adds the new
// records.
//
// Every prev_chain_hash_hex must be the chain_hash_hex of the record before. The first
// record must have 64 zeros or the chain hash of a stored record, such as the last record
// of a rotated log. Two logs with a common beginning are both stored. ImportLog does not
// check the hashes and signatures themselves; use "ggen receipt verify".
//
// Errors that reject one record, after which the import goes on: models.ErrInvalid, and
// models.ErrDuplicate if its chain hash is stored with other content. Errors that end the
// import, without undoing the records before it: models.ErrInvalid at a line that breaks
// the chain, has no hashes or is larger than opts.MaxBytes, and at a record without a time
// if opts.At is zero; errors of the reader, the context and the database. Every error names its line.
func (r *Executions) ImportLog(ctx context.Context, log io.Reader, opts ImportOptions) iter.Seq2[LogRecord, error] {
	return func(yield func(LogRecord, error) bool) {
		err := opts.validate()
		if err == nil {
			err = refuse.Blank("import", "agent", opts.AgentID)
		}
		if err != nil {
			yield(LogRecord{}, err)
			return
		}
		lines := ggen.Lines(log, opts.MaxBytes)
		at, n := chain{executions: r}, int64(1)
		for ; lines.Scan(); n++ {
			raw := bytes.TrimSpace(lines.Bytes())
			if len(raw) == 0 {
				continue
			}
			result, more, err := at.importRecord(ctx, n, raw, opts)
			if err != nil {
				result, err = ImportResult{}, fmt.Errorf("line %d: %w", n, err)
			}
			if err != nil && !more {
				err = fmt.Errorf("%w; nothing from here on was imported", err)
			}
			if !yield(LogRecord{n, result}, err) || !more {
				return
			}
		}
		switch err := lines.Err(); {
		case errors.Is(err, bufio.ErrTooLong):
			yield(LogRecord{Line: n}, fmt.Errorf("line %d: %w; nothing from here on was imported", n, tooLarge(opts.MaxBytes)))
		case err != nil:
			yield(LogRecord{Line: n}, fmt.Errorf("line %d: %w", n, err))
		case at.line == 0:
			yield(LogRecord{}, refuse.Invalid("", "", nil, "the log holds no record"))
		}
	}
}

// chain is the position in a log: the last record that was linked to its predecessor.
type chain struct {
	executions *Executions
	line       int64  // of the last record; 0 before the first
	hash       string // its chain_hash_hex
}

// importRecord stores one record. more reports whether the import goes on after it, which
// it does after some errors.
func (c *chain) importRecord(ctx context.Context, line int64, raw []byte, opts ImportOptions) (result ImportResult, more bool, err error) {
	if err := ctx.Err(); err != nil {
		return result, false, err
	}
	if len(raw) > opts.MaxBytes {
		return result, false, tooLarge(opts.MaxBytes)
	}
	record, err := ggen.ReadRecord(raw)
	if err == nil {
		err = c.link(ctx, record.Previous)
	}
	if err == nil && record.Untimed() && opts.At.IsZero() {
		err = refuse.Invalid("", "record.ts_ns", "0", "ggen wrote no time: give one (--at)")
	}
	if err != nil {
		return result, false, err
	}
	c.line, c.hash = line, record.Hash
	read, err := record.Run(opts.ggen())
	var run *run
	if err == nil {
		run, err = c.executions.prepared(read, opts.Targets)
	}
	if err == nil {
		result, err = c.executions.store(ctx, run, raw)
	}
	return result, err == nil || errors.Is(err, models.ErrInvalid) || errors.Is(err, models.ErrDuplicate), err
}

// link rejects a record whose predecessor is not the last record of the chain.
func (c *chain) link(ctx context.Context, previous string) error {
	broken := func(reason string) error {
		return refuse.Invalid("", "record.prev_chain_hash_hex", previous, "the chain is broken: "+reason)
	}
	switch {
	case previous == c.hash:
		return nil
	case c.line > 0:
		return broken(fmt.Sprintf("the chain_hash_hex of the record before, in line %d, is %q", c.line, c.hash))
	case previous == genesis:
		return nil
	}
	stored, err := storedReceipt(c.executions.h.read(ctx), previous)
	if err == nil && stored == nil {
		err = broken("this is the first record of the log, but that is neither 64 zeros nor the chain_hash_hex of a record that is stored")
	}
	return err
}
