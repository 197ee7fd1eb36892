package contract

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// hooksNilElement: a nil element in a slice or array is an error as in GORM, and no other
// element is written.
func hooksNilElement(t *T) {
	db := openSeeded(t)
	before := snapshot(t, db)
	for _, rows := range []any{
		[]*models.Receipt{alices("a"), nil, alices("b")},
		&[]*models.Receipt{alices("a"), nil},
		&[2]*models.Receipt{1: alices("a")},
		[]*models.Receipt{nil},
	} {
		tx := db.Create(rows)
		require.ErrorIs(t, tx.Error, gorm.ErrInvalidData)
		assert.Zero(t, tx.RowsAffected)
		assert.Equal(t, before, snapshot(t, db))
	}
}

// hooksOtherModel: a struct of another type than Model is not written to its own table.
func hooksOtherModel(t *T) {
	db := openSeeded(t)
	before := snapshot(t, db)
	for _, m := range []any{&models.AuditEntry{}, &models.WorkflowSession{}, &models.PipelineMetric{}} {
		require.Error(t, db.Model(m).Create(alices("elsewhere")).Error, "%T", m)
		assert.Equal(t, before, snapshot(t, db), "%T", m)
	}
}

// hooksWithResult: gorm.WithResult tells how many rows a create inserted.
func hooksWithResult(t *T) {
	db := openSeeded(t)
	result := gorm.WithResult()
	require.NoError(t, gorm.G[models.Receipt](db, result).Create(context.Background(), alices("a")))
	assert.EqualValues(t, 1, result.RowsAffected)
	many := []models.Receipt{*alices("b"), *alices("c"), *alices("d")}
	result = gorm.WithResult()
	require.NoError(t, gorm.G[models.Receipt](db, result).CreateInBatches(context.Background(), &many, 3))
	assert.EqualValues(t, 3, result.RowsAffected)
}

// statements is a logger that keeps what it is told.
type statements struct {
	logger.Interface
	text strings.Builder
}

func (s *statements) Trace(_ context.Context, _ time.Time, fc func() (string, int64), err error) {
	sql, rows := fc()
	fmt.Fprintln(&s.text, sql, rows, err)
}

// secretsLogged: a logger gets the SQL of a create without secrets, and none of a create
// that is refused before any SQL.
func secretsLogged(t *T) {
	log := &statements{Interface: logger.Discard}
	db := openSeeded(t).Session(&gorm.Session{Logger: log})
	good := alices("good")
	good.ErrorMessage = hiddenText
	require.NoError(t, db.Create(good).Error)
	assert.Contains(t, log.text.String(), "INSERT INTO")
	assert.NotContains(t, log.text.String(), hidden)

	log.text.Reset()
	bad, secret := alices("bad"), alices("secret")
	bad.Status, bad.ErrorMessage = "done", hiddenText
	secret.ErrorMessage = hiddenText
	require.ErrorIs(t, db.Create(bad).Error, models.ErrInvalid)
	require.ErrorIs(t, db.Create([]*models.Receipt{bad, secret}).Error, models.ErrInvalid)
	assert.NotContains(t, log.text.String(), hidden)
	assert.NotContains(t, log.text.String(), "INSERT INTO receipts")
}
