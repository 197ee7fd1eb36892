// Package attempt lets a transaction that may be run again leave one outcome: what is
// to happen when it has ended waits until its caller knows that this was the last
// attempt. Repositories run the attempts, hooks write the failed entries, and neither
// imports the other.
package attempt

import "context"

type key struct{}

type pending struct{ todo, open []func() }

// Last calls run with a context whose AfterLast calls wait, and again as often as run
// wants to through its argument: begin forgets what the attempts before left to do.
// What the last one left is done when run has returned, panicked or ended its goroutine;
// in the latter two cases after what Abandoned says.
func Last(ctx context.Context, run func(ctx context.Context, begin func()) error) error {
	p, returned := &pending{}, false
	defer func() {
		if !returned {
			for _, do := range p.open {
				do()
			}
		}
		for _, do := range p.todo {
			do()
		}
	}()
	err := run(context.WithValue(ctx, key{}, p), func() { p.todo = nil })
	returned = true
	return err
}

// Abandoned has do done if the attempts in ctx do not return, such as when a callback of
// the application panics: nobody else ends a transaction that GORM began by itself.
func Abandoned(ctx context.Context, do func()) {
	if p, ok := ctx.Value(key{}).(*pending); ok {
		p.open = append(p.open, do)
	}
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
