package contract

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

var panicCases = cases{
	"Plugged": panicsPlugged,
	"Given":   panicsGiven,
}

// spoiler is everything that an application can plug into a store: callbacks, a clock, a
// logger. At the armed place it does not return.
type spoiler struct {
	logger.Interface
	place atomic.Value // string
	how   func()
	met   atomic.Bool
}

func (s *spoiler) at(place string) {
	if s.place.CompareAndSwap(place, "") { // once, so that the cleanup continues
		s.met.Store(true)
		s.how()
	}
}

// Now is a clock.
func (s *spoiler) Now() time.Time {
	s.at("clock")
	return start
}

// LogMode implements logger.Interface.
func (s *spoiler) LogMode(logger.LogLevel) logger.Interface { return s }

// Trace implements logger.Interface.
func (s *spoiler) Trace(context.Context, time.Time, func() (string, int64), error) { s.at("logger") }

// register registers the spoiler before and after every kind of GORM call, and returns all
// places.
func (s *spoiler) register(t *T, db *gorm.DB) []string {
	places := []string{"clock", "logger"}
	add := func(place string, register func(string, func(*gorm.DB)) error) {
		places = append(places, place)
		require.NoError(t, register("test:"+place, func(*gorm.DB) { s.at(place) }))
	}
	cb := db.Callback()
	add("before create", cb.Create().Before("gorm:create").Register)
	add("after create", cb.Create().After("gorm:create").Before("gorm:commit_or_rollback_transaction").Register)
	add("before update", cb.Update().Before("gorm:update").Register)
	add("after update", cb.Update().After("gorm:update").Before("gorm:commit_or_rollback_transaction").Register)
	add("before delete", cb.Delete().Before("gorm:delete").Register)
	add("after delete", cb.Delete().After("gorm:delete").Before("gorm:commit_or_rollback_transaction").Register)
	add("before query", cb.Query().Before("gorm:query").Register)
	add("after query", cb.Query().After("gorm:query").Register)
	return places
}

// abruptly lists the ways not to return.
var abruptly = map[string]func(){"Panic": func() { panic("spoiled") }, "Goexit": runtime.Goexit}

// apart runs f in another goroutine. It reports whether f ended without returning, and the
// value of a panic as err.
func apart(f func() error) (ended bool, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if r := recover(); r != nil {
				err = fmt.Errorf("panic: %v", r)
			}
		}()
		ended = true
		err = f()
		ended = false
	}()
	<-done
	return ended, err
}

// spoiled lists calls that reach every place.
var spoiled = []string{
	"Receipts.Create", "Receipts.Upsert", "Receipts.Get", "Receipts.List", "Receipts.Delete", "Memory.Put", "Memory.Forget", "Sessions.AddOutcome",
	"Sessions.Finish", "Collisions.Resolve", "Metrics.RecordBatch", "Executions.Begin", "Execution.Finish", "Store.Transaction",
}

// panicsPlugged: if plugged-in code panics or ends its goroutine, the write is stored
// completely or not at all, and the store keeps all its connections.
func panicsPlugged(t *T) {
	for name, how := range abruptly {
		t.Run(name, func(t *T) {
			t.Parallel()
			s := &spoiler{Interface: logger.Discard, how: how}
			s.place.Store("")
			e := t.engine
			e.Options = append(slices.Clip(e.Options), tier2.WithLogger(s))
			store, err := tier2.Open(t.Context(), e.DSN(t), append(e.Options, tier2.WithClock(s.Now))...)
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, store.Close()) })
			places := s.register(t, store.DB())
			for _, name := range spoiled {
				t.spoil(name, store, s, places)
			}
		})
	}
}

func (t *T) spoil(name string, store *tier2.Store, s *spoiler, places []string) {
	do := calls()[name]
	refill := func() *filled {
		require.NoError(t, store.DB().Exec(t.engine.SQL.Reset).Error)
		return fill(t, store)
	}
	f := refill()
	before := anew(t, store)
	require.NoError(t, do(t.Context(), f), name)
	after := anew(t, store)
	f = refill()
	met := 0
	for _, place := range places {
		s.met.Store(false)
		s.place.Store(place)
		ended, err := apart(func() error { return do(t.Context(), f) })
		s.place.Store("")
		at := fmt.Sprintf("%s, %s: ended %t, %v", name, place, ended, err)
		now := anew(t, store)
		if s.met.Load() {
			met++
			require.True(t, ended || err != nil || now == after, at)
		}
		switch {
		case !ended && err == nil:
			require.Equal(t, after, now, at)
		case place == "logger": // GORM logs after the commit
			require.Contains(t, []string{before, after}, now, at)
		default:
			require.Equal(t, before, now, at)
		}
		t.goesOn(store, at)
		if now != before {
			f = refill()
		}
	}
	require.NotZero(t, met, name)
}

// panicsGiven: functions that are passed to a call may panic or end the goroutine.
func panicsGiven(t *T) {
	for name, how := range abruptly {
		t.Run(name, func(t *T) {
			t.Parallel()
			f := fill(t, open(t))
			before := dump(t, f.Store)
			for name, call := range map[string]func() error{
				"Memory.Update": func() error {
					return f.Memory.Update(t.Context(), "coder", func(doc map[string]any) error { doc["k"] = 2; how(); return nil })
				},
				"Store.Transaction": func() error {
					return f.Transaction(t.Context(), func(tx *tier2.Store) error {
						err := tx.Receipts.Create(t.Context(), receipt("x"))
						how()
						return err
					})
				},
				"Store.Transaction, inner": func() error {
					return f.Transaction(t.Context(), func(tx *tier2.Store) error {
						return errors.Join(tx.Receipts.Create(t.Context(), receipt("x")), tx.Transaction(t.Context(), func(tx *tier2.Store) error {
							err := tx.Memory.Put(t.Context(), "coder", models.JSON(`{"k":2}`))
							how()
							return err
						}))
					})
				},
				"Receipts.All": func() error {
					for range f.Receipts.All(t.Context(), repository.ReceiptFilter{}) {
						how()
					}
					return nil
				},
				"Audit.All": func() error {
					for range f.Audit.All(t.Context(), repository.AuditFilter{}) {
						how()
					}
					return nil
				},
				"Audit.Follow": func() error {
					for range f.Audit.Follow(t.Context(), repository.AuditFilter{Since: start}, 0) {
						how()
					}
					return nil
				},
				"Execution.Stage": func() error {
					return f.run.Stage(t.Context(), models.StageEmit, func(context.Context, *repository.StageResult) error { how(); return nil })
				},
			} {
				ended, err := apart(call)
				require.True(t, ended, "%s: %v", name, err)
				require.Equal(t, before, dump(t, f.Store), name)
				t.goesOn(f.Store, name)
			}
			receipt, err := f.run.Finish(t.Context(), repository.Outcome{})
			require.NoError(t, err, "no stage is at work any more")
			require.Equal(t, models.ReceiptFailed, receipt.Status)
		})
	}
}
