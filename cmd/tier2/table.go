package main

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/mattn/go-runewidth"
	"golang.org/x/term"
)

const (
	// measured is how many rows a table is laid out for; those behind them keep the layout.
	measured = 1000
	// narrowest is how many cells of a text stay when a table does not fit.
	narrowest = 10
	// usual is how many of a text there are room for in a table of which only a row is known.
	usual = 24
	gap   = "  "
)

// table prints rows below each other, in columns. On a terminal it is no wider: texts
// are cut with "…", and where that is not enough columns are left out, which stderr says:
// first those with nothing in them, then numbers, each from the right.
type table struct {
	app      *app
	out      *bufio.Writer
	terminal int // its width; 0: there is none, and nothing is cut
	colour   bool
	rows     [][]any // until they are laid out
	columns  []column
	laidOut  bool
	live     bool // it is laid out for the first row, since the next may come much later
}

// column is how a column of a table is shown.
type column struct {
	title string
	at    int // which of a row's values
	width int
	some  bool // whether there is anything in it
	right bool // where its numbers stand
	cut   bool // whether its texts may be cut
}

func (a *app) newTable(out *bufio.Writer, titles []string) *table {
	t := &table{app: a, out: out, colour: a.coloured()}
	if f, ok := fileOf(a.stdout); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil { // of a terminal
			t.terminal = width
		}
	}
	for i, title := range titles {
		t.columns = append(t.columns, column{title: title, at: i})
	}
	return t
}

// coloured reports whether stdout is a terminal that shows colours, and they are wanted
// (https://no-color.org).
func (a *app) coloured() bool {
	return isTerminal(a.stdout) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

func (t *table) row(values []any) error {
	if t.laidOut {
		return t.print(values)
	}
	if t.rows = append(t.rows, values); len(t.rows) < measured && !t.live {
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

// begin lays the table out, and prints its head and the rows that are known.
func (t *table) begin() error {
	t.layout()
	var head strings.Builder
	for i, c := range t.columns {
		t.cell(&head, i, c.title, c.right, "")
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

// layout finds which columns are shown, and how.
func (t *table) layout() {
	t.laidOut = true
	for i := range t.columns {
		c := &t.columns[i]
		c.width = runewidth.StringWidth(c.title)
		for _, values := range t.rows {
			text := tableText(values[i])
			c.width = max(c.width, runewidth.StringWidth(text))
			c.some = c.some || text != "" && text != "-"
			c.right = c.right || numeric(values[i])
			c.cut = c.cut || cuttable(values[i])
		}
		if t.live && c.cut {
			c.width = max(c.width, usual)
		}
	}
	if t.terminal == 0 {
		return
	}
	var left []column
	for len(t.columns) > 1 && !t.fits() {
		i := t.least()
		left = append(left, t.columns[i])
		t.columns = slices.Delete(slices.Clone(t.columns), i, i+1)
	}
	if left != nil {
		slices.SortFunc(left, func(a, b column) int { return a.at - b.at })
		var titles []string
		for _, c := range left {
			titles = append(titles, c.title)
		}
		t.app.note("the terminal has no room for %s", strings.Join(titles, ", "))
	}
}

// least is the column that is missed the least; never the first, which says what a row is.
func (t *table) least() int {
	for _, spare := range []func(column) bool{
		func(c column) bool { return !c.some && !t.live },
		func(c column) bool { return c.right },
	} {
		for i := len(t.columns) - 1; i > 0; i-- {
			if spare(t.columns[i]) {
				return i
			}
		}
	}
	return len(t.columns) - 1
}

// fits makes the widest of the columns that may be cut narrower until all fit, if they
// can.
func (t *table) fits() bool {
	columns, total := slices.Clone(t.columns), (len(t.columns)-1)*len(gap)
	for i, c := range columns {
		if c.cut {
			columns[i].width = min(c.width, t.terminal)
		}
		total += columns[i].width
	}
	for ; total > t.terminal; total-- {
		var widest *column
		for i := range columns {
			c := &columns[i]
			if c.cut && c.width > max(narrowest, runewidth.StringWidth(c.title)) && (widest == nil || c.width > widest.width) {
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
		text := tableText(values[c.at])
		if t.terminal > 0 && c.cut {
			text = runewidth.Truncate(text, c.width, "…")
		}
		paint := ""
		if t.colour {
			paint = colour(values[c.at])
		}
		t.cell(&line, i, text, c.right, paint)
	}
	_, err := fmt.Fprintln(t.out, strings.TrimRight(line.String(), " "))
	return err
}

// cell appends a text in the width of its column.
func (t *table) cell(line *strings.Builder, i int, text string, right bool, paint string) {
	if i > 0 {
		line.WriteString(gap)
	}
	fill := strings.Repeat(" ", max(0, t.columns[i].width-runewidth.StringWidth(text)))
	if paint != "" {
		text = paint + text + plain
	}
	if right {
		line.WriteString(fill + text)
	} else {
		line.WriteString(text + fill)
	}
}
