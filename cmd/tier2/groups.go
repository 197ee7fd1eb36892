package main

import (
	"context"
	"iter"

	"golang.org/x/sync/semaphore"
)

// A group holds as many documents at most; those that wait hold as many bytes, or are one.
// More of either wins nothing, and keeps others from writing for longer.
const (
	groupDocs  = 50
	groupBytes = 4 << 20
)

// readDoc is a document as it was read, or why it was not.
type readDoc struct {
	doc
	err error
}

// groups reads the files that the arguments stand for beside its caller, and gives it what
// was read meanwhile: much of a file, and one by one what comes slowly over a pipe. It
// ends with the context, even if nothing comes.
func (a *app) groups(ctx context.Context, args []string, largest int) iter.Seq[[]readDoc] {
	return func(yield func([]readDoc) bool) {
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		docs, budget := make(chan readDoc, groupDocs), semaphore.NewWeighted(groupBytes)
		go func() {
			defer close(docs)
			a.readAll(ctx, args, largest, func(d readDoc) bool {
				if budget.Acquire(ctx, weight(d)) != nil {
					return false
				}
				docs <- d // at once: the budget lets no more in than the channel holds
				return true
			})
		}()
		for {
			group := gather(ctx, docs)
			if len(group) == 0 || !yield(group) {
				return
			}
			for _, d := range group {
				budget.Release(weight(d))
			}
		}
	}
}

// weight is at least what lets no more documents wait than the channel holds.
func weight(d readDoc) int64 {
	return min(max(int64(len(d.raw)), groupBytes/groupDocs), groupBytes)
}

// gather waits for a document, and takes those that are there as well.
func gather(ctx context.Context, docs <-chan readDoc) (group []readDoc) {
	select {
	case d, ok := <-docs:
		if !ok {
			return nil
		}
		group = append(group, d)
	case <-ctx.Done():
		return nil
	}
	for len(group) < groupDocs {
		select {
		case d, ok := <-docs:
			if !ok {
				return group
			}
			group = append(group, d)
		default:
			return group
		}
	}
	return group
}

// readAll yields every document of the files, and what cannot be read of them.
func (a *app) readAll(ctx context.Context, args []string, largest int, yield func(readDoc) bool) {
	on := true
	refuse := func(source string, err error) { on = on && yield(readDoc{doc{source: source}, err}) }
	for file := range (sources{args, refuse}).files(ctx) {
		for d, err := range a.documents(file, largest) {
			if on = on && yield(readDoc{d, err}); !on {
				return
			}
		}
	}
}
