// Bench compares tier2 with hand-written SQL and with plain GORM in one run, and writes the
// results to BENCHMARKS.md.
//
// The contestants of a case take turns, each time in another order. The result is the
// median of the ratios per round. PostgreSQL is included if TIER2_TEST_POSTGRES is the URL of
// a database in which schemas may be created.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"

	"github.com/seanchatmangpt/ggen/tier2/internal/pgtest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	rounds := flag.Int("rounds", 11, "how often each contestant of a case takes its turn")
	inMillions := flag.Bool("large", false, "the cases with a million receipts instead of the others")
	only := flag.String("run", "", "only the cases whose name matches this `regexp`, and without writing BENCHMARKS.md")
	child := flag.String("stream", "", "read every receipt of this `file` as -contestant does, and print what that took")
	contestant := flag.String("contestant", "tier2", "who reads, with -stream")
	flag.Parse()
	if *child != "" {
		return streamHere(ctx, *child, *contestant)
	}
	match, err := regexp.Compile(*only)
	if err != nil {
		return err
	}
	sections := []func(context.Context, int, *regexp.Regexp) (section, error){smallSection}
	if *inMillions {
		sections[0] = largeSection
	} else if pgtest.Server() != "" {
		sections = append(sections, postgresSection)
	}
	for _, measure := range sections {
		s, err := measure(ctx, *rounds, match)
		if err != nil {
			return err
		}
		if *only == "" {
			if err := s.write(); err != nil {
				return err
			}
		}
	}
	return nil
}

func smallSection(ctx context.Context, rounds int, match *regexp.Regexp) (section, error) {
	return emptySection(ctx, section{name: "sqlite", title: "SQLite", rounds: rounds}, "", match)
}

func postgresSection(ctx context.Context, rounds int, match *regexp.Regexp) (section, error) {
	return emptySection(ctx, section{name: "postgres", title: "PostgreSQL", rounds: rounds}, pgtest.Server(), match)
}

func emptySection(ctx context.Context, s section, server string, match *regexp.Regexp) (section, error) {
	d, err := newDatabases(server)
	if err != nil {
		return s, err
	}
	if s.versions, err = versions(ctx, d); err == nil {
		err = s.run(ctx, cases(d), match)
	}
	return s, errors.Join(err, d.close())
}

func largeSection(ctx context.Context, rounds int, match *regexp.Regexp) (s section, err error) {
	d, err := newDatabases("")
	if err != nil {
		return s, err
	}
	s = section{name: "large", title: "SQLite, a million receipts", rounds: rounds}
	if s.versions, err = versions(ctx, d); err == nil {
		shelf := newShelf(d, million)
		err = s.run(ctx, largeCases(shelf), match)
		err = errors.Join(err, shelf.close())
	}
	return s, errors.Join(err, d.close())
}
