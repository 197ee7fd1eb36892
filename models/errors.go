package models

import (
	"errors"
	"fmt"
	"strings"
)

// The kinds of errors, for errors.Is. Where GORM has a sentinel of the same meaning, such
// as gorm.ErrDuplicatedKey or gorm.ErrRecordNotFound, errors.Is finds that too.
var (
	// ErrInvalid: a value breaks a rule of its column (Validate, CHECK, NOT NULL).
	ErrInvalid = errors.New("invalid value")
	// ErrNotFound: no row has that key.
	ErrNotFound = errors.New("not found")
	// ErrDuplicate: a row with that unique key exists.
	ErrDuplicate = errors.New("already exists")
	// ErrForeignKey: the row refers to a parent that does not exist, or is a parent that
	// still has children.
	ErrForeignKey = errors.New("foreign key violated")
	// ErrConflict: the row was changed since the caller read it (ETag).
	ErrConflict = errors.New("changed by someone else")
	// ErrNotRunning: the session or execution has ended already.
	ErrNotRunning = errors.New("not running")
	// ErrAppendOnly: entries of audit_log cannot be changed, and only retention deletes
	// them, once they are sealed.
	ErrAppendOnly = errors.New("append-only")
	// ErrCorrupt: a stored value breaks a rule of the schema.
	ErrCorrupt = errors.New("corrupt document")
	// ErrBusy: another program locked the database for longer than the busy timeout.
	ErrBusy = errors.New("database is busy")
	// ErrClosed: the store was closed.
	ErrClosed = errors.New("store is closed")
	// ErrReadOnly: the database cannot be written, or its file was moved, removed or
	// replaced after it was opened.
	ErrReadOnly = errors.New("database is read-only")
	// ErrFull: the disk is full, or a quota is used up. The call stored nothing. The store
	// can be used again as soon as there is space.
	ErrFull = errors.New("no space left")
	// ErrIO: the file system could not read or write. If it failed during COMMIT, the
	// transaction may have been committed.
	ErrIO = errors.New("input or output failed")
	// ErrUnavailable: the database server cannot be reached, accepts no more connections,
	// or ended the connection. The transaction is rolled back. If the connection ended
	// during COMMIT, the message says that the transaction may have been committed.
	ErrUnavailable = errors.New("server is unavailable")
	// ErrRetry: the transaction conflicts with another one (SQLSTATE 40001, 40P01) and must
	// be repeated from its beginning. Repositories repeat their own transactions, but not
	// those of a caller.
	ErrRetry = errors.New("transaction must be retried")
)

// Error describes a failed call. Callers get it with errors.As.
type Error struct {
	Table      string   // the table, or "" if unknown
	Column     string   // the column, or several joined by ", "; "" if unknown
	Constraint string   // the constraint, if the database rejected the row; SQLite does not name the child that keeps a parent
	Value      any      // the offending value; nil if unknown
	Allowed    []string // the allowed values of an enum
	Reason     string   // the fault, as the end of a sentence
	Kind       error    // one of the sentinels
	Err        error    // the cause, such as the driver's error or GORM's sentinel; may be nil
}

// Error returns the error as one sentence.
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

// Unwrap returns the kind and the cause.
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

// quoteValue quotes a value on one line, cut at 80 bytes.
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
