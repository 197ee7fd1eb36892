package main

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"regexp"
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
	stopClock(t)
	for engine, newDSN := range map[string]func(testing.TB) string{
		"sqlite":   func(t testing.TB) string { return filepath.Join(t.TempDir(), "t.db") },
		"postgres": pgtest.DSN,
	} {
		t.Run(engine, func(t *testing.T) {
			var want []string
			names := contestants
			if engine == "sqlite" {
				names = append(slices.Clone(names), handOnSeed, asDocumented)
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

func stopClock(t *testing.T) {
	noon := time.Date(2026, 1, 29, 12, 0, 0, 0, time.UTC)
	clock = func() time.Time { return noon }
	t.Cleanup(func() { clock = time.Now })
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

// answer is the rows of a query.
func answer(t *testing.T, db *sql.DB, query string) (list []string) {
	rows, err := db.Query(query)
	require.NoError(t, err)
	defer rows.Close()
	columns, err := rows.Columns()
	require.NoError(t, err)
	for rows.Next() {
		values, targets := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			targets[i] = &values[i]
		}
		require.NoError(t, rows.Scan(targets...))
		list = append(list, fmt.Sprint(columns, values))
	}
	require.NoError(t, rows.Err())
	return list
}

// digest is what only tier2 adds to an entry.
var digest = regexp.MustCompile(`,"digest":"[0-9a-f]{64}"`)

// contents is every row but for how long the statements took, and the digests.
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
				r["context_json"] = digest.ReplaceAllString(fmt.Sprint(r["context_json"]), "")
			}
			if m.TableName() == "agent_memory" {
				delete(r, "id") // an upsert takes an id on PostgreSQL, also when it updates
			}
			list = append(list, strings.TrimSpace(m.TableName()+fmt.Sprint(" ", r)))
		}
	}
	return list
}

// TestFill: filled databases of both schemas hold the same rows, also
// after a save, and the views say of
// them what the queries say that they are compared with.
func TestFill(t *testing.T) {
	stopClock(t)
	var wantRows []string
	var wantAnswers [][]string
	for _, name := range []string{handOnSeed, "tier2"} {
		dsn := filepath.Join(t.TempDir(), "t.db")
		c, err := newContestant(t.Context(), name, dsn)
		require.NoError(t, err)
		bytes, err := fill(t.Context(), pool(c), 500)
		require.NoError(t, err)
		assert.Positive(t, bytes)
		require.NoError(t, c.save(t.Context(), newSource(1).receipt(0))) // the memory of an agent can go on
		var answers [][]string
		for _, v := range views[1:] { // schema 1.0.0 counts no audit entries in the first
			query := v.old
			if name == "tier2" {
				query = "SELECT * FROM " + v.name
			}
			answers = append(answers, answer(t, pool(c), query+" ORDER BY 1"))
		}
		require.NoError(t, c.close())
		rows := contents(t, dsn)
		if wantRows == nil {
			wantRows, wantAnswers = rows, answers
			require.Len(t, answers[1], 5)
		}
		assert.Equal(t, wantRows, rows)
		assert.Equal(t, wantAnswers, answers)
	}
}
