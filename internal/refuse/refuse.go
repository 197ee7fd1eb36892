// Package refuse builds the *models.Error values that several packages return, and holds
// the rule for text that every engine can store.
package refuse

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Invalid returns a models.ErrInvalid for a value. Table, column and value may be empty.
func Invalid(table, column string, value any, reason string) *models.Error {
	return &models.Error{Table: table, Column: column, Value: value, Reason: reason, Kind: models.ErrInvalid}
}

// Value returns an error of one of the kinds of package models about a value, such as a path.
func Value(kind error, value any, reason string) *models.Error {
	return &models.Error{Kind: kind, Value: value, Reason: reason}
}

// Because returns an error of one of the kinds of package models, with a formatted reason.
func Because(kind error, format string, args ...any) *models.Error {
	return &models.Error{Kind: kind, Reason: fmt.Sprintf(format, args...)}
}

// NotFound returns the models.ErrNotFound for a key that no row has. It also wraps
// gorm.ErrRecordNotFound.
func NotFound(table, column string, value any) *models.Error {
	return &models.Error{Table: table, Column: column, Value: value, Kind: models.ErrNotFound, Err: gorm.ErrRecordNotFound}
}

// Blank returns models.ErrInvalid for a key that is blank or that no engine can store.
func Blank(table, column, value string) error {
	if strings.TrimSpace(value) == "" {
		return Invalid(table, column, value, "must not be blank")
	}
	return Unstorable(table, column, value)
}

// Unstorable returns models.ErrInvalid for text that is not Storable. No row can hold such text,
// and PostgreSQL does not even compare it.
func Unstorable(table, column, value string) error {
	if !Storable(value) {
		return Invalid(table, column, value, "must be valid UTF-8 without NUL")
	}
	return nil
}

// Unknown returns models.ErrInvalid, with the allowed values, for a value that is not one
// of them.
func Unknown[T ~string](table, column string, value T, allowed []T) error {
	if slices.Contains(allowed, value) {
		return nil
	}
	err := Invalid(table, column, string(value), "is not an allowed value")
	err.Allowed = Strings(allowed)
	return err
}

// Strings returns enum values as strings.
func Strings[T ~string](values []T) []string {
	list := make([]string, len(values))
	for i, v := range values {
		list[i] = string(v)
	}
	return list
}

// Storable reports whether every engine can store a text: it is UTF-8 without NUL.
func Storable(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

// Clean returns the text with U+FFFD in the place of bytes that make it not Storable.
func Clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// CleanKey returns the text as Clean does, cut to models.MaxKeyBytes.
func CleanKey(s string) string {
	if s = Clean(s); len(s) > models.MaxKeyBytes {
		s = strings.ToValidUTF8(s[:models.MaxKeyBytes], "")
	}
	return s
}
