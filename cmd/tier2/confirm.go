package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"
)

// isTerminal reports whether a stream is one.
func isTerminal(stream any) bool {
	f, ok := fileOf(stream)
	return ok && term.IsTerminal(int(f.Fd()))
}

// fileOf is the file that a stream is, if it is one.
func fileOf(stream any) (*os.File, bool) {
	if k, ok := stream.(*kept); ok {
		stream = k.Writer
	}
	f, ok := stream.(*os.File)
	return f, ok
}

// canAsk refuses a command that has to ask, unless it need not, where nobody can answer.
func (a *app) canAsk(needNot bool) error {
	if needNot || isTerminal(a.stdin) {
		return nil
	}
	return usageError{errors.New("stdin is no terminal to ask on: give --yes")}
}

// confirm asks on the terminal. Any answer but yes makes it exit code 1.
func (a *app) confirm(ctx context.Context, question string) error {
	fmt.Fprintf(a.stderr, "%s [y/N] ", question)
	answer := make(chan string, 1)
	go func() { // nothing ends a read of a terminal: interrupted, it ends with the process
		line, _ := bufio.NewReader(a.stdin).ReadString('\n')
		answer <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case <-ctx.Done():
		fmt.Fprintln(a.stderr)
		return ctx.Err()
	case line := <-answer:
		if line == "y" || line == "yes" {
			return nil
		}
	}
	fmt.Fprintln(a.stderr, "tier2: nothing was done")
	return errFound
}
