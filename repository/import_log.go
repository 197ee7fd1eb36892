package repository

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/seanchatmangpt/ggen/tier2/internal/ggen"
	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

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
//	Timestamp       ts_ns; opts.At if ts_ns is 0, which is what ggen writes
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
// import and keep what was stored: models.ErrInvalid at a line that breaks the chain, has
// no hashes or is larger than opts.MaxBytes, and at a record without a time if opts.At is
// zero; errors of the reader, the context and the database. Every error names its line.
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
