package contract

import (
	"context"
	"reflect"
	"sync"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// refusalsEveryMethod: calls has a call of every method that takes a context.
func refusalsEveryMethod(t *T) {
	known := calls()
	for _, name := range []string{"Archive", "Restore", "Backup"} {
		known["Store."+name] = nil // of two databases; tested in tests/
	}
	look := func(receiver string, v reflect.Type) {
		for i := range v.NumMethod() {
			m := v.Method(i)
			if m.Type.NumIn() > 1 && m.Type.In(1) == reflect.TypeFor[context.Context]() {
				assert.Contains(t, known, receiver+"."+m.Name)
			}
		}
	}
	look("Store", reflect.TypeFor[*tier2.Store]())
	look("Execution", reflect.TypeFor[*repository.Execution]())
	for _, field := range reflect.VisibleFields(reflect.TypeFor[tier2.Store]()) {
		if field.IsExported() {
			look(field.Name, field.Type)
		}
	}
}

// refusalsClosedStore: a closed store says so, whatever is asked; closing it again, also
// by several at once, is no error.
func refusalsClosedStore(t *T) {
	store := t.engine.open(t, t.engine.DSN(t)).store
	f := fill(t, store)
	var closers sync.WaitGroup
	for range 4 {
		closers.Go(func() { assert.NoError(t, store.Close()) })
	}
	closers.Wait()
	require.NoError(t, store.Close())
	for name, call := range calls() {
		if name != "Execution.Stage" { // it needs no database
			assert.ErrorIs(t, call(t.Context(), f), models.ErrClosed, name)
		}
	}
}

// refusalsEndedContext: nothing is read or written once the context has ended.
func refusalsEndedContext(t *T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	late, end := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer end()
	for _, ctx := range []context.Context{cancelled, late} {
		t.Run(ctx.Err().Error(), func(t *T) {
			f := fill(t, open(t))
			before := dump(t, f.Store)
			for name, call := range calls() {
				assert.ErrorIs(t, call(ctx, f), ctx.Err(), name)
			}
			assert.Equal(t, before, dump(t, f.Store))
		})
	}
}
