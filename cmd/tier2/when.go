package main

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// when is the value of a flag that is a time: an ISO 8601 one such as 2026-01-29 or
// 2026-01-29T12:34:56Z, taken as UTC without a zone, or how long ago, such as 7d, 24h
// or 1d12h. Unset it is the zero time.
type when struct{ time.Time }

// Set implements pflag.Value.
func (w *when) Set(text string) error {
	if at, err := models.ParseTimestamp(text); err == nil {
		w.Time = at.Time
		return nil
	}
	ago, err := age(text)
	if err != nil {
		return err
	}
	w.Time = time.Now().Add(-ago).UTC()
	return nil
}

// Type implements pflag.Value.
func (*when) Type() string { return "time" }

// String implements pflag.Value.
func (w *when) String() string {
	if w.IsZero() {
		return ""
	}
	return w.Format(time.RFC3339)
}

// age reads a duration in Go's form that may begin with days, each of 24 hours. It is
// not negative.
func age(text string) (time.Duration, error) {
	refused := errors.New("must be a time such as 2026-01-29T12:34:56Z, or how long ago, such as 7d or 24h")
	days, rest, found := strings.Cut(text, "d")
	if !found {
		days, rest = "0", text
	}
	n, err := strconv.ParseUint(days, 10, 64)
	if err != nil {
		return 0, refused
	}
	var part time.Duration
	if rest != "" || !found {
		if part, err = time.ParseDuration(rest); err != nil || part < 0 {
			return 0, refused
		}
	}
	const day = 24 * time.Hour
	if n > uint64((math.MaxInt64-part)/day) {
		return 0, fmt.Errorf("is longer than %d days ago", math.MaxInt64/day)
	}
	return time.Duration(n)*day + part, nil
}
