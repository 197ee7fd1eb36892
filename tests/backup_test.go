package tests

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/internal/pgtest"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// files returns the names in a folder.
func files(t *testing.T, folder string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// TestBackup: a backup is a separate file with every row, and a store can open it.
func TestBackup(t *testing.T) {
	t.Parallel()
	for name, dsn := range map[string]string{
		"File": filepath.Join(t.TempDir(), "tier2.db"), "Memory": ":memory:", "NamedMemory": "file:backed-up?mode=memory&cache=shared",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := open(t, dsn)
			fill(t, store)
			folder := filepath.Join(t.TempDir(), "made", "o' the % day?#")
			target := filepath.Join(folder, "backup.db")
			require.NoError(t, store.Backup(t.Context(), target))
			assert.Equal(t, []string{"backup.db"}, files(t, folder))
			for path, mode := range map[string]os.FileMode{target: 0o600, folder: 0o700 | os.ModeDir} {
				info, err := os.Stat(path)
				require.NoError(t, err)
				assert.Equal(t, mode, info.Mode())
			}
			verifyWhole(t, target)
			require.NoError(t, store.Receipts.Create(t.Context(), receipt("later")))
			second := filepath.Join(folder, "second.db")
			require.NoError(t, store.Backup(t.Context(), "file:"+strings.NewReplacer("%", "%25", "?", "%3F", "#", "%23").Replace(second)))

			copied := open(t, second)
			assert.Equal(t, rows(t, store), rows(t, copied))
			report, err := tier2.Copy(t.Context(), store, copied, tier2.CopyOptions{})
			require.NoError(t, err)
			inserted, updated := total(report)
			assert.Zero(t, inserted+updated, "it holds what the store does")
			require.NoError(t, copied.Receipts.Create(t.Context(), receipt("on")))
			assert.EqualValues(t, count(t, store, "receipts")+1, count(t, copied, "receipts"), "ids go on")
			assert.EqualValues(t, count(t, store, "receipts")-1, count(t, open(t, target), "receipts"), "the first one is as it was")
		})
	}
}

// TestBackup_BesideWriters: a backup made while goroutines save holds complete saves.
func TestBackup_BesideWriters(t *testing.T) {
	t.Parallel()
	for name, dsn := range map[string]string{"File": filepath.Join(t.TempDir(), "tier2.db"), "Memory": ":memory:"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := open(t, dsn)
			var saved atomic.Int64
			var writers sync.WaitGroup
			ctx, stop := context.WithCancel(t.Context())
			for i := range 4 {
				writers.Go(func() {
					for ctx.Err() == nil {
						if assert.NoError(t, store.Receipts.Create(t.Context(), receipt(fmt.Sprint("agent-", i)))) {
							saved.Add(1)
						}
					}
				})
			}
			folder := t.TempDir()
			for i := range 2 {
				path := filepath.Join(folder, fmt.Sprint(i))
				before := saved.Load()
				assert.NoError(t, store.Backup(t.Context(), path))
				verifyWhole(t, path)
				copied := open(t, path)
				n := counts(t, copied)
				assert.GreaterOrEqual(t, n["receipts"], before)
				assert.Equal(t, n["receipts"], n["audit_log"])
				saves := int64(0)
				for i := range 4 {
					if _, err := copied.Memory.Get(t.Context(), fmt.Sprint("agent-", i)); !errors.Is(err, models.ErrNotFound) {
						saves += activity(t, copied, fmt.Sprint("agent-", i)).Saves
					}
				}
				assert.Equal(t, n["receipts"], saves)
			}
			stop()
			writers.Wait()
			assert.Equal(t, saved.Load(), count(t, store, "receipts"))
		})
	}
}

