package docs_test

import (
	"context"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/internal/pgtest"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/tests/stored"
	"github.com/seanchatmangpt/ggen/tier2/tier2test"
)

// TestScaleOut: the SQL of scale-out.md and growth.sql runs, and a store opens
// and works after it.
func TestScaleOut(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	dsn := pgtest.DSN(t)
	store, err := tier2.Open(ctx, dsn)
	require.NoError(t, err)
	page, err := os.ReadFile("scale-out.md")
	require.NoError(t, err)
	blocks := regexp.MustCompile("(?s)```sql\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	require.Len(t, blocks, 2)
	for _, block := range blocks {
		for statement := range strings.Lines(block[1]) {
			require.NoError(t, store.DB().WithContext(ctx).Exec(statement).Error, statement)
		}
	}
	var options string
	require.NoError(t, store.DB().WithContext(ctx).Raw("SELECT array_to_string(reloptions, ' ') FROM pg_class WHERE oid = 'agent_memory'::regclass").Scan(&options).Error)
	assert.Contains(t, options, "fillfactor=50")
	require.NoError(t, store.Close())

	store, err = tier2.Open(ctx, dsn)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, store.Close()) })
	require.NoError(t, store.Receipts.Create(ctx, tier2test.Receipt("new")))

	script, err := os.ReadFile("growth.sql")
	require.NoError(t, err)
	text := regexp.MustCompile(`(?m)^(\\|--).*$`).ReplaceAllString(string(script), "")
	text = regexp.MustCompile(`([^:]):n\b`).ReplaceAllString(text, "${1}20")
	db, err := store.DB().DB()
	require.NoError(t, err)
	conn, err := db.Conn(ctx) // its tables are temporary
	require.NoError(t, err)
	for statement := range strings.SplitSeq(text, ";\n") {
		_, err := conn.ExecContext(ctx, statement)
		require.NoError(t, err, statement)
	}
	require.NoError(t, conn.Close())
	rows := stored.Counts(t, store)
	assert.EqualValues(t, 21, rows["receipts"])
	assert.EqualValues(t, 100, rows["pipeline_metrics"])
	assert.EqualValues(t, 161, rows["audit_log"])
	var receipt models.Receipt
	require.NoError(t, store.DB().WithContext(ctx).Order("id DESC").First(&receipt).Error)
	assert.NoError(t, receipt.Validate())
}
