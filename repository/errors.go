package repository

import (
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// invalid is the refusal of a value.
func invalid(table, column string, value any, reason string) *models.Error {
	return &models.Error{Table: table, Column: column, Value: value, Reason: reason, Kind: models.ErrInvalid}
}

// required refuses a key that no row can have.
func required(table, column, value string) error {
	if strings.TrimSpace(value) == "" {
		return invalid(table, column, value, "must not be blank")
	}
	return text(table, column, value)
}

// text refuses what no row holds, and PostgreSQL would not even compare.
func text(table, column, value string) error {
	if !utf8.ValidString(value) || strings.IndexByte(value, 0) >= 0 {
		return invalid(table, column, value, "must be valid UTF-8 without NUL")
	}
	return nil
}

// known refuses an enum value that is neither empty (all) nor allowed.
func known[T ~string](table, column string, v T, allowed []T) error {
	if v == "" || slices.Contains(allowed, v) {
		return nil
	}
	err := invalid(table, column, string(v), "is not an allowed value")
	for _, a := range allowed {
		err.Allowed = append(err.Allowed, string(a))
	}
	return err
}

// found says which key GORM did not find; other errors stay as they are.
func found(err error, table, column string, value any) error {
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return &models.Error{Table: table, Column: column, Value: value, Kind: models.ErrNotFound, Err: gorm.ErrRecordNotFound}
	}
	return err
}

// notFound is what a write returns that matched no row.
func notFound(table, column string, value any) error {
	return found(gorm.ErrRecordNotFound, table, column, value)
}

// blame completes an error of the given kind with what the database did not tell.
func blame(err, kind error, table, column string, value any, reason string) error {
	var e *models.Error
	if !errors.Is(err, kind) || !errors.As(err, &e) {
		return err
	}
	if e.Table == "" {
		e.Table = table
	}
	if e.Column == "" {
		e.Column = column
	}
	if e.Value == nil && e.Column == column {
		e.Value = value
	}
	if e.Reason == "" || reason != "" {
		e.Reason = reason
	}
	return err
}
