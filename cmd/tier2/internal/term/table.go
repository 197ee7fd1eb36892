package term

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/mattn/go-runewidth"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

const (
	// layoutRows is the number of rows that determine the layout of a table. Later rows
	// are printed in that layout.
	layoutRows = 1000
	// minText is the width below which texts are not cut.
	minText = 10
	// liveText is the minimum width of texts in a table whose layout is known from one row.
	liveText = 24
	gap      = "  "
)

// table prints rows in aligned columns. On a terminal it is no wider than the terminal:
// texts are cut with "…". If that is not enough, columns are hidden, and a note names them:
// first empty columns, then numbers, each from the right.
type table struct {
	console  *Console
	out      *bufio.Writer
	terminal int // width of the terminal; 0 if there is none: nothing is cut
	colour   bool
	rows     [][]any // rows that wait for the layout
	columns  []tableColumn
	laidOut  bool
	live     bool // the first row determines the layout, since the next may come much later
}

// tableColumn is the layout of a column.
type tableColumn struct {
	title  string
	index  int // into the values of a row
	width  int
	filled bool // any row has a value
	right  bool // aligned to the right
	cut    bool // texts may be cut
}

func newTable(c *Console, out *bufio.Writer, titles []string) *table {
	t := &table{console: c, out: out, colour: c.coloured(), terminal: width(c.stdout)}
	for i, title := range titles {
		t.columns = append(t.columns, tableColumn{title: title, index: i})
	}
	return t
}

// coloured reports whether Out is a terminal that shows colours, and the user wants them
// (https://no-color.org).
func (c *Console) coloured() bool {
	return isTerminal(c.stdout) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

func (t *table) row(values []any) error {
	if t.laidOut {
		return t.print(values)
	}
	if t.rows = append(t.rows, values); len(t.rows) < layoutRows && !t.live {
		return nil
	}
	return t.begin()
}

func (t *table) end() error {
	if t.laidOut {
		return nil
	}
	return t.begin()
}

// begin lays the table out, and prints its head and the rows so far.
func (t *table) begin() error {
	t.layout()
	var head strings.Builder
	for i, c := range t.columns {
		t.cell(&head, i, c.title, "")
	}
	line := strings.TrimRight(head.String(), " ")
	if t.colour {
		line = bold + line + plain
	}
	_, err := fmt.Fprintln(t.out, line)
	for _, values := range t.rows {
		if err == nil {
			err = t.print(values)
		}
	}
	t.rows = nil
	return err
}

// layout determines which columns are shown, and how.
func (t *table) layout() {
	t.laidOut = true
	for i := range t.columns {
		c := &t.columns[i]
		c.width = runewidth.StringWidth(c.title)
		for _, values := range t.rows {
			text := tableText(values[i])
			c.width = max(c.width, runewidth.StringWidth(text))
			c.filled = c.filled || text != "" && text != "-"
			c.right = c.right || numeric(values[i])
			c.cut = c.cut || cuttable(values[i])
		}
		if t.live && c.cut {
			c.width = max(c.width, liveText)
		}
	}
	if t.terminal == 0 {
		return
	}
	var hidden []tableColumn
	for len(t.columns) > 1 && !t.fit() {
		i := t.leastUseful()
		hidden = append(hidden, t.columns[i])
		t.columns = slices.Delete(slices.Clone(t.columns), i, i+1)
	}
	if hidden != nil {
		slices.SortFunc(hidden, func(a, b tableColumn) int { return a.index - b.index })
		var titles []string
		for _, c := range hidden {
			titles = append(titles, c.title)
		}
		t.console.Note("the terminal has no room for %s", strings.Join(titles, ", "))
	}
}

// leastUseful returns the index of the column to hide next. It is never the first column,
// which identifies the row.
func (t *table) leastUseful() int {
	for _, useless := range []func(tableColumn) bool{
		func(c tableColumn) bool { return !c.filled && !t.live },
		func(c tableColumn) bool { return c.right },
	} {
		for i := len(t.columns) - 1; i > 0; i-- {
			if useless(t.columns[i]) {
				return i
			}
		}
	}
	return len(t.columns) - 1
}

// fit makes the widest columns that may be cut narrower until the table fits the terminal.
// It reports whether it does; if not, no width is changed.
func (t *table) fit() bool {
	columns, total := slices.Clone(t.columns), (len(t.columns)-1)*len(gap)
	for i, c := range columns {
		if c.cut {
			columns[i].width = min(c.width, t.terminal)
		}
		total += columns[i].width
	}
	for ; total > t.terminal; total-- {
		var widest *tableColumn
		for i := range columns {
			c := &columns[i]
			if c.cut && c.width > max(minText, runewidth.StringWidth(c.title)) && (widest == nil || c.width > widest.width) {
				widest = c
			}
		}
		if widest == nil {
			return false
		}
		widest.width--
	}
	t.columns = columns
	return true
}

func (t *table) print(values []any) error {
	var line strings.Builder
	for i, c := range t.columns {
		text := tableText(values[c.index])
		if t.terminal > 0 && c.cut {
			text = runewidth.Truncate(text, c.width, "…")
		}
		paint := ""
		if t.colour {
			paint = colour(values[c.index])
		}
		t.cell(&line, i, text, paint)
	}
	_, err := fmt.Fprintln(t.out, strings.TrimRight(line.String(), " "))
	return err
}

// cell appends a text, padded to the width of column i.
func (t *table) cell(line *strings.Builder, i int, text, paint string) {
	if i > 0 {
		line.WriteString(gap)
	}
	fill := strings.Repeat(" ", max(0, t.columns[i].width-runewidth.StringWidth(text)))
	if paint != "" {
		text = paint + text + plain
	}
	if t.columns[i].right {
		line.WriteString(fill + text)
	} else {
		line.WriteString(text + fill)
	}
}

// Aligned returns a writer that aligns the cells of tab-separated lines in columns. Unlike
// List it does not adapt to a terminal. The caller must call Flush.
func Aligned(w io.Writer) *tabwriter.Writer {
	return tabwriter.NewWriter(w, 0, 0, len(gap), ' ', 0)
}

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
