// Command tier2 creates, checks, fills and shows a tier2 database.
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/cmd/tier2/internal/term"
	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	"github.com/seanchatmangpt/ggen/tier2/internal/engine/sqlite"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := Run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

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

// helpWidth is the maximum width of help texts.
const helpWidth = 80

// defaultDB is the default of --db.
const defaultDB = ".ggen/tier2.db"

// app holds the state shared by all verbs.
type app struct {
	*term.Console
	db      string
	started bool // the command line was understood
}

// Run executes the command line args and returns the exit code. Results go to stdout,
// errors and progress to stderr.
func Run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{Console: term.New(stdin, stdout, stderr)}
	root := a.command()
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	a.Idle()
	if lost := a.Lost(); lost != nil {
		err = lost // without its output no other result matters
	} else if err != nil && !a.started {
		err = exitError{exitUsage, err}
	}
	code := exitCode(err)
	if err == nil || errors.Is(err, errPrinted) {
		return code
	}
	message := "tier2: " + redacted(err.Error(), args) + "\n"
	if code == exitUsage {
		message += fmt.Sprintf("Run '%s --help' for usage.\n", cmd.CommandPath())
	}
	fmt.Fprint(stderr, message)
	return code
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
			return a.checkForm(cmd)
		},
	}
	root.PersistentFlags().StringVar(&a.db, "db", defaultDB, "the database: a path, a file: URI or a postgres:// URL")
	root.PersistentFlags().BoolVar(&a.JSON, "json", false, "print the result as JSON")
	root.PersistentFlags().BoolVar(&a.CSV, "csv", false, "print rows as CSV (RFC 4180); only of verbs that list rows")
	imports := &cobra.Command{Use: "import", Short: "Read what ggen wrote into the database",
		Example: "  tier2 import receipts .ggen/receipts", Args: cobra.NoArgs, RunE: missingVerb}
	imports.AddCommand(a.importReceipts(), a.importLog(), a.importTables())
	root.AddCommand(
		a.init(), a.verify(), imports,
		a.recent(), a.agents(), a.stages(), a.slo(), a.collisions(), a.sessions(), a.audit(), a.memory(), a.drift(), a.report(),
		a.export(), a.copy(), a.archive(), a.restore(), a.backup(), a.maintain(),
		a.seal(), a.prove(), a.keygen(), a.version(),
	)
	root.SetIn(a.In)
	root.SetOut(a.Out)
	root.SetErr(a.Err)
	shells(root)
	root.SetUsageTemplate(strings.NewReplacer(
		".LocalFlags.FlagUsages", fmt.Sprintf(".LocalFlags.FlagUsagesWrapped %d", helpWidth),
		".InheritedFlags.FlagUsages", fmt.Sprintf(".InheritedFlags.FlagUsagesWrapped %d", helpWidth),
	).Replace(root.UsageTemplate()))
	return root
}

// missingVerb rejects a command that needs a verb.
func missingVerb(cmd *cobra.Command, _ []string) error {
	return usagef("%q needs a verb", cmd.CommandPath())
}

// lists marks a verb that prints rows, and takes --csv.
const lists = "lists"

// listing marks cmd as a verb that prints rows.
func listing(cmd *cobra.Command) *cobra.Command {
	cmd.Annotations = map[string]string{lists: ""}
	return cmd
}

// checkForm rejects flags that ask for a form that the verb does not have.
func (a *app) checkForm(cmd *cobra.Command) error {
	_, ok := cmd.Annotations[lists]
	switch {
	case a.CSV && !ok:
		return usagef("--csv: %q lists no rows", cmd.CommandPath())
	case a.CSV && a.JSON:
		return usagef("give either --json or --csv")
	}
	return nil
}

// privateKey matches a key that signs, as keygen writes it.
var privateKey = regexp.MustCompile(`PRIVATE\+KEY\+[^\s"\']*`)

// redacted returns a message without private keys and without the passwords of databases in
// args: cobra repeats arguments that it does not understand.
func redacted(message string, args []string) string {
	message = privateKey.ReplaceAllString(message, "PRIVATE+KEY+...")
	for _, arg := range args {
		_, value, _ := strings.Cut(arg, "=")
		for _, secret := range []string{arg, strings.TrimLeft(arg, "-"), value} {
			if shown := backend.Redact(secret); shown != secret {
				quoted := strconv.Quote(secret)
				message = strings.ReplaceAll(message, quoted[1:len(quoted)-1], shown+"...")
				message = strings.ReplaceAll(message, secret, shown+"...")
			}
		}
	}
	return message
}

