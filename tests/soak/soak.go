package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/tests/workload"
)

// Parameters of a writing process.
const (
	dsnEnv     = "TIER2_SOAK_DSN"
	journalEnv = "TIER2_SOAK_JOURNALS"
	lifeEnv    = "TIER2_SOAK_LIFE"
)

// soak holds the options of a run.
type soak struct {
	duration  time.Duration
	processes int
	maxMemory int64 // bytes per process
	out       io.Writer
}

// engine soaks one database, checks it and prints the counts. Its error summarizes the
// findings.
func (s *soak) engine(ctx context.Context, name, dsn, journals string) error {
	if err := os.Mkdir(journals, 0o700); err != nil {
		return err
	}
	if err := workload.Start(ctx, dsn); err != nil {
		return err
	}
	begun := time.Now()
	memories, err := s.run(ctx, dsn, journals)
	if err != nil {
		return err
	}
	took := time.Since(begun)
	if err := ctx.Err(); err != nil {
		return err
	}
	r, err := workload.Check(ctx, dsn, journals)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "%s: %d processes, %v: %d steps acknowledged (%.0f/s), %d reads, %d refused; %d rows, %d audit entries (%.0f/s)\n",
		name, s.processes, took.Round(time.Second), r.Acknowledged, float64(r.Acknowledged)/took.Seconds(), r.Reads, r.Refused,
		r.Rows, r.Entries, float64(r.Entries)/took.Seconds())
	for _, m := range memories {
		fmt.Fprintln(s.out, m)
	}
	for _, message := range slices.Sorted(maps.Keys(r.Errors)) {
		fmt.Fprintf(s.out, "%s: refused %d times: %s\n", name, r.Errors[message], message)
	}
	for _, finding := range r.Findings {
		fmt.Fprintf(s.out, "%s: %s\n", name, finding)
	}
	switch {
	case len(r.Findings) > 0:
		return fmt.Errorf("%d violations", len(r.Findings))
	case r.Refused > 0:
		return fmt.Errorf("%d steps were refused", r.Refused)
	case r.Killed > 0:
		return fmt.Errorf("%d steps have no outcome", r.Killed)
	case r.Acknowledged == 0 || r.Reads == 0:
		return errors.New("nothing was done")
	}
	return nil
}

// run runs the processes and returns the memory report of each.
func (s *soak) run(ctx context.Context, dsn, journals string) (memories []string, err error) {
	var mu sync.Mutex
	var all sync.WaitGroup
	for p := range s.processes {
		all.Go(func() {
			life := fmt.Sprint("p", p)
			cmd := exec.Command(os.Args[0], "-duration", s.duration.String(), "-max-memory", fmt.Sprint(s.maxMemory>>20))
			cmd.Env = append(os.Environ(), dsnEnv+"="+dsn, journalEnv+"="+journals, lifeEnv+"="+life)
			output, failed := cmd.CombinedOutput()
			mu.Lock()
			defer mu.Unlock()
			if failed != nil {
				err = errors.Join(err, fmt.Errorf("process %s: %w: %s", life, failed, output))
				return
			}
			memories = append(memories, strings.TrimSpace(string(output)))
		})
	}
	all.Wait()
	slices.Sort(memories)
	return memories, errors.Join(err, ctx.Err())
}

// work is the work of one process.
func work(ctx context.Context, dsn string, duration time.Duration, maxMemory int64) (err error) {
	ctx, cancel := context.WithTimeout(ctx, duration)
	defer cancel()
	life := os.Getenv(lifeEnv)
	journal, err := workload.OpenJournal(os.Getenv(journalEnv), life)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, journal.Close()) }()
	w := &workload.Worker{
		Open: func(ctx context.Context) (*tier2.Store, error) { return tier2.Open(ctx, dsn, tier2.WithExisting()) },
		Life: life, Journal: journal, Rand: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())), Reads: true,
	}
	watched := make(chan memory)
	go func() { watched <- watch(ctx, duration) }()
	err = w.Run(ctx)
	cancel()
	used := <-watched
	fmt.Println(life, used)
	return errors.Join(err, used.check(maxMemory))
}
