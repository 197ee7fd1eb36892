package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// agent runs one execution per round.
type agent struct {
	name string
	do   func(ctx context.Context, store *tier2.Store, round int) error
}

var agents = []agent{{"emitter", emit}, {"normalizer", normalize}, {"validator", validate}}

// execute records one execution of the agent. After the end of the session Begin returns
// ErrNotRunning, and the agent stops.
func (a agent) execute(ctx context.Context, store *tier2.Store, round int) error {
	execution, err := store.Executions.Begin(ctx, a.name, models.OperationGeneration,
		repository.ExecutionOptions{ExecutionID: fmt.Sprintf("%s-%d", a.name, round), SessionID: sessionID})
	if err != nil {
		return err
	}
	_, err = execution.Finish(ctx, repository.Outcome{Err: a.do(ctx, store, round)})
	return err
}

// emit collides with the validator in the second round, and critically in the fourth.
func emit(ctx context.Context, store *tier2.Store, round int) error {
	c := &models.Collision{SessionID: sessionID, AgentID1: "emitter", AgentID2: "validator"}
	switch round {
	case 2:
		c.CollisionType, c.Severity, c.Description = models.FileConflict, models.SeverityWarning, "both wrote src/model.rs"
	case 4:
		c.CollisionType, c.Severity, c.Description = models.SemanticOverlap, models.SeverityCritical, "both define schema:Port"
	default:
		return nil
	}
	return store.Collisions.Report(ctx, c)
}

// normalize fails until its memory names the shapes to use.
func normalize(ctx context.Context, store *tier2.Store, _ int) error {
	memory, err := store.Memory.Get(ctx, "normalizer")
	if errors.Is(err, models.ErrNotFound) {
		return errors.New("shapes.ttl is missing")
	}
	if err != nil {
		return err
	}
	var doc struct {
		Shapes string `json:"shapes"`
	}
	if err := memory.MemoryJSON.Decode(&doc); err != nil {
		return err
	}
	if doc.Shapes == "" {
		return errors.New("shapes.ttl is missing")
	}
	return nil
}

func validate(context.Context, *tier2.Store, int) error { return nil }
