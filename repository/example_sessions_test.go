package repository_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// start starts sessions of two agents.
func start(store *tier2.Store, ids ...string) {
	for _, id := range ids {
		if err := store.Sessions.Start(context.Background(), &models.WorkflowSession{SessionID: id, AgentCount: 2}); err != nil {
			log.Fatal(err)
		}
	}
}

func ExampleSessions_Start() {
	ctx := context.Background()
	store := open() // empty, in memory
	defer store.Close()

	session := &models.WorkflowSession{SessionID: "swarm-1", AgentCount: 3} // without a SessionID it gets a new one
	if err := store.Sessions.Start(ctx, session); err != nil {
		log.Fatal(err)
	}
	fmt.Println(session.SessionID, session.Status, session.StartTime.Format(time.TimeOnly))
	// Output: swarm-1 running 12:00:00
}

func ExampleSessions_Finish() {
	ctx := context.Background()
	now := time.Date(2026, 1, 29, 9, 0, 0, 0, time.UTC)
	store := open(tier2.WithClock(func() time.Time { return now })) // in memory
	defer store.Close()
	start(store, "swarm-1")

	if err := store.Sessions.AddOutcome(ctx, "swarm-1", 5, 1); err != nil { // succeeded, failed
		log.Fatal(err)
	}
	now = now.Add(90 * time.Second)
	session, err := store.Sessions.Finish(ctx, "swarm-1")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(session.Status, *session.TotalDurationMS, session.SuccessfulOperations, session.FailedOperations)

	_, err = store.Sessions.Finish(ctx, "swarm-1")
	fmt.Println(errors.Is(err, models.ErrNotRunning))
	// Output:
	// completed 90000 5 1
	// true
}

// A session that did not complete has failed, or was cancelled.
func ExampleSessions_Cancel() {
	ctx := context.Background()
	store := open() // in memory
	defer store.Close()
	start(store, "swarm-1", "swarm-2")

	failed, err := store.Sessions.Fail(ctx, "swarm-1")
	if err != nil {
		log.Fatal(err)
	}
	cancelled, err := store.Sessions.Cancel(ctx, "swarm-2")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(failed.Status, cancelled.Status)
	// Output: failed cancelled
}

func ExampleSessions_List() {
	ctx := context.Background()
	store := open() // in memory
	defer store.Close()
	start(store, "swarm-1", "swarm-2")
	if _, err := store.Sessions.Finish(ctx, "swarm-1"); err != nil {
		log.Fatal(err)
	}

	completed, _, err := store.Sessions.List(ctx, repository.SessionFilter{Status: models.SessionCompleted})
	if err != nil {
		log.Fatal(err)
	}
	running, err := store.Sessions.Active(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(completed[0].SessionID, running[0].SessionID)

	session, err := store.Sessions.Get(ctx, "swarm-1")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(session.SessionID, session.Status, session.AgentCount)
	// Output:
	// swarm-1 swarm-2
	// swarm-1 completed 2
}
