package repository

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"strings"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// genesis is the prev_chain_hash_hex of the first record of a log.
var genesis = strings.Repeat("0", 64)

// LogRecord says what became of a line of ggen's log.
type LogRecord struct {
	Line int64 // from 1; 0 if the error is about the log or the options
	ImportResult
}

// ImportLog stores ggen's chained log (.ggen-v2/receipt-log.jsonl), a record a line, each
// in one transaction, oldest first. It yields a LogRecord for each, or the error that
// refuses it; blank lines count, but yield nothing. Nothing is read before it is ranged
// over, and it can be ranged over once. Memory is that of one line.
//
// A record, of schema ggen-receipt/v1 or v2, becomes a receipt without stages:
//
//	ExecutionID     chain_hash_hex
//	AgentID         opts.AgentID, since the log names none
//	Operation       opts.Operation for the activity ggen.sync or none; else as opts.Map has it
//	Status          of andon: Green passed, Yellow or Overridden partial, Red or Halted failed
//	Timestamp       ts_ns; opts.At if that is 0, which is what ggen writes
//	FilesGenerated  decisions that say written; FilesModified, injected; skipped ones are neither
//	OntologyHash    graph_hash, if it has 64 hex digits (BLAKE3)
//	ManifestHash    SHA-256 of the closure, all inputs but the graph (jq -cjS .payload.closure)
//	ReceiptJSON     the line; Reports.Drift reads its outputs
//	ErrorMessage    unless it passed, the first item that v2.admission refused or quarantined
//
// A record that is stored already is Unchanged, so importing a log again adds what is new.
//
// Every prev_chain_hash_hex must be the chain_hash_hex of the record before; that of the
// first, 64 zeros or the chain hash of a record that is stored, such as the last of a log
// that was rotated away. Two logs that part after a common beginning are both stored.
// The hashes themselves, and signatures, are ggen's to check ("ggen receipt verify").
//
// A record that cannot be stored is refused with models.ErrInvalid, or models.ErrDuplicate if its
// chain hash is stored with other content, and the chain goes on behind it. The import
// ends, with models.ErrInvalid and what was stored by then kept, at a line that breaks the
// chain, tells no hashes or is larger than opts.MaxBytes, and at a record without a time
// if opts.At is not set; it ends as well with the error of the reader, of the context
// and of a database that did not do its work. Every error names its line.
func (r *Executions) ImportLog(ctx context.Context, log io.Reader, opts ImportOptions) iter.Seq2[LogRecord, error] {
	return func(yield func(LogRecord, error) bool) {
		err := opts.validate()
		if err == nil {
			err = required("import", "agent", opts.AgentID) // the log names none
		}
		if err != nil {
			yield(LogRecord{}, err)
			return
		}
		lines := logLines(log, opts.MaxBytes)
		at, n := chain{executions: r}, int64(1)
		for ; lines.Scan(); n++ {
			raw := bytes.TrimSpace(lines.Bytes())
			if len(raw) == 0 {
				continue
			}
			result, follows, err := at.importRecord(ctx, n, raw, opts)
			if err != nil {
				result, err = ImportResult{}, fmt.Errorf("line %d: %w", n, err)
			}
			if err != nil && !follows {
				err = fmt.Errorf("%w; nothing from here on was imported", err)
			}
			if !yield(LogRecord{n, result}, err) || !follows {
				return
			}
		}
		switch err := lines.Err(); {
		case errors.Is(err, bufio.ErrTooLong):
			yield(LogRecord{Line: n}, fmt.Errorf("line %d: %w; nothing from here on was imported", n, tooLarge(opts.MaxBytes)))
		case err != nil:
			yield(LogRecord{Line: n}, fmt.Errorf("line %d: %w", n, err))
		case at.line == 0:
			yield(LogRecord{}, invalid("", "", nil, "the log holds no record"))
		}
	}
}

// logLines are the lines of a log, of at most as many bytes without their end. What a
// reader gave of a line before it broke is none, even if it looks whole.
func logLines(log io.Reader, largest int) *bufio.Scanner {
	lines := bufio.NewScanner(log)
	lines.Buffer(nil, min(largest, math.MaxInt-len("\r\n"))+len("\r\n"))
	lines.Split(func(data []byte, atEOF bool) (int, []byte, error) {
		if atEOF && lines.Err() != nil && bytes.IndexByte(data, '\n') < 0 {
			return len(data), nil, nil
		}
		return bufio.ScanLines(data, atEOF)
	})
	return lines
}

func tooLarge(largest int) error {
	return invalid("", "", nil, fmt.Sprintf("is larger than %d bytes", largest))
}

// chain follows a log from one record to the next.
type chain struct {
	executions *Executions
	line       int64  // of the last record; 0 before the first
	hash       string // its chain_hash_hex
}

// importRecord stores one. follows tells whether another can follow, even if this one
// was refused.
func (c *chain) importRecord(ctx context.Context, line int64, raw []byte, opts ImportOptions) (result ImportResult, follows bool, err error) {
	if err := ctx.Err(); err != nil {
		return result, false, err
	}
	if len(raw) > opts.MaxBytes {
		return result, false, tooLarge(opts.MaxBytes)
	}
	record, err := readRecord(raw)
	if err == nil {
		err = c.follow(ctx, record.prev)
	}
	if err == nil && record.timeless() && opts.At.IsZero() {
		err = invalid("", "record.ts_ns", "0", "ggen wrote no time: give one (--at)")
	}
	if err != nil {
		return result, false, err
	}
	c.line, c.hash = line, record.hash
	run, err := record.run(opts)
	if err == nil {
		err = run.prepare(c.executions.h.now())
	}
	if err == nil {
		result, err = c.executions.store(ctx, run, raw)
	}
	return result, err == nil || errors.Is(err, models.ErrInvalid) || errors.Is(err, models.ErrDuplicate), err
}

// follow refuses a record that does not follow the last one.
func (c *chain) follow(ctx context.Context, prev string) error {
	broken := func(reason string) error {
		return invalid("", "record.prev_chain_hash_hex", prev, "the chain is broken: "+reason)
	}
	switch {
	case prev == c.hash:
		return nil
	case c.line > 0:
		return broken(fmt.Sprintf("the chain_hash_hex of the record before, in line %d, is %q", c.line, c.hash))
	case prev == genesis:
		return nil
	}
	stored, err := storedReceipt(c.executions.h.read(ctx), prev)
	if err == nil && stored == nil {
		err = broken("this is the first record of the log, but that is neither 64 zeros nor the chain_hash_hex of a record that is stored")
	}
	return err
}
