package refuse_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

func TestErrors(t *testing.T) {
	t.Parallel()
	assert.EqualError(t, refuse.Invalid("receipts", "duration_ms", -1, "must not be negative"), `receipts.duration_ms "-1": must not be negative`)
	assert.ErrorIs(t, refuse.Because(models.ErrConflict, "%d entries", 2), models.ErrConflict)
	assert.EqualError(t, refuse.Because(models.ErrConflict, "%d entries", 2), "2 entries")
	missing := refuse.NotFound("receipts", "execution_id", "e")
	assert.ErrorIs(t, missing, models.ErrNotFound)
	assert.ErrorIs(t, missing, gorm.ErrRecordNotFound)

	for value, reason := range map[string]string{" \t": "must not be blank", "a\x00": "UTF-8 without NUL", "\xff": "UTF-8 without NUL"} {
		err := refuse.Blank("receipts", "agent_id", value)
		require.ErrorIs(t, err, models.ErrInvalid)
		assert.ErrorContains(t, err, reason)
	}
	require.NoError(t, refuse.Blank("receipts", "agent_id", "μ"))
	require.NoError(t, refuse.Unstorable("receipts", "agent_id", ""))
}

func TestUnknown(t *testing.T) {
	t.Parallel()
	require.NoError(t, refuse.Unknown("slo_violations", "severity", models.SeverityWarning, models.ViolationSeverities()))
	err := refuse.Unknown("slo_violations", "severity", models.SeverityInfo, models.ViolationSeverities())
	require.ErrorIs(t, err, models.ErrInvalid)
	assert.EqualError(t, err, `slo_violations.severity "info": is not an allowed value (allowed: warning, critical)`)
}

func TestClean(t *testing.T) {
	t.Parallel()
	for text, clean := range map[string]string{"": "", "μ": "μ", "a\x00b": "a\uFFFDb", "\xff\xfe": "\uFFFD"} {
		assert.Equal(t, clean, refuse.Clean(text))
		assert.Equal(t, text == clean, refuse.Storable(text), "%q", text)
	}
	assert.Equal(t, strings.Repeat("a", models.MaxKeyBytes-1), refuse.CleanKey(strings.Repeat("a", models.MaxKeyBytes-1)+"μ"))
}
