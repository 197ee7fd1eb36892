package contract

import (
	"slices"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"
)

// config is a configuration of GORM under which an operation runs.
type config struct {
	name                         string
	skipDefault, prepare, inside bool
}

// configs returns all configurations, or two under the race detector, since the operations
// use a single goroutine.
func configs() []config {
	all := []config{
		{name: "default"},
		{name: "skip default transaction", skipDefault: true},
		{name: "prepared", prepare: true},
		{name: "prepared, skip default transaction", skipDefault: true, prepare: true},
		{name: "in a transaction", inside: true},
		{name: "in a transaction, skip default", inside: true, skipDefault: true},
		{name: "in a transaction, prepared", inside: true, prepare: true},
	}
	if underRace {
		return slices.DeleteFunc(all, func(c config) bool { return c.skipDefault || c.prepare })
	}
	return all
}

func (c config) run(db *gorm.DB, op func(*gorm.DB) error) error {
	db = db.Session(&gorm.Session{SkipDefaultTransaction: c.skipDefault, PrepareStmt: c.prepare})
	if c.inside {
		return db.Transaction(op)
	}
	return op(db)
}

// hooksMatrix checks every way in which GORM can write: the entries name exactly the rows
// that differ between the tables before and after, and nothing is stored if audit_log or
// agent_memory rejects its rows.
func hooksMatrix(t *T) {
	for _, op := range operations() {
		t.Run(op.name, func(t *T) {
			t.Parallel()
			for _, cfg := range configs() {
				t.Run(cfg.name, func(t *T) {
					t.Parallel()
					op.holds(t, cfg)
				})
			}
		})
	}
}

// holds runs the operation on one database, first with rejections. These store nothing, so
// the same rows are there for the run that succeeds.
func (op operation) holds(t *T, cfg config) {
	db := openSeeded(t)
	if op.changes > 0 {
		t.Run("audit_log refuses", func(t *T) { op.leavesNothing(t, db, cfg, "audit_log", "NEW.status = 'completed'") })
		if !op.memory {
			t.Run("agent_memory refuses", func(t *T) { op.leavesNothing(t, db, cfg, "agent_memory", always) })
		}
	}
	t.Run("names what changed", func(t *T) { op.namesWhatChanged(t, db, cfg) })
}

func (op operation) namesWhatChanged(t *T, db *gorm.DB, cfg config) {
	before, lastEntry, saves := snapshot(t, db), maxID(t, db), totalSaves(t, db)

	err := cfg.run(db, op.do)
	if op.fails {
		require.Error(t, err)
	} else {
		require.NoError(t, err)
	}

	want := diff(before, snapshot(t, db), op.memory)
	if op.changes != anyNumber {
		assert.Len(t, want, op.changes, "the operation itself")
	}
	assert.ElementsMatch(t, want, completed(t, db, lastEntry))
	if !op.memory {
		assert.Equal(t, saves+int64(len(want)), totalSaves(t, db), "saves counted in agent_memory")
	}
	assert.Equal(t, op.refused, failed(t, db, lastEntry), "failed entries")
	if !cfg.skipDefault && !cfg.prepare { // the other configurations send the same statements
		digestsHold(t, db)
	}
}

func (op operation) leavesNothing(t *T, db *gorm.DB, cfg config, table, when string) {
	t.refuse(db, table, when)
	defer t.allow(db)
	before, lastEntry := snapshot(t, db), maxID(t, db)

	require.ErrorContains(t, cfg.run(db, op.do), "boom")

	assert.Equal(t, before, snapshot(t, db))
	assert.Empty(t, completed(t, db, lastEntry))
	assert.NotZero(t, failed(t, db, lastEntry))
}
