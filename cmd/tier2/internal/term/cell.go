package term

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

// The values of a Column are nil (NULL), strings and enums, int and int64, MS, float64,
// Share, bool, models.Timestamp, time.Time and models.JSON.

// MS is a duration in milliseconds, Share a ratio from 0 to 1 that a table shows in percent.
type (
	MS    int64
	Share float64
)

// JSONValue returns v for --json. A document that is not valid JSON becomes a string.
func JSONValue(v any) any {
	if doc, ok := v.(models.JSON); ok && doc != nil && !json.Valid(doc) {
		return string(doc)
	}
	return v
}

// csvText returns v for --csv. Times have the same form as with --json.
func csvText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case Share:
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

// tableText returns v for a table, on one line: times to the second, durations with a unit,
// NULL as "-".
func tableText(v any) string {
	switch v := v.(type) {
	case nil:
		return "-"
	case MS:
		return duration(v)
	case Share:
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
	return Printable(csvText(v))
}

// duration formats milliseconds as time.Duration does. Values above the range of
// time.Duration are formatted as milliseconds.
func duration(v MS) string {
	if v > math.MaxInt64/MS(time.Millisecond) {
		return fmt.Sprintf("%dms", v)
	}
	return (time.Duration(v) * time.Millisecond).String()
}

// numeric reports whether v is aligned to the right.
func numeric(v any) bool {
	switch v.(type) {
	case int, int64, float64, MS, Share:
		return true
	}
	return false
}

// cuttable reports whether the text of v may be cut to fit a terminal.
func cuttable(v any) bool {
	switch v.(type) {
	case string, models.JSON:
		return true
	}
	return false
}

// colour returns the escape sequence of a status or a severity, "" for the default colour
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

// Printable replaces characters that are not printable, such as those that move the cursor
// of a terminal, by "?".
func Printable(s string) string {
	return strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return '?'
		}
		return c
	}, s)
}
