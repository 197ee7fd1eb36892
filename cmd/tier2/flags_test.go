package main

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2/cmd/tier2/internal/term"
	"github.com/seanchatmangpt/ggen/tier2/repository"
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

// TestPages reads a list of 2500 rows page by page, and no more pages than needed.
func TestPages(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for _, tt := range []struct{ want, size, calls, fails int }{
		{1, 2, 1, 0}, {50, 51, 1, 0}, {999, 1000, 1, 0}, {1000, 1000, 2, 0}, {2499, 1000, 3, 0}, {2500, 1000, 3, 0}, {math.MaxInt, 1000, 3, 0}, {2500, 1000, 2, 2},
	} {
		limit, calls := term.Limit{Rows: tt.want}, 0
		rows := pages(limit, func(p repository.Page) ([]int, string, error) {
			calls++
			assert.Equal(t, tt.size, p.Limit)
			start := len(p.Cursor)
			end := min(start+p.Limit, 2500)
			next := strings.Repeat("x", end)
			if end == 2500 {
				next = ""
			}
			if calls == tt.fails {
				return nil, "", broken
			}
			return make([]int, end-start), next, nil
		})
		n := 0
		var failed error
		for _, err := range rows {
			if failed = err; err != nil || n == tt.want {
				break
			}
			n++
		}
		assert.Equal(t, tt.calls, calls, tt)
		if tt.fails > 0 {
			require.ErrorIs(t, failed, broken)
		} else {
			require.NoError(t, failed)
			assert.Equal(t, min(tt.want, 2500), n)
		}
	}
}
