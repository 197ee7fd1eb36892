package audit

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// endedUnseen is a context that has ended, which no call notices by itself.
type endedUnseen struct{ context.Context }

func (endedUnseen) Err() error { return context.Canceled }

// TestAloneEnded: a save of its own that finds the connection broken by the end of its
// context, before BEGIN, returns the context's error as well.
func TestAloneEnded(t *testing.T) {
	each(t, logger.Discard, func(t *testing.T, _ *gorm.DB, w *Log) {
		if w.Dialect.Exclusive() {
			t.Skip("an engine in this process has no connection to lose")
		}
		s, err := w.NewSave(t.Context(), []models.Model{newReceipt("a", "a")})
		require.NoError(t, err)
		s.ctx = endedUnseen{t.Context()}
		breaking := *w.Dialect
		breaking.Begin = "SELECT pg_terminate_backend(pg_backend_pid())"
		w.Dialect = &breaking
		err = w.saveAlone(s)
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, err, models.ErrUnavailable)
	})
}
