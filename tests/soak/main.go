// Command soak runs 8 processes that write and read one database for a long time, each with
// its own store, and then checks the database. It exits with 1 if the check finds anything.
//
//	go run ./tests/soak -duration 10m
//
// It uses a SQLite file and, if TIER2_TEST_POSTGRES is set, a new schema on that server.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/seanchatmangpt/ggen/tier2/internal/pgtest"
)

func main() {
	duration := flag.Duration("duration", 10*time.Minute, "how long each engine is written to")
	processes := flag.Int("processes", 8, "how many processes write")
	maxMemory := flag.Int64("max-memory", 512, "MiB that no process may use more of")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if dsn := os.Getenv(dsnEnv); dsn != "" {
		if err := work(ctx, dsn, *duration, *maxMemory<<20); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	s := &soak{duration: *duration, processes: *processes, maxMemory: *maxMemory << 20, out: os.Stdout}
	if err := run(ctx, s); err != nil {
		fmt.Fprintln(os.Stderr, "FAILED:", err)
		os.Exit(1)
	}
}

// run soaks the engines one after the other.
func run(ctx context.Context, s *soak) error {
	dir, err := os.MkdirTemp("", "tier2-soak-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := s.engine(ctx, "SQLite", filepath.Join(dir, "tier2.db"), filepath.Join(dir, "sqlite")); err != nil {
		return fmt.Errorf("SQLite: %w", err)
	}
	server := pgtest.Server()
	if server == "" {
		fmt.Fprintf(s.out, "PostgreSQL: skipped, %s is not set\n", pgtest.Env)
		return nil
	}
	dsn, drop, err := pgtest.New(ctx, server)
	if err != nil {
		return fmt.Errorf("PostgreSQL: %w", err)
	}
	defer drop()
	if err := s.engine(ctx, "PostgreSQL", dsn, filepath.Join(dir, "postgres")); err != nil {
		return fmt.Errorf("PostgreSQL: %w", err)
	}
	return nil
}
