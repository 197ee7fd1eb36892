package repository

import (
	"encoding/base64"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// TestDecodeCursor: nothing but what encode made for the table is taken.
func TestDecodeCursor(t *testing.T) {
	t.Parallel()
	whole := cursor{receiptsTable, "2026-01-29T12:34:56.000000Z", 7}
	got, err := decodeCursor(receiptsTable, whole.encode())
	require.NoError(t, err)
	assert.Equal(t, whole, got)
	of := func(document string) string { return base64.RawURLEncoding.EncodeToString([]byte(document)) }
	for name, text := range map[string]string{
		"Nonsense":     "nonsense",
		"OtherTable":   cursor{auditTable, whole.Time, 7}.encode(),
		"NoTime":       cursor{receiptsTable, "", 7}.encode(),
		"NUL":          cursor{receiptsTable, "2026\x00", 7}.encode(),
		"Cut":          whole.encode()[:20],
		"Longer":       whole.encode() + "AA",
		"Spaces":       of(`{"t":"receipts", "at":"2026","id":7}`),
		"OtherOrder":   of(`{"at":"2026","t":"receipts","id":7}`),
		"Capitals":     of(`{"T":"receipts","at":"2026","id":7}`),
		"More":         of(`{"t":"receipts","at":"2026","id":7,"sql":"1=1"}`),
		"TwiceTheTime": of(`{"t":"receipts","at":"2026","at":"2027","id":7}`),
		"HugeID":       of(`{"t":"receipts","at":"2026","id":9223372036854775808}`),
		"Padding":      base64.URLEncoding.EncodeToString([]byte(`{"t":"receipts","at":"2026","id":7}`)) + "=",
	} {
		got, err := decodeCursor(receiptsTable, text)
		require.ErrorIs(t, err, models.ErrInvalid, name)
		assert.Zero(t, got, name)
		var e *models.Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, []any{receiptsTable, "cursor", text}, []any{e.Table, e.Column, e.Value})
	}
}

// FuzzCursor: a cursor reads back as it was made, in its own list and no other; and
// decoding takes only what encoding makes.
func FuzzCursor(f *testing.F) {
	f.Add("2026-01-29T12:34:56.000000Z", int64(7), "nonsense")
	f.Add("2026-01-29 12:34:56.123456+00", int64(math.MinInt64), cursor{receiptsTable, "2026", 7}.encode())
	f.Add("\xff", int64(-1), base64.RawURLEncoding.EncodeToString([]byte(`{"t":"receipts","at":"2026","id":7,"id":8}`)))
	f.Add("<&>\u2028\x00", int64(0), base64.RawURLEncoding.EncodeToString([]byte(`{"t":"audit_log","at":"\ud800","id":1e2}`)))
	tables := []string{receiptsTable, auditTable, sessionsTable, memoryTable, collisionsTable}
	f.Fuzz(func(t *testing.T, at string, id int64, text string) {
		for _, table := range tables {
			made := cursor{table, at, id}.encode()
			for _, asked := range tables {
				got, err := decodeCursor(asked, made)
				if err != nil {
					require.ErrorIs(t, err, models.ErrInvalid)
				} else {
					require.Equal(t, table, asked, "a cursor of another list")
					require.Equal(t, made, got.encode())
					require.Equal(t, id, got.ID)
				}
			}
			if got, err := decodeCursor(table, text); err == nil {
				require.Equal(t, text, got.encode())
			} else {
				require.Zero(t, got)
			}
		}
	})
}
