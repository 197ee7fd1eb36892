// Supervise watches the agents of one session and intervenes: it resolves collisions, helps
// an agent that fails repeatedly, and ends the session at a collision that it cannot resolve.
//
//	go run ./examples/supervise
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

const sessionID = "session-1"

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "supervise:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) (err error) {
	folder, err := os.MkdirTemp("", "tier2-supervise-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)

	// This clock advances only by hand, so that the output is reproducible.
	now := time.Date(2026, 1, 29, 12, 0, 0, 0, time.UTC)
	store, err := tier2.Open(ctx, filepath.Join(folder, "tier2.db"), tier2.WithClock(func() time.Time { return now }))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if err := store.Sessions.Start(ctx, &models.WorkflowSession{SessionID: sessionID, AgentCount: int64(len(agents))}); err != nil {
		return err
	}

	// The supervisor acts after each round, so that the output is reproducible. A real
	// supervisor uses a time.Ticker, in another goroutine or program.
	watch := &supervisor{store: store, out: out}
	for round := 1; ; round++ {
		working, err := work(ctx, store, round)
		if err != nil {
			return err
		}
		if working == 0 {
			return show(ctx, out, store)
		}
		now = now.Add(time.Minute)
		fmt.Fprintf(out, "round %d\n", round)
		if err := watch.look(ctx); err != nil {
			return err
		}
	}
}

// work runs one round of all agents at the same time and returns the number of agents that
// could work.
func work(ctx context.Context, store *tier2.Store, round int) (working int, err error) {
	errs := make([]error, len(agents))
	var wg sync.WaitGroup
	for i, a := range agents {
		wg.Go(func() { errs[i] = a.execute(ctx, store, round) })
	}
	wg.Wait()
	for i := range errs {
		if errors.Is(errs[i], models.ErrNotRunning) { // the session was ended
			errs[i] = nil
			continue
		}
		working++
	}
	return working, errors.Join(errs...)
}

// show prints the end of the session and the supervisor's entries in the audit log.
func show(ctx context.Context, out io.Writer, store *tier2.Store) error {
	session, err := store.Sessions.Get(ctx, sessionID)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s is %s: %d executions passed, %d failed\n", session.SessionID, session.Status,
		session.SuccessfulOperations, session.FailedOperations)
	entries, _, err := store.Audit.List(ctx, repository.AuditFilter{AgentID: supervising})
	for _, e := range slices.Backward(entries) { // oldest first
		fmt.Fprintf(out, "audit  %s %s\n", e.Timestamp.Format("15:04"), e.Operation)
	}
	return err
}
