// Package actor carries in a context who is acting, and in which execution. hooks reads it,
// and callers set it through hooks.WithActor and hooks.WithExecution; it stands apart so
// that repositories, which do not import hooks, can set it too.
package actor

import (
	"context"
	"strings"
)

type (
	key          struct{}
	executionKey struct{}
)

// With says who is acting in ctx. A blank agent changes nothing.
func With(ctx context.Context, agent string) context.Context {
	if strings.TrimSpace(agent) == "" {
		return ctx
	}
	return context.WithValue(ctx, key{}, agent)
}

// Default is With unless somebody is acting in ctx already.
func Default(ctx context.Context, agent string) context.Context {
	if From(ctx) != "" {
		return ctx
	}
	return With(ctx, agent)
}

// From is who acts in ctx, or "" if nobody said.
func From(ctx context.Context) string {
	agent, _ := ctx.Value(key{}).(string)
	return agent
}

// WithExecution says which execution is at work in ctx. A blank id changes nothing.
func WithExecution(ctx context.Context, executionID string) context.Context {
	if strings.TrimSpace(executionID) == "" {
		return ctx
	}
	return context.WithValue(ctx, executionKey{}, executionID)
}

// Execution is the execution at work in ctx, or "" if nobody said.
func Execution(ctx context.Context) string {
	id, _ := ctx.Value(executionKey{}).(string)
	return id
}
