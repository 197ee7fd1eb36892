package contract

import (
	"context"
	"flag"
	"os"
	"sync"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// stateCases compare each state machine with a model in Go: after any sequence of commands,
// the store answers like the model. RAPID_CHECKS and RAPID_STEPS set the number and the
// length of the sequences.
var stateCases = cases{
	"Collisions": statesCollisions,
	"Digests":    statesDigests,
	"Executions": statesExecutions,
	"Memory":     statesMemory,
	"Sessions":   statesSessions,
}

// fewChecks makes rapid try only some sequences, unless RAPID_CHECKS or a flag is set.
var fewChecks = sync.OnceFunc(func() {
	if f := flag.Lookup("rapid.checks"); os.Getenv("RAPID_CHECKS") == "" && f.Value.String() == f.DefValue {
		_ = f.Value.Set("4")
	}
})

// states runs a machine repeatedly, each time with new actions on an empty database. The
// action without a name compares the store with the model after each other action.
func states(t *T, machine func(t *rapid.T, ctx context.Context, d *database) map[string]func(*rapid.T)) {
	fewChecks()
	d := t.database()
	rapid.Check(t.T, func(rt *rapid.T) {
		require.NoError(rt, d.store.DB().Exec(t.engine.SQL.Reset).Error)
		d.clock.Set(start)
		actions := machine(rt, t.Context(), d)
		actions["time passes"] = func(rt *rapid.T) {
			d.clock.Pass(time.Duration(rapid.IntRange(0, 5_000).Draw(rt, "ms")) * time.Millisecond)
		}
		rt.Repeat(actions)
	})
}

// fails asserts an error of that kind, or none for nil.
func fails(t *rapid.T, err, kind error) {
	t.Helper()
	if kind == nil {
		require.NoError(t, err)
		return
	}
	require.ErrorIs(t, err, kind)
}

// newest returns a list in reverse order: the newest first.
func newest[R any](rows []R, keep func(R) bool) []R {
	list := []R{}
	for i := len(rows) - 1; i >= 0; i-- {
		if keep(rows[i]) {
			list = append(list, rows[i])
		}
	}
	return list
}
