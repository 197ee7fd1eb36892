package models_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

func TestParseTimestamp(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, in, want string }{
		{"Stored", "2026-01-29T12:34:56.000000Z", "2026-01-29T12:34:56.000000Z"},
		{"RFC3339", "2026-01-29T12:34:56Z", "2026-01-29T12:34:56.000000Z"},
		{"Millis", "2026-01-29T12:34:56.789Z", "2026-01-29T12:34:56.789000Z"},
		{"NanosTruncated", "2026-01-29T12:34:56.123456789Z", "2026-01-29T12:34:56.123456Z"},
		{"OffsetEast", "2026-01-29T12:34:56+02:00", "2026-01-29T10:34:56.000000Z"},
		{"OffsetWestOverMidnight", "2026-01-29T23:30:00-05:30", "2026-01-30T05:00:00.000000Z"},
		{"PythonIsoformat", "2026-01-29T12:34:56.789012+00:00", "2026-01-29T12:34:56.789012Z"},
		{"SQLite", "2026-01-29 12:34:56", "2026-01-29T12:34:56.000000Z"},
		{"SQLiteMillis", "2026-01-29 12:34:56.789", "2026-01-29T12:34:56.789000Z"},
		{"SQLiteOffset", "2026-01-29 12:34:56+01:00", "2026-01-29T11:34:56.000000Z"},
		{"NoZone", "2026-01-29T12:34:56", "2026-01-29T12:34:56.000000Z"},
		{"Minutes", "2026-01-29 12:34", "2026-01-29T12:34:00.000000Z"},
		{"Date", "2026-01-29", "2026-01-29T00:00:00.000000Z"},
		{"LeapDay", "2028-02-29T00:00:00Z", "2028-02-29T00:00:00.000000Z"},
		{"FirstYear", "0001-01-01T00:00:01Z", "0001-01-01T00:00:01.000000Z"},
		{"LastYear", "9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := models.ParseTimestamp(tt.in)
			require.NoError(t, err)
			assert.Equal(t, tt.want, got.String())
			assert.Equal(t, time.UTC, got.Location())
		})
	}
}

func TestParseTimestampRefuses(t *testing.T) {
	t.Parallel()
	for _, in := range []string{
		"", " ", "now", "1769690096", "2026-1-29", "2026-01-29T25:00:00Z", "2026-02-30T00:00:00Z",
		"2027-02-29", "2026-01-29T12:34:56Z trailing", " 2026-01-29T12:34:56Z", "29.01.2026", "2026-01-29T12:34:60Z",
		"12026-01-29T12:34:56Z", "2026-01-29\x00",
	} {
		_, err := models.ParseTimestamp(in)
		assert.ErrorContains(t, err, "ISO 8601", "%q", in)
	}
	_, err := models.ParseTimestamp(strings.Repeat("2026-", 50_000))
	require.Error(t, err)
	assert.Less(t, len(err.Error()), 200, "the message shows the beginning of a long text")
}

// TestTimestampTextOrder: the order of the stored text is the order of time.
func TestTimestampTextOrder(t *testing.T) {
	t.Parallel()
	base := time.Date(2026, 1, 29, 12, 34, 56, 0, time.UTC)
	east := time.FixedZone("east", 14*3600)
	var texts []string
	for _, d := range []time.Duration{0, time.Microsecond, time.Millisecond, 100 * time.Millisecond, 999999 * time.Microsecond, time.Second, time.Hour, 1000 * time.Hour} {
		texts = append(texts, models.At(base.Add(d).In(east)).String())
	}
	assert.True(t, slices.IsSorted(texts), "%v", texts)
	for _, s := range texts {
		assert.Len(t, s, len(models.TimestampLayout))
	}
}

