package contract

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/driver/postgres"
	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
	"gorm.io/plugin/dbresolver"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/hooks"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

var pluginCases = cases{
	"Connection":  pluginsConnection,
	"OtherEngine": pluginsOtherEngine,
	"Resolver":    pluginsResolver,
	"TwoDBs":      pluginsTwoDBs,
}

// dialectorOf returns a dialector over the pool of a store.
func dialectorOf(t testing.TB, db *gorm.DB) gorm.Dialector {
	t.Helper()
	pool, err := db.DB()
	require.NoError(t, err)
	if db.Name() == "sqlite" {
		return sqlite.New(sqlite.Config{Conn: pool})
	}
	return postgres.New(postgres.Config{Conn: pool})
}

// ownDB returns a *gorm.DB of the caller's own, without plugins, over the database of a store.
func ownDB(t *T, of *gorm.DB) *gorm.DB {
	t.Helper()
	db, err := gorm.Open(dialectorOf(t, of), &gorm.Config{Logger: logger.Discard, NowFunc: of.NowFunc})
	require.NoError(t, err)
	return db
}

// audited checks that writes through db are audited: one that is kept, one that is rejected
// before SQL, one that the database rejects, and both in a transaction of the caller's.
func audited(t *T, look, db *gorm.DB) {
	t.Helper()
	count := func(operation string) int64 {
		return number(t, look, "SELECT count(*) FROM audit_log WHERE status || ' ' || operation = '"+operation+"'")
	}
	first := ofType("first")
	require.NoError(t, db.Create(&first).Error)
	assert.EqualValues(t, 1, count("completed receipts.create"))
	require.NoError(t, db.Model(&first).Update("duration_ms", 5).Error)
	assert.EqualValues(t, 1, count("completed receipts.update"))

	invalid := ofType("invalid")
	invalid.Status = "done"
	require.ErrorIs(t, db.Create(&invalid).Error, models.ErrInvalid)
	assert.EqualValues(t, 1, count("failed receipts.create"))
	duplicate := ofType("first")
	require.Error(t, db.Create(&duplicate).Error)
	assert.EqualValues(t, 2, count("failed receipts.create"))
	require.Error(t, db.Model(&models.Receipt{}).Where("execution_id = ?", "first").Update("status", "done").Error)
	assert.EqualValues(t, 1, count("failed receipts.update"))

	require.NoError(t, db.Transaction(func(tx *gorm.DB) error {
		require.Error(t, tx.Create(&duplicate).Error)
		second := ofType("second")
		return tx.Create(&second).Error
	}))
	assert.EqualValues(t, 3, count("failed receipts.create"))
	assert.EqualValues(t, 2, count("completed receipts.create"))
	assert.EqualValues(t, 2, number(t, look, "SELECT count(*) FROM receipts"))
	digestsHold(t, look)
}

// pluginsConnection: on a connection that the caller took, writes are audited as elsewhere.
func pluginsConnection(t *T) {
	db := openDB(t)
	require.NoError(t, db.Connection(func(conn *gorm.DB) error {
		conn = conn.Session(&gorm.Session{}) // GORM itself would leave the connection after a write
		audited(t, conn, conn)
		return nil
	}))
}

// pluginsResolver: dbresolver may be installed before the hooks or after them.
func pluginsResolver(t *T) {
	for _, first := range []string{"Resolver", "Hooks"} {
		t.Run(first, func(t *T) {
			of := openDB(t)
			db := ownDB(t, of)
			install := []gorm.Plugin{
				hooks.New(),
				dbresolver.Register(dbresolver.Config{
					Sources: []gorm.Dialector{dialectorOf(t, of)}, Replicas: []gorm.Dialector{dialectorOf(t, of)},
				}),
			}
			if first == "Resolver" {
				install[0], install[1] = install[1], install[0]
			}
			for _, plugin := range install {
				require.NoError(t, db.Use(plugin))
			}
			audited(t, of, db)
		})
	}
}

// other is a dialector of another engine.
type other struct{ gorm.Dialector }

func (other) Name() string { return "other" }

type note struct {
	ID   int64
	Text string
}

// pluginsOtherEngine: tables that are not tier2's may be on any engine.
func pluginsOtherEngine(t *T) {
	for _, first := range []string{"Resolver", "Hooks"} {
		t.Run(first, func(t *T) {
			of := openDB(t)
			store, err := tier2.Open(t.Context(), ":memory:")
			require.NoError(t, err)
			t.Cleanup(func() { assert.NoError(t, store.Close()) })
			elsewhere := ownDB(t, store.DB())
			require.NoError(t, elsewhere.AutoMigrate(&note{}))
			db := ownDB(t, of)
			install := []gorm.Plugin{
				hooks.New(),
				dbresolver.Register(dbresolver.Config{Sources: []gorm.Dialector{other{dialectorOf(t, elsewhere)}}}, &note{}),
			}
			if first == "Resolver" {
				install[0], install[1] = install[1], install[0]
			}
			for _, plugin := range install {
				require.NoError(t, db.Use(plugin))
			}
			audited(t, of, db)
			require.NoError(t, db.Create(&note{Text: "elsewhere"}).Error)
			assert.Equal(t, int64(1), number(t, elsewhere, "SELECT count(*) FROM notes"))
		})
	}
}

// pluginsTwoDBs: one plugin value serves several *gorm.DB, each with its own state.
func pluginsTwoDBs(t *T) {
	plugin := hooks.New()
	one, two := openDB(t), openDB(t)
	for _, of := range []*gorm.DB{one, two} {
		db := ownDB(t, of)
		require.NoError(t, db.Use(plugin))
		audited(t, of, db.WithContext(context.Background()))
	}
}
