package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/internal/pgtest"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// TestEqualRows: whatever is compared, all contestants leave the same rows and read
// the same answers.
func TestEqualRows(t *testing.T) {
	noon := time.Date(2026, 1, 29, 12, 0, 0, 0, time.UTC)
	clock = func() time.Time { return noon }
	t.Cleanup(func() { clock = time.Now })
	for engine, newDSN := range map[string]func(testing.TB) string{
		"sqlite":   func(t testing.TB) string { return filepath.Join(t.TempDir(), "t.db") },
		"postgres": pgtest.DSN,
	} {
		t.Run(engine, func(t *testing.T) {
			var want []string
			names := contestants
			if engine == "sqlite" {
				names = append(slices.Clone(names), handOnSeed)
			}
			for _, name := range names {
				dsn := newDSN(t)
				c, err := newContestant(t.Context(), name, dsn)
				require.NoError(t, err)
				answers := perform(t, c, engine == "sqlite")
				require.NoError(t, c.close())
				got := append(contents(t, dsn), answers...)
				if want == nil {
					want = got
				}
				assert.Equal(t, want, got, name)
			}
		})
	}
}

// perform does some of everything and returns what was read.
func perform(t *testing.T, c contestant, lists bool) (answers []string) {
	ctx := context.Background()
	source := newSource(3)
	for i := range 6 {
		r := source.receipt(i % 2)
		if i%2 == 0 {
			require.NoError(t, c.save(ctx, r))
		} else {
			source.stages(r)
			require.NoError(t, c.execution(ctx, r))
		}
	}
	var batch []*models.Receipt
	for range 150 {
		batch = append(batch, source.receipt(2))
	}
	require.NoError(t, c.batch(ctx, batch))
	require.NoError(t, c.updateOne(ctx, batch[3].ExecutionID, "staging"))
	require.NoError(t, c.updateMany(ctx, batch[0].AgentID, "production"))
	if lists {
		page, err := c.page(ctx, batch[0].AgentID, batch[140].Timestamp, batch[140].ID)
		require.NoError(t, err)
		require.Len(t, page, 50)
		for _, r := range page {
			answers = append(answers, fmt.Sprintf("%+v", *r))
		}
		require.NoError(t, c.stream(ctx, func(r *models.Receipt) { answers = append(answers, fmt.Sprintf("%+v", *r)) }))
	}
	r, err := c.get(ctx, batch[7].ExecutionID)
	require.NoError(t, err)
	answers = append(answers, fmt.Sprintf("%+v", *r))
	return answers
}

// contents is every row but for how long the statements took.
func contents(t *testing.T, dsn string) (list []string) {
	store, err := tier2.Open(t.Context(), dsn)
	require.NoError(t, err)
	defer store.Close()
	for _, m := range models.All() {
		var rows []map[string]any
		require.NoError(t, store.DB().WithContext(t.Context()).Table(m.TableName()).Order("id").Find(&rows).Error)
		for _, r := range rows {
			if m.TableName() == "audit_log" {
				delete(r, "duration_ms")
			}
			if m.TableName() == "agent_memory" {
				delete(r, "id") // an upsert takes an id on PostgreSQL, also when it updates
			}
			list = append(list, strings.TrimSpace(m.TableName()+fmt.Sprint(" ", r)))
		}
	}
	return list
}
