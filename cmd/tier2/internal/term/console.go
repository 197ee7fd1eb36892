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