// built is the result of version.
type built struct {
	Version string `json:"version"` // of the module; "(devel)" for a checkout
	Commit  string `json:"commit"`  // of the checkout; "" if unknown
	Go      string `json:"go"`
	System  string `json:"system"` // GOOS/GOARCH
	Driver  string `json:"sqlite_driver"`
	SQLite  string `json:"sqlite_version"`
	Schema  int    `json:"schema_version"` // of new databases; older ones are upgraded
}

func (a *app) version() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Show the versions of this program, of SQLite and of the schema",
		Long: `Shows the version of the module, Go's, the SQLite that is built in, and the
version of the schema. --db is not used.`,
		Example: "  tier2 version --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			v := built{Version: "(devel)", Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH,
				Driver: sqlite.DriverModule, Schema: sqlite.SchemaVersion}
			if info, ok := debug.ReadBuildInfo(); ok {
				v.Version = info.Main.Version
				for _, s := range info.Settings {
					if s.Key == "vcs.revision" {
						v.Commit = s.Value
					}
				}
			}
			db, err := sql.Open(sqlite.DriverName, ":memory:")
			if err != nil {
				return err
			}
			defer db.Close() //nolint:errcheck // in memory
			if err := db.QueryRowContext(cmd.Context(), "SELECT sqlite_version()").Scan(&v.SQLite); err != nil {
				return err
			}
			return a.Print(v, "tier2 %s\n%s %s\nSQLite %s (%s)\nschema %d\n",
				strings.TrimSpace(v.Version+" "+v.Commit), v.Go, v.System, v.SQLite, v.Driver, v.Schema)
		},
	}
}

// database returns the database of a verb, its own argument or else --db, and its name in
// messages. It rejects an argument and a --db that differ.
func (a *app) database(cmd *cobra.Command, args []string) (dsn, where string, err error) {
	dsn = a.db
	if len(args) > 0 {
		dsn = args[0]
	}
	where, err = location(dsn)
	if err == nil && cmd.Flags().Changed("db") && a.db != dsn {
		err = usagef("the database is given twice: %s and --db", where)
	}
	return dsn, where, err
}

// location returns the name of a database in messages. It rejects databases in memory,
// which end with the command.
func location(dsn string) (string, error) {
	where, err := tier2.Location(dsn)
	if err == nil && where == ":memory:" {
		err = fmt.Errorf("%q is no file: it would be gone with the command", dsn)
	}
	if err != nil {
		return "", exitError{exitUsage, err}
	}
	return where, nil
}

// openExisting opens a database that must exist.
func openExisting(ctx context.Context, dsn string, opts ...tier2.Option) (*tier2.Store, error) {
	if _, err := location(dsn); err != nil {
		return nil, err
	}
	store, err := tier2.Open(ctx, dsn, append(opts, tier2.WithExisting())...)
	if errors.Is(err, models.ErrNotFound) {
		return nil, fmt.Errorf("%w; 'tier2 init' makes one", err)
	}
	return store, err
}

// with opens a database that must exist, calls fn with it and closes it.
func with(ctx context.Context, dsn string, opts []tier2.Option, fn func(store *tier2.Store) error) error {
	store, err := openExisting(ctx, dsn, opts...)
	if err != nil {
		return err
	}
	return errors.Join(fn(store), store.Close())
}

// show prints rows of --db that are in memory.
func show[T any](a *app, cmd *cobra.Command, limit term.Limit, columns []term.Column[T], fn func(store *tier2.Store) ([]T, error)) error {
	return a.read(cmd, func(store *tier2.Store) error {
		rows, err := fn(store)
		if err != nil {
			return err
		}
		return term.List(a.Console, limit, term.Each(rows), columns...)
	})
}

// read calls fn with --db, opened read-only: nothing is created, upgraded or written.
func (a *app) read(cmd *cobra.Command, fn func(store *tier2.Store) error) error {
	return with(cmd.Context(), a.db, []tier2.Option{tier2.WithReadOnly()}, func(store *tier2.Store) error {
		a.Busy("reading")
		return readKinds.exit(fn(store))
	})
}