// TestBackup_Refused: a backup that fails leaves no file and changes none.
func TestBackup_Refused(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "tier2.db")
	store := open(t, path)
	require.NoError(t, store.Receipts.Create(t.Context(), receipt("a")))
	other := t.TempDir()
	in := func(name string) string { return filepath.Join(other, name) }
	for _, name := range []string{"taken", "old-wal"} {
		require.NoError(t, os.WriteFile(in(name), []byte("mine"), 0o600))
	}
	require.NoError(t, os.Mkdir(in("folder"), 0o700))
	require.NoError(t, os.Symlink("nowhere", in("dangling")))
	require.NoError(t, os.Symlink(path, in("link")))
	require.NoError(t, os.Link(path, in("hard")))
	closed, err := tier2.Open(t.Context(), ":memory:")
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	before, own := files(t, other), files(t, folder)
	for name, tt := range map[string]struct {
		path string
		want error
		text string
		call func(path string) error
	}{
		"Blank":      {path: " ", want: models.ErrInvalid},
		"Empty":      {path: "", want: models.ErrInvalid},
		"NUL":        {path: "a\x00b", want: models.ErrInvalid},
		"Memory":     {path: ":memory:", want: models.ErrInvalid, text: "is no file"},
		"Server":     {path: "postgres://u:secret@h/d", want: models.ErrInvalid},
		"Own":        {path: path, want: models.ErrInvalid, text: "is the database itself"},
		"OwnByLink":  {path: in("link"), want: models.ErrInvalid, text: "is the database itself"},
		"OwnHard":    {path: in("hard"), want: models.ErrInvalid, text: "is the database itself"},
		"OwnJournal": {path: path + "-journal", want: models.ErrInvalid, text: "belongs to the database itself"},
		"OwnWAL":     {path: path + "-wal", want: models.ErrInvalid, text: "belongs to the database itself"},
		"Folder":     {path: in("folder"), want: models.ErrInvalid, text: "is a directory"},
		"Slash":      {path: in("new") + "/", want: models.ErrInvalid, text: "names a directory"},
		"Taken":      {path: in("taken"), want: models.ErrConflict, text: "exists already"},
		"Dangling":   {path: in("dangling"), want: models.ErrConflict, text: "exists already"},
		"OldWAL":     {path: in("old"), want: models.ErrConflict, text: "old-wal"},
		"BelowFile":  {path: in("taken/x/y.db"), want: syscall.ENOTDIR},
		"Closed":     {path: in("new/closed.db"), want: models.ErrClosed, call: func(p string) error { return closed.Backup(t.Context(), p) }},
		"Cancelled":  {path: in("new/cancelled.db"), want: context.Canceled, call: func(p string) error { return store.Backup(cancelled, p) }},
		"Transaction": {path: in("new/tx.db"), want: models.ErrInvalid, text: "inside a transaction", call: func(p string) error {
			return store.Transaction(t.Context(), func(tx *tier2.Store) error { return tx.Backup(t.Context(), p) })
		}},
	} {
		t.Run(name, func(t *testing.T) {
			call := tt.call
			if call == nil {
				call = func(p string) error { return store.Backup(t.Context(), p) }
			}
			err := call(tt.path)
			require.ErrorIs(t, err, tt.want)
			assert.Contains(t, err.Error(), tt.text)
			assert.NotContains(t, err.Error(), "secret")
			assert.Equal(t, before, files(t, other))
			assert.Equal(t, own, files(t, folder))
		})
	}
	text, err := os.ReadFile(in("taken"))
	require.NoError(t, err)
	assert.Equal(t, "mine", string(text))
	verifyWhole(t, path)
	assert.EqualValues(t, 1, count(t, store, "receipts"))
}

// TestBackup_Unsound: a copy that does not verify is not published under its name.
func TestBackup_Unsound(t *testing.T) {
	t.Parallel()
	store := open(t, ":memory:")
	require.NoError(t, store.DB().Exec("DROP INDEX idx_receipts_status").Error)
	folder := filepath.Join(t.TempDir(), "new")
	err := store.Backup(t.Context(), filepath.Join(folder, "backup.db"))
	require.ErrorIs(t, err, models.ErrCorrupt)
	assert.Contains(t, err.Error(), "idx_receipts_status is missing")
	assert.NoDirExists(t, folder)
}

