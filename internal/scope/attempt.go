package scope

import "context"

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
