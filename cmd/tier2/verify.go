package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

func (a *app) verify() *cobra.Command {
	return &cobra.Command{
		Use:   "verify [path]",
		Short: "Check the database, without changing it",
		Long: `Runs SQLite's quick_check and foreign_key_check, compares every table, index and
view with the schema, parses every JSON document, and looks for numbers and
timestamps that cannot be read. Each finding is a line on
stdout; exit code 1 if there is any. The path defaults to --db.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dsn, err := a.path(cmd, args)
			if err != nil {
				return err
			}
			file, err := filename(dsn)
			if err != nil {
				return usageError{err}
			}
			report, err := check(cmd.Context(), file)
			if err != nil {
				return err
			}
			return a.printReport(report)
		},
	}
}

// report is what a check found.
type report struct {
	Path      string   `json:"path"`
	Created   *bool    `json:"created,omitempty"` // of init: whether the file is new
	OK        bool     `json:"ok"`
	Tables    int      `json:"tables"`
	Indexes   int      `json:"indexes"`
	Views     int      `json:"views"`
	Documents int64    `json:"json_documents"` // how many were checked
	Findings  []string `json:"findings"`
}

func (r *report) add(format string, args ...any) {
	r.Findings = append(r.Findings, fmt.Sprintf(format, args...))
}

func (a *app) printReport(r *report) error {
	r.OK = len(r.Findings) == 0
	if a.json {
		if err := a.printJSON(r); err != nil {
			return err
		}
	} else if r.OK {
		fmt.Fprintf(a.stdout, "ok: %d tables, %d indexes, %d views, %d JSON documents\n", r.Tables, r.Indexes, r.Views, r.Documents)
	} else {
		for _, finding := range r.Findings {
			fmt.Fprintln(a.stdout, finding)
		}
	}
	if !r.OK {
		return errFound
	}
	return nil
}

// check examines the file. An error means that the check itself could not be made.
func check(ctx context.Context, file string) (*report, error) {
	r := &report{Path: file, Findings: []string{}}
	switch info, err := os.Stat(file); {
	case errors.Is(err, fs.ErrNotExist):
		r.add("file: %s does not exist", file)
		return r, nil
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		r.add("file: %s is no regular file", file)
		return r, nil
	}
	db, err := openRaw(ctx, file)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil { // such as a file that is no database
		r.add("database: %v", err)
		return r, nil
	}
	defer db.Close()
	for _, examine := range []func(context.Context, *sql.DB, *report) error{quickCheck, foreignKeys, schema, documents, values} {
		err := examine(ctx, db, r)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil { // so corrupt that nothing else can be asked
			r.add("database: %v", err)
			break
		}
	}
	return r, nil
}

// openRaw opens the file as it is: tier2.Open would make, upgrade or refuse it.
// mode=rw makes no file, and unlike mode=ro can read a WAL that a crash left behind;
// query_only keeps the rows and the schema from being changed.
func openRaw(ctx context.Context, file string) (*sql.DB, error) {
	name := "sqlite3" // the driver that package tier2 links with cgo
	if slices.Contains(sql.Drivers(), "sqlite") {
		name = "sqlite" // and the one without
	}
	path := filepath.ToSlash(file)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // file:///C:/...
	}
	db, err := sql.Open(name, "file://"+(&url.URL{Path: path}).EscapedPath()+"?mode=rw")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	for _, pragma := range []string{"busy_timeout(10000)", "query_only(ON)"} {
		if _, err := db.ExecContext(ctx, "PRAGMA "+pragma); err != nil {
			return nil, errors.Join(err, db.Close())
		}
	}
	return db, nil
}

var otherEngine = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*://`)

// filename is the absolute path that a path or file: URI names. Anything else has no
// file that could be checked.
func filename(dsn string) (string, error) {
	path := dsn
	if rest, ok := strings.CutPrefix(dsn, "file:"); ok {
		rest, _, _ := strings.Cut(rest, "#")
		rest, query, _ := strings.Cut(rest, "?")
		if after, ok := strings.CutPrefix(rest, "//"); ok {
			_, after, _ = strings.Cut(after, "/")
			rest = "/" + after
		}
		if strings.Contains(query, "mode=memory") {
			return "", fmt.Errorf("%q is no file", dsn)
		}
		var err error
		if path, err = url.PathUnescape(rest); err != nil {
			return "", err
		}
	} else if otherEngine.MatchString(dsn) {
		return "", fmt.Errorf("%q is no SQLite file", dsn)
	}
	if strings.TrimSpace(path) == "" || path == ":memory:" || strings.IndexByte(path, 0) >= 0 {
		return "", fmt.Errorf("%q is no file", dsn)
	}
	return filepath.Abs(path)
}