// TestBackup_Interrupted: cancelling a running backup leaves no file behind.
func TestBackup_Interrupted(t *testing.T) {
	t.Parallel()
	store := open(t, filepath.Join(t.TempDir(), "tier2.db"))
	require.NoError(t, store.DB().Exec(`INSERT INTO audit_log (timestamp, agent_id, operation, status, context_json)
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)
		SELECT '2026-01-29T12:34:56.000000Z', 'agent', 'operation', 'completed', '{"n":' || i || '}' FROM n`).Error)
	folder := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- store.Backup(ctx, filepath.Join(folder, "backup.db")) }()
	for written := false; !written; { // wait until the copy has begun
		for _, name := range files(t, folder) {
			info, err := os.Stat(filepath.Join(folder, name))
			written = written || err == nil && info.Size() > 0
		}
		time.Sleep(time.Millisecond)
	}
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
	assert.Empty(t, files(t, folder))
	require.NoError(t, store.Receipts.Create(t.Context(), receipt("on")), "the store works on")
}

const backupEnv = "TIER2_TEST_BACKUP"

// TestBackup_NoSpace runs in a child process that may not write files larger than 64 kB.
func TestBackup_NoSpace(t *testing.T) {
	if path := os.Getenv(backupEnv); path != "" {
		store := open(t, ":memory:")
		fill(t, store) // with a receipt of half a megabyte
		err := store.Backup(t.Context(), path)
		require.Error(t, err)
		fmt.Println(err)
		return
	}
	t.Parallel()
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("no sh, whose ulimit bounds the size of files")
	}
	folder := t.TempDir()
	cmd := exec.Command("sh", "-c", `trap "" XFSZ; ulimit -f 128; exec "$0" "$@"`, os.Args[0], "-test.run=^TestBackup_NoSpace$")
	cmd.Env = append(os.Environ(), backupEnv+"="+filepath.Join(folder, "new", "backup.db"))
	output, err := cmd.CombinedOutput()
	require.NoError(t, err, string(output))
	assert.Contains(t, string(output), "back up to ")
	assert.Empty(t, files(t, folder))
}

// TestBackup_ReadOnlyFolder: no file and no folder is created.
func TestBackup_ReadOnlyFolder(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		t.Skip("root may write into every folder")
	}
	folder := t.TempDir()
	require.NoError(t, os.Chmod(folder, 0o500))
	t.Cleanup(func() { assert.NoError(t, os.Chmod(folder, 0o700)) })
	for _, name := range []string{"backup.db", "new/backup.db"} {
		require.ErrorIs(t, open(t, ":memory:").Backup(t.Context(), filepath.Join(folder, name)), os.ErrPermission)
		assert.Empty(t, files(t, folder))
	}
}

// TestBackup_PostgreSQL: the error names the tool to use instead.
func TestBackup_PostgreSQL(t *testing.T) {
	t.Parallel()
	store := open(t, pgtest.DSN(t))
	target := filepath.Join(t.TempDir(), "new", "backup.db")
	err := store.Backup(t.Context(), target)
	require.ErrorIs(t, err, models.ErrInvalid)
	assert.Contains(t, err.Error(), "pg_dump --format=custom")
	assert.Contains(t, err.Error(), "tier2 copy --from")
	assert.NoDirExists(t, filepath.Dir(target))
}

// TestOperations_PostgreSQL runs the dump and restore lines of docs/operations.md
// verbatim, except for the name of the schema.
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
	page, err := os.ReadFile("../docs/operations.md")
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
	for _, table := range []string{"receipts", "agent_memory"} { // tables whose counters it leaves behind
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
	report := copied(t, source, restored) // compares the digests of both
	inserted, updated := total(report)
	assert.Zero(t, inserted+updated)
	require.NoError(t, restored.Receipts.Create(ctx, receipt("on")))
	assert.EqualValues(t, count(t, source, "receipts")+1, count(t, restored, "receipts"), "ids go on")
	verifyWhole(t, dsn.String())
}
