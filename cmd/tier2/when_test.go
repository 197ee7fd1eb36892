package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWhen(t *testing.T) {
	t.Parallel()
	at := func(h, m, s int) time.Time { return time.Date(2026, 1, 29, h, m, s, 0, time.UTC) }
	for text, want := range map[string]time.Time{
		"2026-01-29": at(0, 0, 0), "2026-01-29T12:34:56Z": at(12, 34, 56), "2026-01-29 12:34:56": at(12, 34, 56),
		"2026-01-29T12:34:56+02:00": at(10, 34, 56),
	} {
		var w when
		require.NoError(t, w.Set(text), text)
		assert.Equal(t, want, w.Time, text)
		assert.Equal(t, want.Format(time.RFC3339), w.String())
	}
	for text, want := range map[string]time.Duration{
		"7d": 7 * 24 * time.Hour, "24h": 24 * time.Hour, "1d12h": 36 * time.Hour, "90m": 90 * time.Minute, "0d": 0, "0s": 0, "106751d": 106751 * 24 * time.Hour,
	} {
		var w when
		before := time.Now()
		require.NoError(t, w.Set(text), text)
		assert.WithinRange(t, w.Time, before.Add(-want), time.Now().Add(-want), text)
	}
	for _, text := range []string{"", " ", "7", "d", "-7d", "-1h", "7d-1h", "1.5d", "7days", "yesterday", "2026-13-01", "106752d", "99999999999999999999d", "106751d24h", "7d 1h"} {
		var w when
		require.Error(t, w.Set(text), text)
		assert.True(t, w.IsZero(), text)
		assert.Empty(t, w.String())
	}
}
