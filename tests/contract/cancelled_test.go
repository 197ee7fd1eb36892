package contract

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

var cancelledCases = cases{
	"Copy":   cancelledCopy,
	"Calls":  cancelledCalls,
	"Open":   cancelledOpen,
	"Verify": cancelledVerify,
}

// stepEnv sets by how many points the cases of Cancelled advance; 1 tests every point.
// Without it each case skips most points.
const stepEnv = "TIER2_CANCEL_STEP"

func step(t *T, n int64) int64 {
	if s := os.Getenv(stepEnv); s != "" {
		var err error
		n, err = strconv.ParseInt(s, 10, 64)
		require.NoError(t, err)
	}
	return n
}

// observed returns the engine with the logger endings.
func (t *T) observed() Engine {
	e := t.engine
	e.Options = append(slices.Clip(e.Options), tier2.WithLogger(endings{logger.Discard}))
	return e
}

// cancelledCalls ends the context of every call at every point. Either the call returns the
// context's error and nothing has changed, or it succeeds completely. Afterwards no
// connection is in use, and the store keeps working.
func cancelledCalls(t *T) {
	all := calls()
	subjects := map[string][]string{}
	for name := range all {
		subject, _, _ := strings.Cut(name, ".")
		subjects[subject] = append(subjects[subject], name)
	}
	store := t.observed().open(t.owner, t.engine.DSN(t.owner)).store
	for _, subject := range slices.Sorted(maps.Keys(subjects)) {
		t.Run(subject, func(t *T) {
			for _, name := range slices.Sorted(slices.Values(subjects[subject])) {
				var points, undone int
				points, undone, store = t.endEverywhere(name, store, all[name])
				t.Logf("%s: ended at %d points, %d times undone", name, points, undone)
			}
		})
	}
}

// endEverywhere returns the store for the next call: a new one if the server may still be
// working for the old one.
func (t *T) endEverywhere(name string, store *tier2.Store, do call) (points, undone int, next *tier2.Store) {
	refill := func() *filled {
		require.NoError(t, store.DB().Exec(t.engine.SQL.Reset).Error)
		return fill(t, store)
	}
	f := refill()
	before := anew(t, store)
	require.NoError(t, do(t.Context(), f), name)
	after := anew(t, store)
	f = refill()
	for n := int64(1); ; n += step(t, 19) {
		ctx := endAt(t.Context(), n)
		err := do(ctx, f)
		reached := ctx.reached()
		ctx.cancel()
		at := fmt.Sprintf("%s, ended at point %d: %v", name, n, err)
		if err != nil && strings.Contains(err.Error(), "may have been committed") {
			require.ErrorIs(t, err, context.Canceled, at)
			// The server may still be working, although the client no longer waits.
			require.Eventually(t, func() bool { now := anew(t, store); return now == before || now == after }, 10*time.Second, 10*time.Millisecond, at)
			store = t.observed().open(t.owner, t.engine.DSN(t.owner)).store
			f = fill(t, store)
			continue
		}
		now := anew(t, store)
		switch {
		case err == nil:
			require.Equal(t, after, now, at)
		case !errors.Is(err, context.Canceled) || !reached:
			require.Fail(t, "another error than the context's", at)
		default:
			undone++
			require.Equal(t, before, now, at)
		}
		t.goesOn(store, at)
		if !reached {
			return points, undone, store
		}
		points++
		if now != before || err == nil {
			f = refill()
		}
	}
}

// goesOn requires that the store can write and that no connection is in use.
func (t *T) goesOn(store *tier2.Store, at string) {
	t.Helper()
	rolledBack := errors.New("rolled back")
	require.ErrorIs(t, store.Transaction(t.Context(), func(tx *tier2.Store) error {
		require.NoError(t, tx.Receipts.Create(t.Context(), receipt("next")), at)
		return rolledBack
	}), rolledBack, at)
	for _, pool := range pools(t, store) {
		// database/sql returns the connection of an ended context in another goroutine.
		require.Eventually(t, func() bool { return pool.Stats().InUse == 0 }, 10*time.Second, time.Millisecond, at)
	}
}

