package hooks

import (
	"context"

	"github.com/seanchatmangpt/ggen/tier2/internal/actor"
)

// SystemActor acts where neither the context nor the row names an agent.
const SystemActor = "system"

// WithActor says who is acting in ctx: the agent_id of the audit entries and the
// agent whose memory is updated. A blank agent changes nothing.
func WithActor(ctx context.Context, agent string) context.Context { return actor.With(ctx, agent) }

// Actor is who acts in ctx, or "" if nobody said.
func Actor(ctx context.Context) string { return actor.From(ctx) }

type retentionKey struct{}

// WithRetention allows ctx to delete from audit_log, which is otherwise append-only:
// for the retention of old entries and nothing else.
func WithRetention(ctx context.Context) context.Context {
	return context.WithValue(ctx, retentionKey{}, true)
}

func retaining(ctx context.Context) bool { return ctx.Value(retentionKey{}) != nil }
