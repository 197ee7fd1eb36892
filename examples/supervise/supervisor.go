package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/hooks"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

const (
	supervising = "supervisor" // the supervisor's name as an actor
	patience    = 2            // consecutive failures before it helps
)

// supervisor looks at the current state, not at the changes since its last look. So it
// misses nothing, and running two supervisors, or restarting one, does no harm.
type supervisor struct {
	store *tier2.Store
	out   io.Writer
}

func (s *supervisor) look(ctx context.Context) error {
	ctx = hooks.WithActor(ctx, supervising)
	return errors.Join(s.help(ctx), s.settle(ctx))
}

// help looks for agents that failed: a failed execution adds one to retry_count, a
// passed one sets it to 0.
func (s *supervisor) help(ctx context.Context) error {
	memories, _, err := s.store.Memory.List(ctx, repository.MemoryFilter{Page: repository.Page{Limit: repository.MaxLimit}})
	if err != nil {
		return err
	}
	for _, m := range memories {
		if m.RetryCount == 0 {
			continue
		}
		fmt.Fprintf(s.out, "  %s failed %d times: %s\n", m.AgentID, m.RetryCount, m.LastError)
		if m.RetryCount < patience {
			continue
		}
		// The advice and the reset of the counter are one transaction.
		err := s.store.Transaction(ctx, func(tx *tier2.Store) error {
			if err := tx.Memory.Merge(ctx, m.AgentID, models.JSON(`{"shapes":"default.ttl"}`)); err != nil {
				return err
			}
			return tx.Memory.ResetRetries(ctx, m.AgentID)
		})
		if err != nil {
			return err
		}
		fmt.Fprintf(s.out, "  -> %s is to take default.ttl\n", m.AgentID)
	}
	return nil
}

// settle resolves collisions, or ends the session at a collision that it cannot resolve.
func (s *supervisor) settle(ctx context.Context) error {
	collisions, _, err := s.store.Collisions.Unresolved(ctx, repository.CollisionFilter{SessionID: sessionID})
	if err != nil {
		return err
	}
	for _, c := range collisions {
		fmt.Fprintf(s.out, "  %s %s of %s and %s: %s\n", c.Severity, c.CollisionType, c.AgentID1, c.AgentID2, c.Description)
		if c.Severity == models.SeverityCritical {
			_, err := s.store.Sessions.Cancel(ctx, c.SessionID)
			if err != nil && !errors.Is(err, models.ErrNotRunning) { // another supervisor was faster
				return err
			}
			fmt.Fprintf(s.out, "  -> %s is cancelled\n", c.SessionID)
			return nil
		}
		err := s.store.Collisions.Resolve(ctx, c.ID, "keep what "+c.AgentID1+" made")
		if err != nil && !errors.Is(err, models.ErrConflict) { // the same
			return err
		}
		fmt.Fprintf(s.out, "  -> keep what %s made\n", c.AgentID1)
	}
	return nil
}
