package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// The exit codes, as --help documents them.
const (
	exitOK        = 0
	exitFound     = 1
	exitUsage     = 2
	exitFailure   = 3
	exitInterrupt = 130
)

const long = `tier2 keeps what ggen's agents do in one SQLite file, or in PostgreSQL:
receipts, stage timings, the audit log and the agents' memory.

A database is a path, a file: URI or postgres://user@host:5432/database, with
?search_path=schema for a schema of its own. Passwords are better kept out of
the command line: PGPASSWORD, PGPASSFILE and ~/.pgpass are read.

Exit codes:
  0    done
  1    something was found or refused, and stderr or the result says what: a
       database, log, proof or checkpoint that is not sound, drift, a receipt,
       row or target that is refused, a name that is taken, a row that is not
       there, an answer other than yes
  2    the command line is wrong; nothing was done
  3    the database or another file could not be opened, read or written
  130  interrupted; what had been stored or moved by then stays so; so ends
       audit --follow

Verbs that list rows print a table, --json an array, --csv RFC 4180 with NULL as
an empty field. On a terminal a table is cut to its width, and has colours
unless NO_COLOR is set.`

// helpWidth is how wide help is at most.
const helpWidth = 80

// defaultDB is where the database lies unless --db says otherwise.
const defaultDB = ".ggen/tier2.db"

// errFound is exit code 1: what was wrong has been printed already.
var errFound = errors.New("found")

// errInterrupted is exit code 130 of what goes on until it is interrupted: no failure.
var errInterrupted = errors.New("interrupted")

// usageError is a command line that makes no sense.
type usageError struct{ error }

// app is what the verbs share.
type app struct {
	args           []string
	db             string
	json, csv      bool
	stdin          io.Reader
	stdout, stderr io.Writer
	spinner        func() // ends the spinner that turns; nil: none does
	started        bool   // whether the command line was understood
}

// Run is the command: it does what args say and returns the exit code. Results go to
// stdout, errors and progress to stderr.
func Run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	out := &kept{Writer: stdout}
	a := &app{args: args, stdin: stdin, stdout: out, stderr: stderr}
	root := a.command()
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if out.err != nil {
		err, a.started = out.err, true // whatever else is wrong, the result is lost
	}
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errFound):
		return exitFound
	case errors.Is(err, errInterrupted):
		return exitInterrupt
	case !a.started || errors.As(err, &usage):
		fmt.Fprintf(stderr, "tier2: %s\nRun '%s --help' for usage.\n", redacted(err.Error(), args), cmd.CommandPath())
		return exitUsage
	}
	fmt.Fprintf(stderr, "tier2: %s\n", redacted(err.Error(), args))
	if errors.Is(err, context.Canceled) {
		return exitInterrupt
	}
	return exitFailure
}

func (a *app) command() *cobra.Command {
	root := &cobra.Command{
		Use: "tier2", Short: "Receipts, audit log and memory of ggen's agents", Long: long,
		Example: `  tier2 init
  tier2 import receipts .ggen/receipts
  tier2 recent --status failed --since 7d`,
		SilenceErrors: true, SilenceUsage: true,
		Args: cobra.NoArgs, RunE: missingVerb,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			a.started = true
			return a.form(cmd)
		},
	}
	root.PersistentFlags().StringVar(&a.db, "db", defaultDB, "the database: a path, a file: URI or a postgres:// URL")
	root.PersistentFlags().BoolVar(&a.json, "json", false, "print the result as JSON")
	root.PersistentFlags().BoolVar(&a.csv, "csv", false, "print rows as CSV (RFC 4180); only of verbs that list rows")
	imports := &cobra.Command{Use: "import", Short: "Read what ggen wrote into the database",
		Example: "  tier2 import receipts .ggen/receipts", Args: cobra.NoArgs, RunE: missingVerb}
	imports.AddCommand(a.importReceipts(), a.importLog(), a.importTables())
	root.AddCommand(
		a.init(),
		a.verify(),
		imports,
		a.recent(),
		a.agents(),
		a.stages(),
		a.slo(),
		a.collisions(),
		a.sessions(),
		a.audit(),
		a.memory(),
		a.drift(),
		a.report(),
		a.export(),
		a.copy(),
		a.archive(),
		a.restore(),
		a.backup(),
		a.maintain(),
		a.seal(),
		a.prove(),
		a.keygen(),
		a.version(),
	)
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	shells(root)
	root.SetUsageTemplate(strings.NewReplacer(
		".LocalFlags.FlagUsages", fmt.Sprintf(".LocalFlags.FlagUsagesWrapped %d", helpWidth),
		".InheritedFlags.FlagUsages", fmt.Sprintf(".InheritedFlags.FlagUsagesWrapped %d", helpWidth),
	).Replace(root.UsageTemplate()))
	return root
}

// refused prints an error of one of the kinds, which makes it exit code 1.
func (a *app) refused(err error, kinds ...error) error {
	for _, kind := range kinds {
		if errors.Is(err, kind) {
			fmt.Fprintf(a.stderr, "tier2: %s\n", redacted(err.Error(), a.args))
			return errFound
		}
	}
	return err
}

// missingVerb answers a command that does nothing without a verb.
func missingVerb(cmd *cobra.Command, _ []string) error {
	return usageError{fmt.Errorf("%q needs a verb", cmd.CommandPath())}
}

// kept is stdout, which keeps the error of the first write that failed: not every write
// of a few lines is checked.
type kept struct {
	io.Writer
	err error
}

// Write implements io.Writer.
func (k *kept) Write(p []byte) (int, error) {
	n, err := k.Writer.Write(p)
	if k.err == nil {
		k.err = err
	}
	return n, err
}

// terminal is stderr, if that is one, for a progress bar; else nil.
func (a *app) terminal() io.Writer {
	if isTerminal(a.stderr) {
		return a.stderr
	}
	return nil
}

// printJSON writes v, indented, and a newline.
func (a *app) printJSON(v any) error {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return err
	}
	out := bufio.NewWriter(a.output())
	return errors.Join(escaped(out, text.Bytes()), out.Flush())
}
