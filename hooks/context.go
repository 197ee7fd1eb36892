package hooks

import (
	"context"

	"github.com/seanchatmangpt/ggen/tier2/internal/audit"
	"github.com/seanchatmangpt/ggen/tier2/internal/scope"
)

// SystemActor acts where neither the context nor the row names an agent.
const SystemActor = audit.SystemActor

// ContextVersion is "v" in the context_json of the entries that the hooks write.
const ContextVersion = audit.ContextVersion

// WithActor returns a context in which agent acts: audit entries have its agent_id, and its
// memory is updated. A blank agent changes nothing.
func WithActor(ctx context.Context, agent string) context.Context {
	return scope.WithActor(ctx, agent)
}

// Actor returns the agent that acts in ctx, or "".
func Actor(ctx context.Context) string { return scope.Actor(ctx) }

// WithExecution returns a context in which an execution is at work: the execution_id in the
// entries of rows that have none of their own, which are those of agent_memory,
// workflow_sessions and collision_detection. A blank id changes nothing.
func WithExecution(ctx context.Context, executionID string) context.Context {
	return scope.WithExecution(ctx, executionID)
}

// Execution returns the execution at work in ctx, or "".
func Execution(ctx context.Context) string { return scope.Execution(ctx) }

// WithRetention returns a context that may delete from audit_log, which is otherwise
// append-only. Use it for the retention of old entries only. The entries must be sealed
// (Audit.Seal): their hashes stay in the tree. An entry audit_log.remove states which
// entries were removed.
func WithRetention(ctx context.Context) context.Context { return audit.WithRetention(ctx) }
