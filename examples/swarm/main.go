// Swarm runs three agents in parallel in one session. Each agent records executions, two of
// them collide, and the session counts the results.
//
//	go run ./examples/swarm
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

const (
	sessionID = "swarm-1"
	runs      = 8 // per agent
)

var agents = []string{"emitter", "normalizer", "validator"}

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "swarm:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) (err error) {
	folder, err := os.MkdirTemp("", "tier2-swarm-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)

	noon := time.Date(2026, 1, 29, 12, 0, 0, 0, time.UTC)
	store, err := tier2.Open(ctx, filepath.Join(folder, "tier2.db"), tier2.WithClock(func() time.Time { return noon }))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()

	session := &models.WorkflowSession{SessionID: sessionID, AgentCount: int64(len(agents))}
	if err := store.Sessions.Start(ctx, session); err != nil {
		return err
	}
	if err := swarm(ctx, store); err != nil {
		return err
	}
	if err := collide(ctx, store); err != nil {
		return err
	}
	if _, err := store.Sessions.Finish(ctx, sessionID); err != nil {
		return err
	}
	return show(ctx, out, store)
}

// swarm runs each agent in its own goroutine, all with the same store.
func swarm(ctx context.Context, store *tier2.Store) error {
	errs := make([]error, len(agents))
	var wg sync.WaitGroup
	for i, agent := range agents {
		wg.Go(func() {
			for n := range runs {
				errs[i] = errors.Join(errs[i], work(ctx, store, agent, n))
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// work records one execution. Every fourth execution of the validator fails.
func work(ctx context.Context, store *tier2.Store, agent string, n int) error {
	execution, err := store.Executions.Begin(ctx, agent, models.OperationValidation,
		repository.ExecutionOptions{ExecutionID: fmt.Sprintf("%s-%d", agent, n), SessionID: sessionID})
	if err != nil {
		return err
	}
	failed := execution.Stage(ctx, models.StageNormalize, func(context.Context, *repository.StageResult) error {
		if agent == "validator" && n%4 == 3 {
			return fmt.Errorf("shape %d is violated", n)
		}
		return nil
	})
	_, err = execution.Finish(ctx, repository.Outcome{Err: failed})
	return err
}

// collide reports two collisions and resolves the first.
func collide(ctx context.Context, store *tier2.Store) error {
	file := &models.Collision{
		SessionID: sessionID, AgentID1: "emitter", AgentID2: "normalizer", CollisionType: models.FileConflict,
		Severity: models.SeverityWarning, Description: "both wrote src/model.rs",
	}
	if err := store.Collisions.Report(ctx, file); err != nil {
		return err
	}
	if err := store.Collisions.Resolve(ctx, file.ID, "kept the emitter's"); err != nil {
		return err
	}
	return store.Collisions.Report(ctx, &models.Collision{
		SessionID: sessionID, AgentID1: "validator", AgentID2: "emitter", CollisionType: models.SemanticOverlap,
		Severity: models.SeverityCritical, Description: "both define schema:Port",
	})
}

func show(ctx context.Context, out io.Writer, store *tier2.Store) error {
	session, err := store.Sessions.Get(ctx, sessionID)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "session    %s %s: %d agents, %d operations passed, %d failed\n", session.SessionID,
		session.Status, session.AgentCount, session.SuccessfulOperations, session.FailedOperations)

	collisions, err := store.Collisions.BySession(ctx, sessionID)
	if err != nil {
		return err
	}
	for _, c := range collisions {
		fmt.Fprintf(out, "collision  %s %s of %s and %s: %s; resolution %q\n",
			c.Severity, c.CollisionType, c.AgentID1, c.AgentID2, c.Description, c.Resolution)
	}

	for _, agent := range agents {
		memory, err := store.Memory.Get(ctx, agent)
		if err != nil {
			return err
		}
		var doc struct {
			Activity struct {
				Executions map[string]int `json:"executions"`
			} `json:"_activity"`
		}
		var history []struct {
			With string `json:"with"`
		}
		if err := errors.Join(memory.MemoryJSON.Decode(&doc), memory.CollisionHistory.Decode(&history)); err != nil {
			return err
		}
		fmt.Fprintf(out, "memory     %-10s %d passed, %d failed, %d collisions\n", agent,
			doc.Activity.Executions["passed"], doc.Activity.Executions["failed"], len(history))
	}
	return nil
}
