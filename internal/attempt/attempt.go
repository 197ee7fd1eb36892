// Package attempt lets a transaction that may be run again leave one outcome: what is
// to happen when it has ended waits until its caller knows that this was the last
// attempt. Repositories run the attempts, hooks write the failed entries, and neither
// imports the other.
package attempt

import "context"

type key struct{}

type pending struct{ todo []func() }

// Last calls run with a context whose AfterLast calls wait, and again as often as run
// wants to through its argument: begin forgets what the attempts before left to do.
// What the last one left is done when run has returned or panicked.
func Last(ctx context.Context, run func(ctx context.Context, begin func()) error) error {
	p := &pending{}
	defer func() {
		for _, do := range p.todo {
			do()
		}
	}()
	return run(context.WithValue(ctx, key{}, p), func() { p.todo = nil })
}

// AfterLast does what the last attempt in ctx leaves to do, or does it now if ctx
// belongs to no attempt.
func AfterLast(ctx context.Context, do func()) {
	if p, ok := ctx.Value(key{}).(*pending); ok {
		p.todo = append(p.todo, do)
		return
	}
	do()
}
