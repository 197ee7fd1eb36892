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

// collide reports that coder and another agent wrote the same file in session swarm-1,
// and returns the collision's id.
func collide(store *tier2.Store, other string, severity models.Severity) int64 {
	c := &models.Collision{
		SessionID: "swarm-1", AgentID1: "coder", AgentID2: other,
		CollisionType: models.FileConflict, Severity: severity, Description: "both wrote main.rs",
	}
	if err := store.Collisions.Report(context.Background(), c); err != nil {
		log.Fatal(err)
	}
	return c.ID
}

func ExampleCollisions_Report() {
	ctx := context.Background()
	store := open() // in memory
	defer store.Close()
	start(store, "swarm-1")

	collision := &models.Collision{
		SessionID: "swarm-1", AgentID1: "coder", AgentID2: "reviewer",
		CollisionType: models.FileConflict, Severity: models.SeverityWarning, Description: "both wrote main.rs",
	}
	if err := store.Collisions.Report(ctx, collision); err != nil {
		log.Fatal(err)
	}
	fmt.Println(collision.ID)

	memory, err := store.Memory.Get(ctx, "reviewer") // both agents remember it
	if err != nil {
		log.Fatal(err)
	}
	var history []struct{ With, Type string }
	if err := memory.CollisionHistory.Decode(&history); err != nil {
		log.Fatal(err)
	}
	fmt.Println(history)
	// Output:
	// 1
	// [{coder file_conflict}]
}

func ExampleCollisions_Resolve() {
	ctx := context.Background()
	store := open() // in memory
	defer store.Close()
	start(store, "swarm-1")
	id := collide(store, "reviewer", models.SeverityWarning)

	fmt.Println(store.Collisions.Resolve(ctx, id, "kept the reviewer's version"))
	err := store.Collisions.Resolve(ctx, id, "merged by hand")
	fmt.Println(errors.Is(err, models.ErrConflict))
	// Output:
	// <nil>
	// true
}

func ExampleCollisions_BySession() {
	ctx := context.Background()
	store := open() // in memory
	defer store.Close()
	start(store, "swarm-1")
	collide(store, "reviewer", models.SeverityWarning)
	collide(store, "tester", models.SeverityInfo)

	collisions, err := store.Collisions.BySession(ctx, "swarm-1")
	if err != nil {
		log.Fatal(err)
	}
	for _, c := range collisions { // newest first
		fmt.Println(c.AgentID1, c.AgentID2, c.Severity)
	}

	collisions, err = store.Collisions.BetweenAgents(ctx, "reviewer", "coder") // in either order
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(collisions))
	// Output:
	// coder tester info
	// coder reviewer warning
	// 1
}

func ExampleCollisions_List() {
	ctx := context.Background()
	store := open() // in memory
	defer store.Close()
	start(store, "swarm-1")
	collide(store, "reviewer", models.SeverityWarning)
	id := collide(store, "tester", models.SeverityInfo)
	if err := store.Collisions.Resolve(ctx, id, "same content"); err != nil {
		log.Fatal(err)
	}

	all, _, err := store.Collisions.List(ctx, repository.CollisionFilter{AgentID: "coder"})
	if err != nil {
		log.Fatal(err)
	}
	unresolved, _, err := store.Collisions.Unresolved(ctx, repository.CollisionFilter{AgentID: "coder"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(all), len(unresolved), unresolved[0].AgentID2)
	// Output: 2 1 reviewer
}

func ExampleCollisions_Summary() {
	ctx := context.Background()
	store := open() // in memory
	defer store.Close()
	start(store, "swarm-1")
	collide(store, "reviewer", models.SeverityWarning)
	collide(store, "tester", models.SeverityWarning)
	collide(store, "tester", models.SeverityInfo)

	summary, err := store.Collisions.Summary(ctx, time.Time{}, time.Time{}) // since and until: of all times
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range summary {
		fmt.Println(s.CollisionType, s.Severity, s.Count)
	}
	// Output:
	// file_conflict warning 2
	// file_conflict info 1
}
