package contract

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

var concurrencyCases = cases{
	"Batches": concurrencyBatches,
	"From":    concurrencyFrom,
	"Memory":  concurrencyMemory,
}

// together runs do in n goroutines and waits for them.
func together(n int, do func(worker int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { do(i) })
	}
	all.Wait()
}

// chain follows the audit entries of a column of one row, from the first value that an
// update replaced: each `from` must equal the previous `to`. It returns the last `to` and
// the number of updates.
func chain(t *T, store *tier2.Store, table, key, column string) (last string, n int) {
	t.Helper()
	var rows []models.AuditEntry
	require.NoError(t, store.DB().WithContext(t.Context()).Where("operation = ?", table+".update").Find(&rows).Error)
	next, replaced := map[string]string{}, map[string]bool{}
	for _, e := range rows {
		var doc struct {
			Key     string
			Changes map[string]struct{ From, To any }
		}
		require.NoError(t, e.ContextJSON.Decode(&doc))
		if c, ok := doc.Changes[column]; ok && doc.Key == key {
			from, to := fmt.Sprint(c.From), fmt.Sprint(c.To)
			assert.NotContains(t, next, from, "two updates say that they replaced it")
			next[from], replaced[to] = to, true
		}
	}
	var starts []string
	for from := range next {
		if !replaced[from] {
			starts = append(starts, from)
		}
	}
	require.Len(t, starts, 1, "the chain of %s is broken", key)
	for last = starts[0]; ; n++ {
		to, ok := next[last]
		if !ok {
			break
		}
		last = to
	}
	assert.Equal(t, len(next), n, "updates of %s in the chain", key)
	return last, n
}

func environment(t *T, store *tier2.Store, key string) string {
	t.Helper()
	r, err := store.Receipts.Get(t.Context(), key)
	require.NoError(t, err)
	return r.Environment
}

// concurrencyFrom: when writers change the same rows at once, the audit log has an unbroken
// chain of values per row.
func concurrencyFrom(t *T) {
	store := open(t)
	const workers, rounds = 8, 12
	ctx := t.Context()
	keys := []string{"a", "b", "c"}
	for _, key := range keys {
		require.NoError(t, store.Receipts.Create(ctx, receipt(key)))
	}
	var changed atomic.Int64
	ops := []func(db *gorm.DB, key, value string) *gorm.DB{
		func(db *gorm.DB, key, value string) *gorm.DB {
			return db.Model(&models.Receipt{}).Where("execution_id = ?", key).Update("environment", value)
		},
		func(db *gorm.DB, _, value string) *gorm.DB { // the other writers make the condition true and false
			return db.Model(&models.Receipt{}).Where("files_generated > 3").
				Updates(map[string]any{"files_generated": gorm.Expr("files_generated - 3"), "environment": gorm.Expr("? || execution_id", value)})
		},
		func(db *gorm.DB, key, value string) *gorm.DB {
			return db.Model(&models.Receipt{}).Where("execution_id <> ?", key).
				Updates(map[string]any{"files_generated": gorm.Expr("files_generated + 2"), "environment": gorm.Expr("? || execution_id", value)})
		},
		func(db *gorm.DB, key, value string) *gorm.DB {
			var r models.Receipt
			if res := db.Where("execution_id = ?", key).Take(&r); res.Error != nil {
				return res
			}
			r.Environment = value
			return db.Save(&r)
		},
		func(db *gorm.DB, key, value string) *gorm.DB {
			r := receipt(key)
			r.Environment = value
			return db.Clauses(clause.OnConflict{
				Columns: []clause.Column{{Name: "execution_id"}}, DoUpdates: clause.AssignmentColumns([]string{"environment"}),
			}).Create(r)
		},
		func(db *gorm.DB, _, value string) *gorm.DB {
			var rows []models.Receipt
			return db.Model(&rows).Clauses(clause.Returning{}).Where("files_generated > 2").
				Updates(map[string]any{"files_generated": gorm.Expr("files_generated - 1"), "environment": gorm.Expr("? || execution_id", value)})
		},
	}
	together(workers, func(w int) {
		for i := range rounds {
			n := w*rounds + i
			db := store.DB().WithContext(ctx)
			res := ops[n%len(ops)](db, keys[rand.IntN(len(keys))], fmt.Sprintf("v%d-", n))
			if assert.NoError(t, res.Error) {
				changed.Add(res.RowsAffected)
			}
		}
	})
	total := 0
	for _, key := range keys {
		last, n := chain(t, store, "receipts", key, "environment")
		assert.Equal(t, environment(t, store, key), last)
		total += n
	}
	assert.EqualValues(t, changed.Load(), total)
}

// concurrencyMemory: writers that create and update the memories of the same agents lose
// nothing, and leave no failed entry for a race that a retry has won.
func concurrencyMemory(t *T) {
	store := open(t)
	const workers, rounds = 8, 10
	ctx := t.Context()
	together(workers, func(w int) {
		for i := range rounds {
			doc := models.JSON(fmt.Sprintf(`{"w%d":%d}`, w, i))
			agent := fmt.Sprint("agent-", i%2)
			if i == 7 {
				assert.NoError(t, store.Memory.Put(ctx, agent, models.JSON(fmt.Sprintf(`{"put":%d}`, w))))
			} else {
				assert.NoError(t, store.Memory.Merge(ctx, agent, doc))
			}
		}
	})
	for _, agent := range []string{"agent-0", "agent-1"} {
		last, n := chain(t, store, "agent_memory", agent, "memory_json")
		memory, err := store.Memory.Get(ctx, agent)
		require.NoError(t, err)
		assert.JSONEq(t, memory.MemoryJSON.String(), last)
		assert.Equal(t, workers*rounds/2-1, n, "all but the one that made it")
	}
	assert.NotContains(t, fmt.Sprint(entries(t, store)), "failed")
}

// concurrencyBatches: batches with agents in different orders lock the memories in one
// order, so they never deadlock.
func concurrencyBatches(t *T) {
	store := open(t)
	const workers, rounds, agents = 8, 8, 6
	ctx := context.WithoutCancel(t.Context())
	together(workers, func(w int) {
		for i := range rounds {
			var batch []*models.Receipt
			for _, a := range rand.Perm(agents) {
				r := receipt(fmt.Sprintf("%d-%d-%d", w, i, a))
				r.AgentID = fmt.Sprint("agent-", a)
				batch = append(batch, r)
			}
			// Not through the repository, which would retry.
			assert.NoError(t, store.DB().WithContext(ctx).Create(batch).Error)
		}
	})
	for a := range agents {
		assert.EqualValues(t, workers*rounds, activity(t, store, fmt.Sprint("agent-", a)).Saves)
	}
}
