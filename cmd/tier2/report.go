package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/report"
)

func (a *app) report() *cobra.Command {
	var out, title string
	var f filters
	cmd := &cobra.Command{
		Use:   "report --out FILE",
		Short: "Write one HTML page about what happened",
		Long: `Writes a page with executions over time by status, how long stages and agents
took (p50, p95, p99), missed SLO targets, who collided with whom, the latest
failures and drift. It is one file, of less than 2 MB, that opens without a
network.

The file gets its name when it is whole. An HTML page or an empty file of that
name is replaced and lends its permissions; a new one is 0600. Anything else of
that name is left alone: exit code 1. --out - writes to stdout, and --json
prints the figures instead of the page. Times are ISO 8601, in UTC unless they
say otherwise, or how long ago: 7d, 24h.`,
		Example: "  tier2 report --out report.html --since 7d",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if a.JSON != (out == "") {
				return usagef("give --out FILE, --out - for stdout, or --json without --out")
			}
			return a.makeReport(cmd, out, report.Options{Title: title, AgentID: f.agent, Since: f.since.Time, Until: f.until.Time})
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "the file to write, or - for stdout")
	f.byAgent(a, cmd, "what was done")
	cmd.Flags().StringVar(&title, "title", "", `the heading of the page (default "tier2 report")`)
	f.byTime(cmd, "what began")
	return cmd
}

func (a *app) makeReport(cmd *cobra.Command, out string, opts report.Options) error {
	where, err := location(a.db)
	if err != nil {
		return err
	}
	var target *page
	if out != "" && out != "-" {
		target, err = newPage(out, where)
		if err != nil {
			return reportKinds.exit(err)
		}
	}
	return with(cmd.Context(), a.db, []tier2.Option{tier2.WithReadOnly()}, func(store *tier2.Store) error {
		a.Busy("reading")
		data, err := report.Gather(cmd.Context(), store, opts)
		switch {
		case err != nil:
			return reportKinds.exit(err)
		case a.JSON:
			return a.PrintJSON(data)
		case target == nil:
			return data.WriteHTML(a.Out)
		}
		bytes, err := target.write(data.WriteHTML)
		if err == nil {
			_, err = fmt.Fprintf(a.Out, "wrote %s: %d executions, %d bytes\n", target.path, data.Totals.Executions, bytes)
		}
		return err
	})
}

// page is the file that report writes.
type page struct {
	path string
	mode os.FileMode
}

// pageStart is the beginning of every page that report writes.
const pageStart = "<!DOCTYPE html>"

// newPage returns the page to write. Errors: a usage error for a path that belongs to the
// database, models.ErrConflict for an existing file that is not a page.
func newPage(path, database string) (*page, error) {
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		if same(path, database+suffix) {
			return nil, usagef("--out %s belongs to the database", path)
		}
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return &page{path, 0o600}, nil
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("--out %s is no file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	start := make([]byte, len(pageStart))
	n, err := io.ReadFull(f, start)
	switch {
	case n == 0 && errors.Is(err, io.EOF), err == nil && string(start) == pageStart:
		return &page{path, info.Mode().Perm()}, nil
	case err != nil && !errors.Is(err, io.ErrUnexpectedEOF):
		return nil, err
	}
	return nil, &models.Error{Column: "out", Value: path, Reason: "exists and is no HTML page", Kind: models.ErrConflict}
}

// same reports whether two paths name the same file, or would if it existed.
func same(a, b string) bool {
	if abs, err := filepath.Abs(a); err == nil && abs == b {
		return true
	}
	one, err := os.Stat(a)
	if err != nil {
		return false
	}
	other, err := os.Stat(b)
	return err == nil && os.SameFile(one, other)
}

// write writes the output of fn to the path and returns its size. On any error it leaves
// the path unchanged.
func (p *page) write(fn func(io.Writer) error) (size int64, err error) {
	f, err := os.CreateTemp(filepath.Dir(p.path), filepath.Base(p.path)+".*.tmp")
	if err != nil {
		return 0, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if err = errors.Join(fn(f), f.Chmod(p.mode), f.Sync()); err != nil {
		return 0, errors.Join(err, f.Close())
	}
	info, err := f.Stat()
	if err = errors.Join(err, f.Close()); err != nil {
		return 0, err
	}
	return info.Size(), os.Rename(f.Name(), p.path)
}
