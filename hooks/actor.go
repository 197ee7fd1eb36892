package hooks

import (
	"context"
	"fmt"
	"strings"

	"github.com/seanchatmangpt/ggen/tier2/internal/scope"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// SystemActor acts where neither the context nor the row names an agent.
const SystemActor = "system"

// WithActor says who is acting in ctx: the agent_id of the audit entries and the
// agent whose memory is updated. A blank agent changes nothing.
func WithActor(ctx context.Context, agent string) context.Context { return scope.WithActor(ctx, agent) }

// Actor is who acts in ctx, or "" if nobody said.
func Actor(ctx context.Context) string { return scope.Actor(ctx) }

// WithExecution says which execution is at work in ctx: the execution_id in the entries
// of rows that have none of their own, which are those of agent_memory,
// workflow_sessions and collision_detection. A blank id changes nothing.
func WithExecution(ctx context.Context, executionID string) context.Context {
	return scope.WithExecution(ctx, executionID)
}

// Execution is the execution at work in ctx, or "" if nobody said.
func Execution(ctx context.Context) string { return scope.Execution(ctx) }

// checkContext refuses an actor that agent_id cannot hold, and an execution that no
// execution_id can.
func checkContext(ctx context.Context) error {
	for _, said := range []struct{ column, what, value string }{
		{"agent_id", "an actor", Actor(ctx)}, {"context_json", "the execution of a context", Execution(ctx)},
	} {
		if storable(said.value) != said.value {
			return &models.Error{
				Table: "audit_log", Column: said.column, Value: said.value, Kind: models.ErrInvalid,
				Reason: fmt.Sprintf("%s must be UTF-8 text without NUL, of at most %d bytes", said.what, models.MaxKeyBytes),
			}
		}
	}
	return nil
}

// storable is the agent in a form that agent_id can hold.
func storable(agent string) string {
	if agent = clean(agent); len(agent) > models.MaxKeyBytes {
		agent = strings.ToValidUTF8(agent[:models.MaxKeyBytes], "")
	}
	return agent
}
