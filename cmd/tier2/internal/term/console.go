// Package term prints results of the command in the form that the user asked for, as a
// table, JSON or CSV, and shows progress and asks questions on a terminal.
package term

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// Console holds the standard streams of a command and the form of its results. Results go
// to Out, everything else to Err. It is not safe for concurrent use.
type Console struct {
	JSON, CSV bool // the form of results; a table or text if neither is set
	In        io.Reader
	Out       io.Writer // ends the spinner of Busy
	Err       io.Writer

	stdout  io.Writer // what Out writes to
	lost    error     // the first error of a write to Out
	spinner func()    // ends the spinner; nil if there is none
}

// New returns a console over the three streams.
func New(stdin io.Reader, stdout, stderr io.Writer) *Console {
	c := &Console{In: stdin, Err: stderr, stdout: stdout}
	c.Out = output{c}
	return c
}

// output is Console.Out.
type output struct{ c *Console }

// Write implements io.Writer.
func (o output) Write(p []byte) (int, error) {
	o.c.Idle()
	n, err := o.c.stdout.Write(p)
	if o.c.lost == nil {
		o.c.lost = err
	}
	return n, err
}

// Lost returns the error of the first failed write to Out. Verbs that print a few lines
// do not check each write.
func (c *Console) Lost() error { return c.lost }

// Note prints a line for the user on Err.
func (c *Console) Note(format string, args ...any) {
	c.Idle()
	fmt.Fprintf(c.Err, "tier2: "+format+"\n", args...)
}

// Print prints a result: v as JSON, or else the formatted text.
func (c *Console) Print(v any, format string, args ...any) error {
	if c.JSON {
		return c.PrintJSON(v)
	}
	_, err := fmt.Fprintf(c.Out, format, args...)
	return err
}

// PrintJSON prints v as indented JSON and a newline.
func (c *Console) PrintJSON(v any) error {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return err
	}
	out := bufio.NewWriter(c.Out)
	return errors.Join(escape(out, text.Bytes()), out.Flush())
}

// Interactive reports whether Confirm can ask, that is, whether In is a terminal.
func (c *Console) Interactive() bool { return isTerminal(c.In) }

// Confirm prints a question on Err and reports whether the answer on In is yes. If ctx
// ends first, it returns the error of ctx.
func (c *Console) Confirm(ctx context.Context, question string) (yes bool, err error) {
	c.Idle()
	fmt.Fprintf(c.Err, "%s [y/N] ", question)
	answer := make(chan string, 1)
	go func() { // reading a terminal cannot be cancelled; the goroutine ends with the process
		line, _ := bufio.NewReader(c.In).ReadString('\n')
		answer <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case <-ctx.Done():
		fmt.Fprintln(c.Err)
		return false, ctx.Err()
	case line := <-answer:
		return line == "y" || line == "yes", nil
	}
}

// isTerminal reports whether a stream is a terminal.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// width returns the width of a terminal in cells, 0 for any other stream.
func width(stream any) int {
	if f, ok := stream.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil {
			return width
		}
	}
	return 0
}

// Busy shows a spinner on Err, if that is a terminal, while work of unknown length runs.
// The spinner appears after a second and ends with Idle or the next output.
func (c *Console) Busy(doing string) {
	c.Idle()
	if isTerminal(c.Err) {
		c.spinner = spin(c.Err, doing, time.Second, 100*time.Millisecond)
	}
}

// Idle ends the spinner of Busy, if there is one.
func (c *Console) Idle() {
	if c.spinner != nil {
		c.spinner()
		c.spinner = nil
	}
}

// spin turns a spinner, beginning after a delay. When stop returns, the spinner has been
// removed from w.
func spin(w io.Writer, doing string, delay, every time.Duration) (stop func()) {
	bar := newBar(w, -1, doing, progressbar.OptionSpinnerType(14),
		progressbar.OptionSetElapsedTime(true), progressbar.OptionSetPredictTime(false))
	bar.StartWithoutRender() // starts the clock
	enough := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		next := time.NewTimer(delay)
		defer next.Stop()
		shown := false
		for {
			select {
			case <-enough:
				if shown {
					_ = bar.Finish()
				}
				return
			case <-next.C:
				shown = true
				_ = bar.Add(1)
				next.Reset(every)
			}
		}
	})
	return func() {
		close(enough)
		running.Wait()
	}
}

// Progress is a bar that shows how much of a task is done. It shows nothing if Err is not a
// terminal. Errors of drawing are ignored.
type Progress struct{ bar *progressbar.ProgressBar }

// Count returns a bar that counts up to total, or without an end if total is -1.
func (c *Console) Count(doing string, total int64) Progress {
	return Progress{newBar(c.Err, total, doing, progressbar.OptionShowCount(), progressbar.OptionSetVisibility(isTerminal(c.Err)))}
}

// CountBytes is like Count, and shows amounts as bytes.
func (c *Console) CountBytes(doing string, total int64) Progress {
	return Progress{newBar(c.Err, total, doing, progressbar.OptionShowBytes(true), progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionSetVisibility(isTerminal(c.Err)))}
}

// newBar returns a bar that is removed when it finishes. It starts no goroutine of its
// own, which would race with Add.
func newBar(w io.Writer, total int64, doing string, opts ...progressbar.Option) *progressbar.ProgressBar {
	return progressbar.NewOptions64(total, append(opts, progressbar.OptionSetWriter(w), progressbar.OptionSetDescription(doing),
		progressbar.OptionClearOnFinish(), progressbar.OptionSetSpinnerChangeInterval(0))...)
}

// Add adds n to the amount that is done.
func (p Progress) Add(n int64) { _ = p.bar.Add64(n) }

// Step shows what is being done, and how much of it is done.
func (p Progress) Step(doing string, n, total int64) {
	p.bar.Describe(doing)
	p.bar.ChangeMax64(total)
	p.Set(n)
}

// Set sets the amount that is done.
func (p Progress) Set(n int64) { _ = p.bar.Set64(n) }

// Clear removes the bar so that a line can be printed. The next Add or Set draws it again.
func (p Progress) Clear() { _ = p.bar.Clear() }

// Finish removes the bar.
func (p Progress) Finish() { _ = p.bar.Finish() }
