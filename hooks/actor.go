package hooks

import (
	"context"
	"fmt"
	"strings"

	"github.com/seanchatmangpt/ggen/tier2/internal/actor"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// SystemActor acts where neither the context nor the row names an agent.
const SystemActor = "system"

// WithActor says who is acting in ctx: the agent_id of the audit entries and the
// agent whose memory is updated. A blank agent changes nothing.
func WithActor(ctx context.Context, agent string) context.Context { return actor.With(ctx, agent) }

// Actor is who acts in ctx, or "" if nobody said.
func Actor(ctx context.Context) string { return actor.From(ctx) }

// checkActor refuses an actor that agent_id cannot hold.
func checkActor(agent string) error {
	if storable(agent) == agent {
		return nil
	}
	return &models.Error{
		Table: "audit_log", Column: "agent_id", Value: agent, Kind: models.ErrInvalid,
		Reason: fmt.Sprintf("an actor must be UTF-8 text without NUL, of at most %d bytes", models.MaxKeyBytes),
	}
}

// storable is the agent in a form that agent_id can hold.
func storable(agent string) string {
	if agent = clean(agent); len(agent) > models.MaxKeyBytes {
		agent = strings.ToValidUTF8(agent[:models.MaxKeyBytes], "")
	}
	return agent
}
