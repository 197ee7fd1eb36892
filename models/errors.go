package models

import (
	"errors"
	"fmt"
	"strings"
)

// The sentinels that errors.Is finds. GORM's own (gorm.ErrDuplicatedKey,
// gorm.ErrForeignKeyViolated, gorm.ErrCheckConstraintViolated,
// gorm.ErrRecordNotFound) are found as well where one exists.
var (
	// ErrInvalid: a value breaks a rule of its column (Validate, CHECK, NOT NULL).
	ErrInvalid = errors.New("invalid value")
	// ErrNotFound: no row has that key.
	ErrNotFound = errors.New("not found")
	// ErrDuplicate: a row with that unique key exists.
	ErrDuplicate = errors.New("already exists")
	// ErrForeignKey: the row names a parent that does not exist, or is a parent
	// that still has children.
	ErrForeignKey = errors.New("foreign key violated")
	// ErrConflict: the row is no longer as the caller last read it (ETag).
	ErrConflict = errors.New("changed by someone else")
	// ErrNotRunning: the session or execution has ended already.
	ErrNotRunning = errors.New("not running")
	// ErrAppendOnly: audit_log entries are never changed or deleted.
	ErrAppendOnly = errors.New("append-only")
	// ErrCorrupt: a stored document is not what the schema promises.
	ErrCorrupt = errors.New("corrupt document")
	// ErrBusy: another program held the database for longer than the busy timeout.
	ErrBusy = errors.New("database is busy")
	// ErrClosed: the store was closed.
	ErrClosed = errors.New("store is closed")
	// ErrReadOnly: the database cannot be written, or its file was moved, removed or
	// replaced since it was opened.
	ErrReadOnly = errors.New("database is read-only")
	// ErrFull: the disk is full, or a quota is used up. Nothing of the call is kept; the
	// store goes on when there is space again.
	ErrFull = errors.New("no space left")
	// ErrIO: the file system could not read or write. If COMMIT was under way the
	// transaction may have been done.
	ErrIO = errors.New("input or output failed")
	// ErrUnavailable: the database server cannot be reached, takes no more connections,
	// or ended the connection. What was not committed is not kept; if COMMIT was under
	// way the message says that it may have been done.
	ErrUnavailable = errors.New("server is unavailable")
	// ErrRetry: the transaction lost against another one (SQLSTATE 40001, 40P01) and
	// must be run again whole. Repositories do so themselves, unless a caller's own
	// transaction is around them.
	ErrRetry = errors.New("transaction must be retried")
)

// Error says what was refused and where. Get it with errors.As.
type Error struct {
	Table      string   // the table, or "" if unknown
	Column     string   // the column, or several joined by ", "; "" if unknown
	Constraint string   // the database's constraint, if it was the one to refuse; SQLite does not say which child keeps a parent
	Value      any      // the offending value; nil if unknown
	Allowed    []string // the values that are allowed, for an enum
	Reason     string   // what is wrong, as the end of a sentence
	Kind       error    // one of the sentinels
	Err        error    // the cause: the driver's error, GORM's sentinel; may be nil
}

// Error reads as a sentence to the person who must fix it.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Table)
	if e.Column != "" {
		if e.Table != "" {
			b.WriteByte('.')
		}
		b.WriteString(e.Column)
	}
	if e.Value != nil {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(quoteValue(e.Value))
	}
	if b.Len() > 0 {
		b.WriteString(": ")
	}
	switch {
	case e.Reason != "":
		b.WriteString(e.Reason)
	case e.Kind != nil:
		b.WriteString(e.Kind.Error())
	}
	if len(e.Allowed) > 0 {
		fmt.Fprintf(&b, " (allowed: %s)", strings.Join(e.Allowed, ", "))
	}
	if e.Constraint != "" {
		fmt.Fprintf(&b, " [%s]", e.Constraint)
	}
	return b.String()
}

// Unwrap makes errors.Is find the sentinel and the cause.
func (e *Error) Unwrap() []error {
	var errs []error
	if e.Kind != nil {
		errs = append(errs, e.Kind)
	}
	if e.Err != nil {
		errs = append(errs, e.Err)
	}
	return errs
}

// quoteValue shows a value on one line, cut at 80 bytes.
func quoteValue(v any) string {
	s := fmt.Sprintf("%v", v)
	if t, ok := v.([]byte); ok {
		s = string(t)
	}
	if len(s) > 80 {
		s = strings.ToValidUTF8(s[:80], "") + "..."
	}
	return fmt.Sprintf("%q", s)
}
