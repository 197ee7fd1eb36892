package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/seanchatmangpt/ggen/tier2"
)

// section is a part of BENCHMARKS.md that one run replaces.
type section struct {
	name     string // between <!-- name --> and <!-- /name --> in the file
	title    string
	rounds   int
	versions string
	cases    []result
}

// result holds the measurements of the contestants of a case.
type result struct {
	bout
	list []*measurement
}

// run measures the matching cases and prints the result of each.
func (s *section) run(ctx context.Context, bouts []bout, match *regexp.Regexp) error {
	fmt.Printf("%s (%s)\n", s.title, s.versions)
	for _, b := range bouts {
		if !match.MatchString(b.name) {
			continue
		}
		list, err := b.run(ctx, s.rounds)
		if err != nil {
			return err
		}
		r := result{b, list}
		s.cases = append(s.cases, r)
		r.print()
	}
	return nil
}

func (r result) print() {
	fmt.Printf("\n%s\n", r.name)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	for _, m := range r.list {
		fmt.Fprintf(w, "  %s\t%s\n", r.who(m), strings.Join(r.cells(m, measured(r)), "\t"))
	}
	w.Flush()
	for _, t := range r.targets {
		fmt.Printf("  %s: %s\n", t.who, t.judge(r.list))
	}
}

// who returns the name of a contestant, marked if it ran only once.
func (r result) who(m *measurement) string {
	if slices.Contains(r.once, m.contestant) {
		return m.contestant + " (once)"
	}
	return m.contestant
}

// measured returns the quantities that the cases have.
func measured(cases ...result) (list []quantity) {
	for q := range quantities {
		if slices.ContainsFunc(cases, func(r result) bool {
			return slices.ContainsFunc(r.list, func(m *measurement) bool { return len(m.rounds[q]) > 0 })
		}) {
			list = append(list, q)
		}
	}
	return list
}

// cells returns the columns after the contestant's name: per quantity the median and the
// ratio to the first contestant.
func (r result) cells(m *measurement, of []quantity) (cells []string) {
	for _, q := range of {
		value, ratio := "", ""
		if v, ok := m.median(q); ok {
			value = show(q, v)
			if q == elapsed {
				value += "/" + r.unit
			}
		}
		if v, ok := m.ratio(q, r.list[0]); ok {
			ratio = fmt.Sprintf("%.2f ×", v)
		}
		if q == elapsed && m.stopped > 0 {
			value = "> " + m.stopped.String()
		}
		cells = append(cells, value, ratio)
	}
	return cells
}

// preface is the beginning of the file.
const preface = `# Benchmarks

The same work done by hand-written SQL (prepared statements, one transaction for the writes that belong
together, nothing checked), by plain GORM as its documentation teaches, by tier2 through its repositories, and
by tier2 through ` + "`store.DB()`" + `; all of them on the same driver, pragmas and schema, and all leave equal rows, but for the
` + "`digest`, which tier2 alone writes: `go test ./bench`" + ` holds that. "Schema 1.0.0" is the schema before this module, where it makes a difference. The
contestants of a case take turns in one process, each round in another order.

**Absolute times mean nothing here**: they are those of one machine that others use as well. Ratios are medians
of the ratios of each round, to the first contestant of the case, and those are what to compare. Each section is
written by its command, which measures all of it again; a target is judged by the run that the section shows.
`

// write replaces the section in BENCHMARKS.md and leaves the others unchanged.
func (s section) write() error {
	dir, err := root()
	if err != nil {
		return err
	}
	path := filepath.Join(dir, "BENCHMARKS.md")
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.WriteFile(path, []byte(s.replaceIn(string(old))), 0o644)
}

// notesMark begins the notes at the end of the file, which are written by hand.
const notesMark = "<!-- notes -->\n"

// replaceIn returns the file with this section replaced by the new results.
func (s section) replaceIn(file string) string {
	text := preface
	for _, name := range []string{"sqlite", "postgres", "large"} {
		begin, end := "<!-- "+name+" -->\n", "<!-- /"+name+" -->\n"
		_, body, _ := strings.Cut(file, begin)
		body, _, found := strings.Cut(body, end)
		if name == s.name {
			body, found = s.markdown(), true
		}
		if found {
			text += "\n" + begin + body + end
		}
	}
	if _, notes, found := strings.Cut(file, notesMark); found {
		text += "\n" + notesMark + notes
	}
	return text
}

func (s section) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n\n", s.title)
	fmt.Fprintf(&b, "`%s` on %s: %s. %s/%s, %d cores, %d rounds.\n\n", strings.Join(append([]string{"go run ./bench"}, os.Args[1:]...), " "), time.Now().UTC().Format(time.DateOnly), s.versions,
		runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), s.rounds)
	columns := measured(s.cases...)
	b.WriteString("| case | contestant |")
	for _, q := range columns {
		fmt.Fprintf(&b, " %s | ratio |", q)
	}
	b.WriteString(" target |\n|---|---|" + strings.Repeat("---|---|", len(columns)) + "---|\n")
	for _, r := range s.cases {
		name := r.name
		if r.rounds > 0 && r.rounds < s.rounds {
			name += fmt.Sprintf(" (%d rounds)", r.rounds)
		}
		for _, m := range r.list {
			var verdicts []string
			for _, t := range r.targets {
				if t.who == m.contestant {
					verdicts = append(verdicts, t.judge(r.list))
				}
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", name, r.who(m), strings.Join(r.cells(m, columns), " | "), strings.Join(verdicts, "<br>"))
			name = ""
		}
	}
	return b.String()
}

// versions returns the components and their versions in this build and server.
func versions(ctx context.Context, d *databases) (string, error) {
	dsn, drop, err := d.dsn(ctx, false)
	if err != nil {
		return "", err
	}
	defer drop()
	store, err := tier2.Open(ctx, dsn)
	if err != nil {
		return "", err
	}
	defer store.Close()
	engine, query := "SQLite", "SELECT sqlite_version()"
	if d.onPostgres() {
		engine, query = "PostgreSQL", "SHOW server_version"
	}
	var version string
	if err := store.DB().WithContext(ctx).Raw(query).Scan(&version).Error; err != nil {
		return "", err
	}
	driver := "github.com/jackc/pgx/v5"
	if !d.onPostgres() {
		pool, err := store.DB().DB()
		if err != nil {
			return "", err
		}
		driver = reflect.TypeOf(pool.Driver()).Elem().PkgPath()
	}
	list := []string{runtime.Version(), engine + " " + version}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dep := range info.Deps {
			if dep.Path == driver || dep.Path == "gorm.io/gorm" {
				list = append(list, dep.Path+" "+dep.Version)
			}
		}
	}
	return strings.Join(list, ", "), nil
}
