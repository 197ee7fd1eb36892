package repository

import (
	"errors"

	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// failure returns an error of the given kind about one column.
func failure(kind error, table, column string, value any, reason string) *models.Error {
	return &models.Error{Table: table, Column: column, Value: value, Reason: reason, Kind: kind}
}

// found replaces gorm.ErrRecordNotFound by an error that names the key. It returns other
// errors unchanged.
func found(err error, table, column string, value any) error {
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return refuse.NotFound(table, column, value)
	}
	return err
}

// blame adds to an error of the given kind the column, value and reason that the database
// did not report.
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
