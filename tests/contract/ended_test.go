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

// refusalsEveryMethod: calls covers every method with a context.
func refusalsEveryMethod(t *T) {
	known := calls()
	for _, name := range []string{"Archive", "Restore", "Backup"} {
		known["Store."+name] = nil // needs two databases; tested in tests/
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

// refusalsClosedStore: every call of a closed store returns ErrClosed. Closing it again, also
// concurrently, is not an error.
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
		if name != "Execution.Stage" { // it does not use the database
			assert.ErrorIs(t, call(t.Context(), f), models.ErrClosed, name)
		}
	}
}

// refusalsEndedContext: an ended context reads and writes nothing.
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
