package contract

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm/logger"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// behind is a logger that calls a function of the context after its nth statement.
type behind struct{ logger.Interface }

type behindKey struct{}

type behindNth struct {
	n  int
	do func()
}

// LogMode implements logger.Interface.
func (b behind) LogMode(logger.LogLevel) logger.Interface { return b }

// Trace implements logger.Interface.
func (behind) Trace(ctx context.Context, _ time.Time, _ func() (string, int64), _ error) {
	if p, _ := ctx.Value(behindKey{}).(*behindNth); p != nil {
		if p.n--; p.n == 0 {
			p.do()
		}
	}
}

// mostBegin is larger than the number of statements with which Follow begins.
const mostBegin = 8

// listening returns a store whose logger is behind.
func listening(t *T) *tier2.Store {
	options := append(slices.Clip(t.engine.Options), tier2.WithLogger(behind{logger.Discard}))
	store, err := tier2.Open(t.Context(), t.engine.DSN(t), options...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	return store
}

// auditFollowBegins: Follow returns an entry that is added while it looks where to begin.
func auditFollowBegins(t *T) {
	store := listening(t)
	for n := range mostBegin {
		since := start.Add(time.Duration(n) * time.Hour)
		entry := noted(fmt.Sprint("behind statement ", n+1))
		entry.Timestamp = models.At(since)
		next := followed(t, store, repository.AuditFilter{Since: since}, &behindNth{n + 1, func() {
			require.NoError(t, store.Audit.Record(context.WithoutCancel(t.Context()), entry))
		}})
		require.Equal(t, entry.Operation, next())
	}
}

// auditFollowBeginsLate: the same for an entry with a smaller id than existing entries.
func auditFollowBeginsLate(t *T) {
	store := listening(t)
	for n := range mostBegin {
		for _, since := range []time.Time{{}, start.Add(time.Duration(n) * time.Hour)} {
			late, there := noted(fmt.Sprint("late behind statement ", n+1)), noted("there")
			late.Timestamp, there.Timestamp = models.At(since.Add(time.Minute)), models.At(since.Add(time.Minute))
			tx := store.DB().WithContext(t.Context()).Begin()
			require.NoError(t, tx.Create(late).Error)
			require.NoError(t, store.Audit.Record(t.Context(), there))
			next := followed(t, store, repository.AuditFilter{Since: since}, &behindNth{n + 1, func() { require.NoError(t, tx.Commit().Error) }})
			got := next()
			if got == there.Operation {
				require.False(t, since.IsZero())
				got = next()
			}
			require.Equal(t, late.Operation, got)
		}
	}
}
