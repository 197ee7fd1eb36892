package actor

import (
	"context"
	"strings"
)

type executionKey struct{}

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
