// Bench compares tier2 with hand-written SQL and with plain GORM, in one run, and
// writes what it measured to BENCHMARKS.md.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	rounds := flag.Int("rounds", 11, "how often each contestant runs")
	flag.Parse()
	if err := run(context.Background(), *rounds); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, rounds int) error {
	dir, err := os.MkdirTemp("", "tier2-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	n := 0
	newDSN := func() string { n++; return filepath.Join(dir, fmt.Sprintf("%d.db", n)) }
	for _, b := range cases(newDSN, false) {
		results, err := b.run(ctx, rounds)
		if err != nil {
			return err
		}
		fmt.Printf("%s\n", b.name)
		for _, m := range results {
			fmt.Printf("  %-14s %10s /%s  %6.2f x time  %7.0f allocs  %5.2f x allocs\n", m.contestant, m.time, b.unit, m.timeRatio, m.allocs, m.allocRatio)
		}
	}
	return nil
}
