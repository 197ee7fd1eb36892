package tests

import (
	"bufio"
	"context"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

func TestOpenMakesFoldersAndFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "a", "b", "tier2.db")
	store := open(t, path)
	require.NoError(t, store.Receipts.Create(context.Background(), receipt("a")))
	for name, mode := range map[string]fs.FileMode{"a": 0o700, "a/b": 0o700, "a/b/tier2.db": 0o600, "a/b/tier2.db-wal": 0o600, "a/b/tier2.db-shm": 0o600} {
		info, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
		assert.Equal(t, mode, info.Mode().Perm(), name)
	}
	require.NoError(t, store.Close())
	assert.NoFileExists(t, path+"-wal", "Close folds the WAL into the file")

	again := open(t, path)
	assert.EqualValues(t, 1, count(t, again, "receipts"))
}

func TestOpenReadsEveryFormOfDSN(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	odd := "sp ace %20 ?mode=ro #x & =;ü'\".db"
	escaped := func(name string) string { return (&url.URL{Path: filepath.Join(dir, name)}).EscapedPath() }
	for name, tt := range map[string]struct{ dsn, file string }{
		"Path":          {filepath.Join(dir, "plain.db"), "plain.db"},
		"OddPath":       {filepath.Join(dir, odd), odd},
		"File":          {"file:" + filepath.Join(dir, "f1.db"), "f1.db"},
		"FileThree":     {"file://" + filepath.Join(dir, "f2.db"), "f2.db"},
		"FileLocalhost": {"file://localhost" + filepath.Join(dir, "f3.db"), "f3.db"},
		"FileEscaped":   {"file:" + escaped("e "+odd) + "?mode=rwc&cache=shared#fragment", "e " + odd},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := open(t, tt.dsn)
			require.NoError(t, store.Receipts.Create(context.Background(), receipt("a")))
			assert.FileExists(t, filepath.Join(dir, tt.file))
			_, err := store.Reports.AgentPerformance(context.Background())
			assert.NoError(t, err, "the readers find the same file")
		})
	}
}

func TestOpenRelativePath(t *testing.T) { // not parallel: it changes the working directory
	dir := t.TempDir()
	t.Chdir(dir)
	store := open(t, ".ggen/tier2.db")
	viaURI := open(t, "file:rel.db")
	t.Chdir(t.TempDir())
	for _, s := range []*tier2.Store{store, viaURI} {
		require.NoError(t, s.Receipts.Create(context.Background(), receipt("a")))
		_, err := s.Reports.AgentPerformance(context.Background())
		require.NoError(t, err)
	}
	assert.FileExists(t, filepath.Join(dir, ".ggen", "tier2.db"))
	assert.FileExists(t, filepath.Join(dir, "rel.db"))
}

func TestOpenInMemory(t *testing.T) {
	t.Parallel()
	for _, dsn := range []string{":memory:", "file::memory:", "file::memory:?cache=shared", "file:x?mode=memory"} {
		one, two := open(t, dsn), open(t, dsn)
		require.NoError(t, one.Receipts.Create(context.Background(), receipt("a")))
		assert.EqualValues(t, 1, count(t, one, "receipts"))
		assert.Zero(t, count(t, two, "receipts"), "every store in memory is its own")
		agents, err := one.Reports.AgentPerformance(context.Background())
		require.NoError(t, err)
		assert.Len(t, agents, 1, "the readers see what was written")
	}
	one, two := open(t, "file:open_test_named?mode=memory&cache=shared"), open(t, "file:open_test_named?mode=memory&cache=shared")
	require.NoError(t, one.Receipts.Create(context.Background(), receipt("a")))
	assert.EqualValues(t, 1, count(t, two, "receipts"), "a shared name is one database")
	assert.NoFileExists(t, "x")
}

func TestOpenAnEmptyFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "empty.db")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	store := open(t, path)
	assert.NoError(t, store.Receipts.Create(context.Background(), receipt("a")))
}

func TestLocation(t *testing.T) {
	t.Parallel()
	where, err := tier2.Location("postgres://u:hunter2@db.example:5433/x?search_path=y")
	require.NoError(t, err)
	assert.Equal(t, "postgres://u@db.example:5433/x", where)
	where, err = tier2.Location("file:/a/b.db?mode=rw")
	require.NoError(t, err)
	assert.Equal(t, filepath.FromSlash("/a/b.db"), where)
	where, err = tier2.Location("file:x?mode=memory")
	require.NoError(t, err)
	assert.Equal(t, ":memory:", where)
	for _, dsn := range []string{"", "mysql://u:hunter2@h/db", "postgres://u:hunter2@h:port/db", "file:%zz"} {
		_, err = tier2.Location(dsn)
		require.ErrorIs(t, err, models.ErrInvalid, dsn)
		assert.NotContains(t, err.Error(), "hunter2")
	}
	_, err = tier2.Verify(t.Context(), ":memory:")
	assert.ErrorIs(t, err, models.ErrInvalid)
}

const openEnv = "TIER2_TEST_OPEN"

// TestTenProcessesOpenANewPath runs this binary ten times. All processes open the same path
// at the same moment, and each saves a receipt.
func TestTenProcessesOpenANewPath(t *testing.T) {
	if path := os.Getenv(openEnv); path != "" {
		fmt.Println("ready")
		_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
		store := open(t, path)
		require.NoError(t, store.Receipts.Create(context.Background(), receipt("a")))
		return
	}
	t.Parallel()
	const processes = 10
	path := filepath.Join(t.TempDir(), "new", "folder", "tier2.db")
	var all sync.WaitGroup
	var ready sync.WaitGroup
	ready.Add(processes)
	start := make(chan struct{})
	for range processes {
		all.Go(func() {
			cmd := exec.Command(os.Args[0], "-test.run=^TestTenProcessesOpenANewPath$")
			cmd.Env = append(os.Environ(), openEnv+"="+path)
			var output strings.Builder
			cmd.Stderr = &output
			in, err := cmd.StdinPipe()
			if !assert.NoError(t, err) {
				return
			}
			out, err := cmd.StdoutPipe()
			if !assert.NoError(t, err) || !assert.NoError(t, cmd.Start()) {
				return
			}
			lines := bufio.NewScanner(out)
			lines.Scan()
			ready.Done()
			<-start
			fmt.Fprintln(in)
			for lines.Scan() {
				fmt.Fprintln(&output, lines.Text())
			}
			assert.NoError(t, cmd.Wait(), &output)
		})
	}
	ready.Wait()
	close(start)
	all.Wait()
	store := open(t, path)
	assert.EqualValues(t, processes, count(t, store, "receipts"))
	assert.EqualValues(t, processes, count(t, store, "audit_log"))
}

// tree returns mode, path and bytes of every entry below a folder.
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
