package tier2_test

import (
	"context"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2/internal/pgtest"
)

// TestOperations_PostgreSQL: the lines of docs/operations.md that dump and restore, as
// they stand there, but for the name of the schema.
func TestOperations_PostgreSQL(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	dsn, err := url.Parse(pgtest.DSN(t))
	require.NoError(t, err)
	for _, tool := range []string{"pg_dump", "pg_restore", "psql"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip("no " + tool + ": install postgresql-client")
		}
	}
	page, err := os.ReadFile("docs/operations.md")
	require.NoError(t, err)
	schema := dsn.Query().Get("search_path")
	folder := t.TempDir()
	documented := func(tool string) {
		t.Helper()
		line := regexp.MustCompile(`(?m)^` + tool + ` .*$`).FindString(string(page))
		require.NotEmpty(t, line, tool)
		line = regexp.MustCompile(`\btier2(_before|\b[^.])`).ReplaceAllString(line, schema+"$1")
		cmd := exec.Command("sh", "-c", line)
		cmd.Dir = folder
		cmd.Env = append(os.Environ(), "DATABASE="+pgtest.Server())
		output, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s\n%s", line, output)
	}

	store := open(t, dsn.String())
	fill(t, store)
	for _, table := range []string{"receipts", "agent_memory"} { // where it leaves the counters behind
		require.NoError(t, store.DB().WithContext(ctx).Exec("SELECT setval(pg_get_serial_sequence('"+table+"', 'id'), 5000)").Error)
	}
	_, err = store.Audit.Seal(ctx)
	require.NoError(t, err)
	want := rows(t, store)
	documented("pg_dump")
	require.FileExists(t, filepath.Join(folder, "tier2.dump"))
	require.NoError(t, store.Close())
	documented("psql") // moves the schema aside
	before := *dsn
	before.RawQuery = strings.Replace(dsn.RawQuery, schema, schema+"_before", 1)
	source := open(t, before.String())
	t.Cleanup(func() {
		assert.NoError(t, source.DB().WithContext(ctx).Exec("DROP SCHEMA "+schema+"_before CASCADE").Error)
	})
	documented("pg_restore")

	verifyWhole(t, dsn.String())
	restored := open(t, dsn.String())
	assert.Equal(t, want, rows(t, restored))
	report := copied(t, source, restored) // which compares the digests of both
	inserted, updated := total(report)
	assert.Zero(t, inserted+updated)
	require.NoError(t, restored.Receipts.Create(ctx, receipt("on")))
	assert.EqualValues(t, count(t, source, "receipts")+1, count(t, restored, "receipts"), "ids go on")
	verifyWhole(t, dsn.String())
}
