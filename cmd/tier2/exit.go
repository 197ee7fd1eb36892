package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// The exit codes, as --help documents them.
const (
	exitOK        = 0
	exitFound     = 1
	exitUsage     = 2
	exitFailure   = 3
	exitInterrupt = 130
)

// exitError is an error with an exit code of its own.
type exitError struct {
	code int
	error
}

// Unwrap returns the error without its exit code.
func (e exitError) Unwrap() error { return e.error }

// errPrinted replaces an error that has been printed.
var errPrinted = errors.New("printed already")

var (
	// errFound ends a verb that has printed its findings.
	errFound = exitError{exitFound, errPrinted}
	// errInterrupted ends a verb that runs until it is interrupted.
	errInterrupted = exitError{exitInterrupt, errPrinted}
)

// usagef returns the error of an invalid command line.
func usagef(format string, args ...any) error {
	return exitError{exitUsage, fmt.Errorf(format, args...)}
}

// exitCode returns the exit code of an error.
func exitCode(err error) int {
	var e exitError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &e):
		return e.code
	case errors.Is(err, context.Canceled):
		return exitInterrupt
	}
	return exitFailure
}

// kinds maps the kinds of errors that an operation may return to exit codes. Errors of all
// other kinds are failures, and so are all errors of opening a database.
type kinds struct{ usage, found []error }

var (
	// Verbs that only read store no row, so an invalid value is one of their arguments.
	readKinds   = kinds{usage: []error{models.ErrInvalid}, found: []error{models.ErrNotFound}}
	reportKinds = kinds{usage: []error{models.ErrInvalid}, found: []error{models.ErrConflict}}
	fileKinds   = kinds{usage: []error{models.ErrInvalid}, found: []error{models.ErrConflict, models.ErrCorrupt}} // backup, export

	sealKinds   = kinds{found: []error{models.ErrConflict}}
	proveKinds  = kinds{found: []error{models.ErrNotFound, models.ErrConflict, models.ErrCorrupt}}
	checkKinds  = kinds{found: []error{models.ErrInvalid, models.ErrConflict}} // prove --check
	copyKinds   = kinds{found: []error{models.ErrConflict, models.ErrInvalid, models.ErrCorrupt}}
	importKinds = kinds{found: append([]error{models.ErrForeignKey, models.ErrDuplicate}, copyKinds.found...)}
	moveKinds   = kinds{found: append([]error{models.ErrNotFound}, copyKinds.found...)} // archive, restore
)

// exit gives err the exit code of its kind, unless it has an exit code already.
func (k kinds) exit(err error) error {
	var e exitError
	is := func(kind error) bool { return errors.Is(err, kind) }
	switch {
	case errors.As(err, &e): // keeps its code
	case slices.ContainsFunc(k.usage, is):
		return exitError{exitUsage, err}
	case slices.ContainsFunc(k.found, is):
		return exitError{exitFound, err}
	}
	return err
}

// moveExit gives an error of archive or restore its exit code. Errors without a table are
// about the command line or about opening the archive, not about a row.
func moveExit(err error) error {
	var e *models.Error
	if errors.As(err, &e) && e.Table == "" {
		switch {
		case errors.Is(e.Kind, models.ErrInvalid):
			return exitError{exitUsage, err}
		case errors.Is(e.Kind, models.ErrNotFound):
			return err
		}
	}
	return moveKinds.exit(err)
}
