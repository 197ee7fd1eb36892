// Package scope carries values in a context: the acting agent, the execution at work
// and the attempts of a retried transaction. It lets hooks and repositories share them
// without importing each other.
package scope

import (
	"context"
	"strings"
)

type (
	actorKey     struct{}
	executionKey struct{}
)

// WithActor returns a context in which agent acts. A blank agent changes nothing.
func WithActor(ctx context.Context, agent string) context.Context {
	return with(ctx, actorKey{}, agent)
}

// WithDefaultActor is WithActor unless ctx has an actor already.
func WithDefaultActor(ctx context.Context, agent string) context.Context {
	if Actor(ctx) != "" {
		return ctx
	}
	return WithActor(ctx, agent)
}

// Actor returns the agent that acts in ctx, or "".
func Actor(ctx context.Context) string { return value(ctx, actorKey{}) }

// WithExecution returns a context in which an execution is at work. A blank id changes
// nothing.
func WithExecution(ctx context.Context, executionID string) context.Context {
	return with(ctx, executionKey{}, executionID)
}

// Execution returns the execution at work in ctx, or "".
func Execution(ctx context.Context) string { return value(ctx, executionKey{}) }

func with(ctx context.Context, key any, value string) context.Context {
	if strings.TrimSpace(value) == "" {
		return ctx
	}
	return context.WithValue(ctx, key, value)
}

func value(ctx context.Context, key any) string {
	text, _ := ctx.Value(key).(string)
	return text
}
