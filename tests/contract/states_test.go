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

// stateCases hold each state machine against a model of it in Go: whatever commands
// came before, the store answers as the model does. RAPID_CHECKS and RAPID_STEPS say
// how many sequences are tried and how long they are.
var stateCases = cases{
	"Collisions": statesCollisions,
	"Digests":    statesDigests,
	"Executions": statesExecutions,
	"Memory":     statesMemory,
	"Sessions":   statesSessions,
}

// fewChecks makes rapid try some sequences only, unless it was told how many.
var fewChecks = sync.OnceFunc(func() {
	if f := flag.Lookup("rapid.checks"); os.Getenv("RAPID_CHECKS") == "" && f.Value.String() == f.DefValue {
		_ = f.Value.Set("4")
	}
})

// states runs a machine again and again, each time on an empty database. It makes the
// actions anew; the one without a name compares the store with the model after each.
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

// newest is a list the other way round: what was made last comes first.
func newest[R any](rows []R, keep func(R) bool) []R {
	list := []R{}
	for i := len(rows) - 1; i >= 0; i-- {
		if keep(rows[i]) {
			list = append(list, rows[i])
		}
	}
	return list
}
