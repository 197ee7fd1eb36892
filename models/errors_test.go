package models_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

func TestErrorText(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		err  models.Error
		want string
	}{
		{"Enum", models.Error{Table: "receipts", Column: "status", Value: "done", Reason: "is not an allowed value", Allowed: []string{"passed", "failed"}, Kind: models.ErrInvalid},
			`receipts.status "done": is not an allowed value (allowed: passed, failed)`},
		{"KindOnly", models.Error{Table: "receipts", Column: "execution_id", Value: "e-1", Kind: models.ErrNotFound}, `receipts.execution_id "e-1": not found`},
		{"TableOnly", models.Error{Table: "audit_log", Kind: models.ErrAppendOnly}, "audit_log: append-only"},
		{"ColumnOnly", models.Error{Column: "limit", Value: -1, Reason: "must not be negative"}, `limit "-1": must not be negative`},
		{"ValueOnly", models.Error{Value: "bar", Reason: "is wrong"}, `"bar": is wrong`},
		{"Constraint", models.Error{Table: "receipts", Constraint: "chk_receipts_status", Kind: models.ErrInvalid}, "receipts: invalid value [chk_receipts_status]"},
		{"NothingKnown", models.Error{Kind: models.ErrBusy}, "database is busy"},
		{"Bytes", models.Error{Table: "t", Column: "c", Value: []byte("ab"), Reason: "is wrong"}, `t.c "ab": is wrong`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, tt.want, tt.err.Error())
		})
	}
}

// TestErrorStaysReadable: a long or binary value never makes the text long,
// multi-line or invalid UTF-8.
func TestErrorStaysReadable(t *testing.T) {
	t.Parallel()
	for _, value := range []string{strings.Repeat("μ", 10_000), strings.Repeat("x", 1<<20), "line\nline\x00\x1b[31m", "\xff\xfe"} {
		text := (&models.Error{Table: "receipts", Column: "agent_id", Value: value, Reason: "is wrong"}).Error()
		assert.Less(t, len(text), 400)
		assert.NotContains(t, text, "\n")
		assert.NotContains(t, text, "\x1b")
		assert.Equal(t, text, strings.ToValidUTF8(text, "?"))
	}
}

func TestErrorUnwraps(t *testing.T) {
	t.Parallel()
	driver := errors.New("driver says no")
	err := fmt.Errorf("save: %w", &models.Error{Table: "receipts", Kind: models.ErrDuplicate, Err: errors.Join(gorm.ErrDuplicatedKey, driver)})
	assert.ErrorIs(t, err, models.ErrDuplicate)
	assert.ErrorIs(t, err, gorm.ErrDuplicatedKey)
	assert.ErrorIs(t, err, driver)
	assert.NotErrorIs(t, err, models.ErrInvalid)
	var got *models.Error
	assert.ErrorAs(t, err, &got)
	assert.Equal(t, "receipts", got.Table)
	assert.Empty(t, (&models.Error{}).Unwrap())
}
