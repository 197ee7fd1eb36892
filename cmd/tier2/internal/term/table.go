package term

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/mattn/go-runewidth"
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
