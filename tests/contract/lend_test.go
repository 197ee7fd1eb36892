package contract

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2"
)

// The first time that the clocks of the cases show.
var (
	start = time.Date(2026, 1, 29, 12, 34, 56, 123456000, time.UTC)
	noon  = time.Date(2026, 1, 29, 12, 0, 0, 0, time.UTC)
)

// clock moves only when a case moves it.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Set(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = now
}

func (c *clock) Pass(d time.Duration) { c.Set(c.Now().Add(d)) }

// database is a database that one case at a time uses.
type database struct {
	store  *tier2.Store
	clock  *clock
	cached map[string]bool // the names of earlier fills, see filled
}

func (e Engine) open(t testing.TB, dsn string) *database {
	t.Helper()
	c := &clock{now: start}
	store, err := tier2.Open(context.Background(), dsn, append(slices.Clip(e.Options), tier2.WithClock(c.Now))...)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, store.Close()) })
	return &database{store, c, map[string]bool{}}
}

// database returns an empty database for this case alone. If the engine can reset databases,
// it may be one that another case has used.
func (t *T) database() *database {
	t.Helper()
	if t.engine.SQL.Reset == "" {
		return t.engine.open(t, t.engine.DSN(t))
	}
	d := t.take()
	if d == nil {
		longer := longer{t.owner, t}
		d = t.engine.open(longer, t.engine.DSN(longer))
	}
	d.clock.Set(start)
	t.Cleanup(func() {
		if assert.NoError(t, d.store.DB().Exec(t.engine.SQL.Reset).Error) {
			t.give(d)
		}
	})
	return d
}

// copied lists the tables that filled copies, parents first.
var copied = []string{
	"receipts", "workflow_sessions", "agent_memory", "audit_log", "collision_detection", "pipeline_metrics", "slo_violations",
	"tier2_audit_tree", "tier2_checkpoints",
}

// filled fills the empty database d for cases that begin with the same rows. The first time
// it calls fill and copies the rows to tables beside the store's; later cases with this
// database get them from there, in one statement instead of many.
func (t *T) filled(d *database, name string, fill func()) {
	t.Helper()
	copying := "CREATE TABLE $copy AS SELECT * FROM $table"
	if d.cached[name] {
		copying = "INSERT INTO $table SELECT * FROM $copy"
	} else {
		fill()
	}
	var script strings.Builder
	for _, table := range copied {
		fmt.Fprintln(&script, strings.NewReplacer("$table", table, "$copy", name+"_"+table).Replace(copying)+";")
	}
	require.NoError(t, d.store.DB().Exec(script.String()+t.engine.SQL.NextIDs).Error)
	d.cached[name] = true
}

// longer is the test of the suite, so that its cleanups run after the case. A fatal error
// ends the case, since only the goroutine of a test may end that test.
type longer struct {
	testing.TB
	now *T
}

func (l longer) FailNow() {
	l.TB.Fail()
	l.now.FailNow()
}

func (l longer) Fatal(args ...any) {
	l.TB.Error(args...)
	l.now.FailNow()
}

func (l longer) Fatalf(format string, args ...any) {
	l.TB.Errorf(format, args...)
	l.now.FailNow()
}

func (s *suite) take() (d *database) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if last := len(s.free) - 1; last >= 0 {
		d, s.free = s.free[last], s.free[:last]
	}
	return d
}

func (s *suite) give(d *database) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free = append(s.free, d)
}

// open returns a store with a fixed clock that shows start.
func open(t *T) *tier2.Store {
	t.Helper()
	return t.database().store
}

// openClock returns a store and its clock, which shows 2026-01-01 12:00 UTC until the case
// moves it.
func openClock(t *T) (*tier2.Store, *clock) {
	t.Helper()
	d := t.database()
	d.clock.Set(time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC))
	return d.store, d.clock
}

// openDB returns the *gorm.DB of a store, for cases that use only GORM. Its clock shows noon.
func openDB(t *T) *gorm.DB {
	t.Helper()
	d := t.database()
	d.clock.Set(noon)
	return d.store.DB()
}

// refuse makes a table reject new rows that match when; allow undoes it.
func (t *T) refuse(db *gorm.DB, table, when string) {
	t.Helper()
	for _, statement := range t.engine.SQL.Refuse {
		require.NoError(t, db.Exec(strings.NewReplacer("$table", table, "$when", when).Replace(statement)).Error)
	}
}

func (t *T) allow(db *gorm.DB) {
	t.Helper()
	for _, statement := range t.engine.SQL.Allow {
		require.NoError(t, db.Exec(statement).Error)
	}
}

// always matches every row.
const always = "NEW.id IS NOT NULL OR NEW.id IS NULL"