func TestTimestampScan(t *testing.T) {
	t.Parallel()
	want := models.At(time.Date(2026, 1, 29, 12, 34, 56, 0, time.UTC))
	tests := []struct {
		name string
		src  any
		want models.Timestamp
		err  string
	}{
		{"OKString", "2026-01-29T12:34:56Z", want, ""},
		{"OKBytes", []byte("2026-01-29 12:34:56"), want, ""},
		{"OKTime", time.Date(2026, 1, 29, 13, 34, 56, 999, time.FixedZone("", 3600)), want, ""},
		{"OKNull", nil, models.Timestamp{}, ""},
		{"ErrText", "soon", models.Timestamp{}, `"soon" is no ISO 8601 time`},
		{"ErrNumber", int64(1769690096), models.Timestamp{}, "cannot read a timestamp from int64"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got models.Timestamp
			err := got.Scan(tt.src)
			if tt.err != "" {
				require.ErrorContains(t, err, tt.err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tt.want, got)
		})
	}
}

func TestTimestampValue(t *testing.T) {
	t.Parallel()
	v, err := models.At(time.Date(2026, 1, 29, 13, 34, 56, 7999, time.FixedZone("", 3600))).Value()
	require.NoError(t, err)
	assert.Equal(t, "2026-01-29T12:34:56.000007Z", v)

	v, err = models.Timestamp{}.Value()
	require.NoError(t, err)
	assert.Nil(t, v, "the zero Timestamp is NULL")
}

func TestTimestampJSON(t *testing.T) {
	t.Parallel()
	type doc struct{ At models.Timestamp }
	in := doc{models.At(time.Date(2026, 1, 29, 12, 34, 56, 789000, time.UTC))}
	raw, err := json.Marshal(in)
	require.NoError(t, err)
	assert.JSONEq(t, `{"At":"2026-01-29T12:34:56.000789Z"}`, string(raw))
	var back doc
	require.NoError(t, json.Unmarshal(raw, &back))
	assert.Equal(t, in, back)

	raw, err = json.Marshal(doc{})
	require.NoError(t, err)
	assert.JSONEq(t, `{"At":null}`, string(raw))
	require.NoError(t, json.Unmarshal(raw, &back))
	assert.True(t, back.At.IsZero(), "null clears what was there")

	require.Error(t, json.Unmarshal([]byte(`{"At":12}`), &back))
	require.Error(t, json.Unmarshal([]byte(`{"At":"soon"}`), &back))
}

// FuzzParseTimestamp: what is read is a time in UTC to the microsecond, whichever way
// it comes in, and reads the same again in every form that it is written in.
func FuzzParseTimestamp(f *testing.F) {
	for _, s := range []string{
		"2026-01-29T12:34:56.000000Z", "2026-01-29T12:34:56Z", "2026-01-29 12:34:56", "2026-01-29", "2026-01-29 12:34:56,5",
		"2026-01-29T12:34:56.123456789+14:00", "0000-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59", "", "now",
		"0001-01-01T00:00:00.0000009Z", "2026-01-29T12:34:56\x00", "\xff",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		ts, err := models.ParseTimestamp(s)
		var scanned, bytes, text, quoted models.Timestamp
		quote, _ := json.Marshal(s)
		for form, got := range map[string]error{
			"Scan": scanned.Scan(s), "ScanBytes": bytes.Scan([]byte(s)), "Text": text.UnmarshalText([]byte(s)), "JSON": quoted.UnmarshalJSON(quote),
		} {
			require.Equal(t, err == nil, got == nil, "%s: %v", form, got)
		}
		if err != nil {
			return
		}
		for _, other := range []models.Timestamp{scanned, bytes, text, quoted} {
			require.Equal(t, ts, other)
		}
		assert.Equal(t, time.UTC, ts.Location())
		assert.Zero(t, ts.Nanosecond()%1000, "whole microseconds")
		if y := ts.Year(); y < 1 || y > 9999 {
			return // an offset can leave the years that Validate allows
		}
		assert.Len(t, ts.String(), len(models.TimestampLayout))
		again, err := models.ParseTimestamp(ts.String())
		require.NoError(t, err)
		assert.Equal(t, ts, again)
		value, err := ts.Value()
		require.NoError(t, err)
		require.NoError(t, scanned.Scan(value))
		assert.Equal(t, ts, scanned)
		encoded, err := json.Marshal(ts)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(encoded, &quoted))
		assert.Equal(t, ts, quoted)
	})
}
