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

type attemptKey struct{}

// attempts collects the functions that wait for the last attempt.
type attempts struct{ after, abandoned []func() }

// Attempts runs a transaction that may be repeated. run calls again before each repeat.
// Functions passed to AfterAttempts run when the last attempt has ended; those of earlier
// attempts are dropped. If run panics or ends its goroutine, the functions passed to
// OnAbandon run first.
func Attempts(ctx context.Context, run func(ctx context.Context, again func()) error) error {
	p, returned := &attempts{}, false
	defer func() {
		if !returned {
			for _, do := range p.abandoned {
				do()
			}
		}
		for _, do := range p.after {
			do()
		}
	}()
	err := run(context.WithValue(ctx, attemptKey{}, p), func() { p.after = nil })
	returned = true
	return err
}

// OnAbandon registers a function that runs if the attempts in ctx never return, as when a
// callback of the application panics. Nothing else ends a transaction that GORM began.
func OnAbandon(ctx context.Context, do func()) {
	if p, ok := ctx.Value(attemptKey{}).(*attempts); ok {
		p.abandoned = append(p.abandoned, do)
	}
}

// AfterAttempts delays do until the last attempt in ctx has ended. It runs do at once if
// ctx belongs to no attempt.
func AfterAttempts(ctx context.Context, do func()) {
	if p, ok := ctx.Value(attemptKey{}).(*attempts); ok {
		p.after = append(p.after, do)
		return
	}
	do()
}