// pools returns the pools of writing and of reading connections of a store. No public name
// leads to the reading pool, so both are looked up by the names of unexported fields.
func pools(t *T, store *tier2.Store) (list []*sql.DB) {
	t.Helper()
	handles := reflect.ValueOf(store).Elem().FieldByName("handles")
	require.True(t, handles.IsValid(), "the field of Store with its handles has another name")
	for _, name := range []string{"Write", "Read"} {
		handle := handles.Elem().FieldByName(name)
		require.True(t, handle.IsValid(), "the handles have no field %s", name)
		pool, err := (*gorm.DB)(handle.UnsafePointer()).DB()
		require.NoError(t, err)
		list = append(list, pool)
	}
	return list
}

// anew is dump without values that differ when a call is repeated: ids, since PostgreSQL
// does not reuse them, and durations.
func anew(t *T, store *tier2.Store) string {
	t.Helper()
	var b strings.Builder
	for _, m := range models.All() {
		for _, row := range rowsOf(t, store, m) {
			delete(row, "id")
			if m.TableName() == "audit_log" {
				delete(row, "duration_ms")
			}
			fmt.Fprintf(&b, "%s %v\n", m.TableName(), row)
		}
	}
	return idMember.ReplaceAllString(b.String(), "")
}

var idMember = regexp.MustCompile(`\\?"id\\?": ?\d+|\\?"digest\\?": ?\\?"[0-9a-f]+\\?"`)

// cancelledOpen ends Open at every point: the next Open succeeds.
func cancelledOpen(t *T) {
	for n := int64(1); ; n += step(t, 101) {
		dsn, ctx := t.engine.DSN(t), endAt(t.Context(), n)
		store, err := tier2.Open(ctx, dsn, t.engine.Options...)
		reached := ctx.reached()
		ctx.cancel()
		if err == nil {
			require.NoError(t, store.Receipts.Create(t.Context(), receipt("a")), "the store has outlived the context of Open")
			require.NoError(t, store.Close())
		} else {
			require.ErrorIs(t, err, context.Canceled)
			again := t.engine.open(t, dsn).store
			require.NoError(t, again.Receipts.Create(t.Context(), receipt("a")))
			require.NoError(t, again.Close())
		}
		if !reached {
			t.Logf("Open: ended at points up to %d", n)
			return
		}
	}
}

// cancelledVerify ends Verify at every point: it returns the context's error and no finding.
func cancelledVerify(t *T) {
	dsn := t.engine.DSN(t)
	fill(t, t.engine.open(t, dsn).store)
	for n := int64(1); ; n += step(t, 101) {
		ctx := endAt(t.Context(), n)
		found, err := tier2.Verify(ctx, dsn)
		reached := ctx.reached()
		ctx.cancel()
		if err == nil {
			require.Empty(t, found.Findings)
		} else {
			require.ErrorIs(t, err, context.Canceled)
		}
		if !reached {
			t.Logf("Verify: ended at points up to %d", n)
			return
		}
	}
}

// cancelledCopy ends Copy at every point: the source stays unchanged, and another Copy
// completes the work.
func cancelledCopy(t *T) {
	from, to := t.engine.open(t, t.engine.DSN(t)).store, t.engine.open(t, t.engine.DSN(t)).store
	fill(t, from)
	source := dump(t, from)
	for n := int64(1); ; n += step(t, 101) {
		ctx := endAt(t.Context(), n)
		_, err := tier2.Copy(ctx, from, to, tier2.CopyOptions{})
		reached := ctx.reached()
		ctx.cancel()
		if err != nil {
			require.ErrorIs(t, err, context.Canceled)
			_, err = tier2.Copy(t.Context(), from, to, tier2.CopyOptions{})
			require.NoError(t, err, n)
		}
		require.Equal(t, source, dump(t, from), n)
		require.Equal(t, source, dump(t, to), n)
		for _, store := range []*tier2.Store{from, to} {
			t.goesOn(store, fmt.Sprint("Copy ended at point ", n))
		}
		if !reached {
			t.Logf("Copy: ended at points up to %d", n)
			return
		}
		require.NoError(t, to.DB().Exec(t.engine.SQL.Reset).Error)
	}
}
