package main

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// The kinds of values in what a verb lists: nil (NULL), strings and enums, int and int64,
// ms, float64, share, bool, models.Timestamp, time.Time and models.JSON.

// ms is a duration in milliseconds, share a part of one.
type (
	ms    int64
	share float64
)

// null is what p points to, or nil.
func null[T any](p *T) any {
	if p == nil {
		return nil
	}
	return *p
}

// jsonValue is v as --json shows it. A document that another program broke is shown as
// text.
func jsonValue(v any) any {
	if doc, ok := v.(models.JSON); ok && doc != nil && !json.Valid(doc) {
		return string(doc)
	}
	return v
}

// csvText is v as --csv shows it: times as --json does, in full.
func csvText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case share:
		return strconv.FormatFloat(float64(v), 'f', -1, 64)
	case models.Timestamp:
		if v.IsZero() {
			return ""
		}
		return v.String()
	case time.Time:
		return v.UTC().Format(time.RFC3339Nano)
	case models.JSON:
		return string(v)
	}
	return fmt.Sprint(v)
}

// tableText is v as a table shows it, on one line: times to the second, durations with a
// unit, NULL as "-".
func tableText(v any) string {
	switch v := v.(type) {
	case nil:
		return "-"
	case ms:
		return duration(v)
	case share:
		return fmt.Sprintf("%.1f%%", 100*v)
	case float64:
		return strconv.FormatFloat(math.Round(v*100)/100, 'f', -1, 64)
	case models.Timestamp:
		return tableText(v.Time)
	case time.Time:
		if v.IsZero() {
			return "-"
		}
		return v.UTC().Format(time.RFC3339)
	case models.JSON:
		if v == nil {
			return "-"
		}
	}
	return printable(csvText(v))
}

// duration shows milliseconds; what no time.Duration holds in their own unit.
func duration(v ms) string {
	if v > math.MaxInt64/ms(time.Millisecond) {
		return fmt.Sprintf("%dms", v)
	}
	return (time.Duration(v) * time.Millisecond).String()
}

// numeric reports whether v stands on the right of its column.
func numeric(v any) bool {
	switch v.(type) {
	case int, int64, float64, ms, share:
		return true
	}
	return false
}

// cuttable reports whether v may be cut to fit.
func cuttable(v any) bool {
	switch v.(type) {
	case string, models.JSON:
		return true
	}
	return false
}

// colour is how a terminal shows a status or a severity; "" is its usual colour
// (https://www.ecma-international.org/publications-and-standards/standards/ecma-48/).
func colour(v any) string {
	switch v.(type) {
	case models.ReceiptStatus, models.AuditStatus, models.SessionStatus, models.StageStatus, models.Severity:
		return colours[fmt.Sprint(v)]
	}
	return ""
}

var colours = map[string]string{
	"passed": green, "completed": green,
	"failed": red, "critical": red,
	"partial": yellow, "cancelled": yellow, "warning": yellow, "skipped": yellow,
	"running": cyan, "started": cyan, "info": cyan,
}

const (
	red, green, yellow, cyan = "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[36m"
	bold, plain              = "\x1b[1m", "\x1b[m"
)

// printable keeps a stored text from moving the cursor of a terminal.
func printable(s string) string {
	return strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return '?'
		}
		return c
	}, s)
}
