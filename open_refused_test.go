package tier2_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// tree lists what is under a folder: mode, path and bytes of every entry.
func tree(t *testing.T, root string) (list []string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		content := ""
		if !d.IsDir() {
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			content = string(b)
		}
		list = append(list, fmt.Sprintf("%v %s %q", info.Mode(), path, content))
		return nil
	}))
	return list
}

func TestOpenRefusesAndChangesNothing(t *testing.T) {
	t.Parallel()
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	exec := func(t *testing.T, path, statements string) {
		store, err := tier2.Open(context.Background(), path)
		require.NoError(t, err)
		require.NoError(t, store.DB().Exec(statements).Error)
		require.NoError(t, store.Close())
	}
	write := func(content string, mode fs.FileMode) func(*testing.T, string) {
		return func(t *testing.T, path string) { require.NoError(t, os.WriteFile(path, []byte(content), mode)) }
	}
	for name, tt := range map[string]struct {
		prepare func(t *testing.T, path string)
		dsn     func(path string) string
		ctx     context.Context
		opts    []tier2.Option
		is      error
		says    string
	}{
		"NotADatabase":   {prepare: write(strings.Repeat("hello\n", 500), 0o644), is: models.ErrInvalid, says: "is not a SQLite database"},
		"ShortText":      {prepare: write("x", 0o644), is: models.ErrInvalid, says: "is not a SQLite database"},
		"HeaderOnly":     {prepare: write("SQLite format 3\x00"+strings.Repeat("junk", 300), 0o644), is: models.ErrInvalid},
		"Directory":      {prepare: func(t *testing.T, path string) { require.NoError(t, os.Mkdir(path, 0o755)) }, is: models.ErrInvalid, says: "is a directory"},
		"UnderAFile":     {prepare: write("", 0o644), dsn: func(p string) string { return p + "/x/tier2.db" }, says: "not a directory"},
		"ReadOnly":       {prepare: func(t *testing.T, path string) { exec(t, path, "SELECT 1"); require.NoError(t, os.Chmod(path, 0o444)) }, is: models.ErrReadOnly, says: "read-only"},
		"ModeRO":         {prepare: func(t *testing.T, path string) { exec(t, path, "SELECT 1") }, dsn: func(p string) string { return "file:" + p + "?mode=ro" }, is: models.ErrReadOnly},
		"ModeRWMissing":  {dsn: func(p string) string { return "file:" + p + "?mode=rw" }, is: models.ErrNotFound, says: "does not exist"},
		"Newer":          {prepare: func(t *testing.T, path string) { exec(t, path, "PRAGMA user_version = 5") }, is: models.ErrInvalid, says: "schema version 5, newer than 4"},
		"Unknown":        {prepare: func(t *testing.T, path string) { exec(t, path, "PRAGMA user_version = 1") }, is: models.ErrInvalid, says: "version 1"},
		"Torn":           {prepare: func(t *testing.T, path string) { exec(t, path, "DROP TABLE slo_violations") }, is: models.ErrInvalid, says: "lacks the tables slo_violations"},
		"OtherProgram":   {prepare: func(t *testing.T, path string) { exec(t, path, otherProgram) }, is: models.ErrInvalid, says: "belongs to another program: it holds bookmarks"},
		"Cancelled":      {ctx: cancelled, is: context.Canceled},
		"CancelledNew":   {ctx: cancelled, dsn: func(p string) string { return p + "/new/tier2.db" }, is: context.Canceled},
		"Blank":          {dsn: func(string) string { return "  " }, is: models.ErrInvalid, says: "blank"},
		"NUL":            {dsn: func(p string) string { return p + "\x00" }, is: models.ErrInvalid, says: "NUL"},
		"EscapedNUL":     {dsn: func(p string) string { return "file:" + p + "%00" }, is: models.ErrInvalid, says: "NUL"},
		"Slash":          {dsn: func(p string) string { return p + "/" }, is: models.ErrInvalid, says: "names a directory"},
		"Scheme":         {dsn: func(string) string { return "mysql://host/db" }, is: models.ErrInvalid, says: "no database engine"},
		"Host":           {dsn: func(p string) string { return "file://elsewhere" + p }, is: models.ErrInvalid, says: "elsewhere"},
		"Escape":         {dsn: func(p string) string { return "file:" + p + "%zz" }, is: models.ErrInvalid, says: "malformed"},
		"Parameter":      {dsn: func(p string) string { return "file:" + p + "?_foreign_keys=off" }, is: models.ErrInvalid, says: "_foreign_keys=off"},
		"NoName":         {dsn: func(string) string { return "file:?mode=rwc" }, is: models.ErrInvalid, says: "names no file"},
		"BusyTimeout":    {opts: []tier2.Option{tier2.WithBusyTimeout(-1)}, is: models.ErrInvalid, says: "busy timeout"},
		"Readers":        {opts: []tier2.Option{tier2.WithReaders(0)}, is: models.ErrInvalid, says: "readers"},
		"ReadersTooMany": {opts: []tier2.Option{tier2.WithReaders(1 << 30)}, is: models.ErrInvalid, says: "readers"},
		"Clock":          {opts: []tier2.Option{tier2.WithClock(nil)}, is: models.ErrInvalid, says: "clock"},
		"Redactor":       {opts: []tier2.Option{tier2.WithRedactor(nil)}, is: models.ErrInvalid, says: "redactor"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			dsn := filepath.Join(dir, "it.db")
			if tt.prepare != nil {
				tt.prepare(t, dsn)
			}
			if tt.dsn != nil {
				dsn = tt.dsn(dsn)
			}
			if tt.ctx == nil {
				tt.ctx = context.Background()
			}
			before := tree(t, dir)
			store, err := tier2.Open(tt.ctx, dsn, tt.opts...)
			require.Error(t, err)
			assert.Nil(t, store)
			if tt.is != nil {
				assert.ErrorIs(t, err, tt.is)
			}
			assert.ErrorContains(t, err, tt.says)
			assert.Equal(t, before, tree(t, dir))
		})
	}
}

const otherProgram = `DROP VIEW recent_executions; DROP VIEW agent_performance_summary; DROP VIEW pipeline_stage_performance;
	DROP TABLE slo_violations; DROP TABLE pipeline_metrics; DROP TABLE collision_detection; DROP TABLE receipts;
	DROP TABLE workflow_sessions; DROP TABLE audit_log; DROP TABLE agent_memory;
	CREATE TABLE bookmarks (url TEXT); PRAGMA user_version = 0`
