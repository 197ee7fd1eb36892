package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestImport_HostileFiles checks that each bad file is refused with its name and the reason,
// and that every good receipt next to it is stored.
func TestImport_HostileFiles(t *testing.T) {
	t.Parallel()
	wrapped := fixture(t, "wrapped.json")
	good := func(id string) string { return strings.Replace(wrapped, "exec-1", id, 1) }
	line := func(id string) string { return strings.ReplaceAll(good(id), "\n", "") + "\n" }
	with := func(old, new string) string { return strings.Replace(wrapped, old, new, 1) }
	long := strings.Repeat("x", 2<<20)
	dir := folder(t, map[string]string{
		"a.json": good("first"), "z.json": good("last"), "x.json/inner.json": good("inner"),
		"two.jsonl": line("before") + long + "\n" + line("between") + "\xff\n" + line("after") + long,
		"deep.json": strings.Repeat("[", 1<<20), "objects.json": strings.Repeat(`{"a":`, 100_000),
		"inside.json": with("400", strings.Repeat("[", 1001)+strings.Repeat("]", 1001)), "bom.json": "\ufeff" + wrapped,
		"utf8.json": with("builder", "\xff"), "utf16.json": "\xff\xfe{\x00}\x00", "digits.json": with("400", strings.Repeat("9", 1_000_000)), "exponent.json": with("400", "1e999999"),
		"twice.json": with(`"agent_id"`, `"agent_id": "other", "agent_id"`), "large.json": wrapped + strings.Repeat(" ", 1<<20), "empty.json": "", "nul.json": strings.Repeat("\x00", 1000),
		"a\x1b[2Jb\nrefused c.json": "[]",
	})
	sparse := filepath.Join(dir, "sparse.json")
	require.NoError(t, os.WriteFile(sparse, nil, 0o600))
	require.NoError(t, os.Truncate(sparse, 1<<40))
	for name, target := range map[string]string{
		"loop.json": "loop.json", "ping.json": "pong.json", "pong.json": "ping.json", "dangling.json": "nowhere", "folder.json": ".", "device.json": "/dev/zero", "up": "..", "self": ".",
	} {
		require.NoError(t, os.Symlink(target, filepath.Join(dir, name)))
	}
	refused := map[string]string{
		"two.jsonl:2": "is larger than 1 MiB", "two.jsonl:4": "is not valid UTF-8", "two.jsonl:6": "is larger than 1 MiB",
		"deep.json": "is nested more than 1000 deep", "objects.json": "is nested more than 1000 deep", "inside.json": "is nested more than 1000 deep", "bom.json": "byte order mark", "utf8.json": "is not valid UTF-8",
		"utf16.json": "is not valid UTF-8", "digits.json": "must be a number", "exponent.json": "must be a number", "twice.json": `receipt: holds the key "agent_id" twice`, "large.json": "is larger than 1 MiB",
		"empty.json": "is empty", "nul.json": "is not valid JSON", "sparse.json": "is larger than 1 MiB", "loop.json": "loop.json", "ping.json": "ping.json", "pong.json": "pong.json", "dangling.json": "no such file",
		"folder.json": "is no regular file", "device.json": "is no regular file", "a?[2Jb?refused c.json": "is no JSON object",
	}
	for name := range fifo(t, dir) {
		refused[name] = "is no regular file"
	}
	db := database(t)
	got := run(t, "", "import", "receipts", "--db", db, "--json", "--max-size", "1", dir)
	assert.Equal(t, exitFound, got.code)
	var sum summary
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &sum))
	assert.Equal(t, []int{6, 0, len(refused)}, []int{sum.Imported, sum.Unchanged, sum.Refused})
	assert.Len(t, sum.Refusals, len(refused))
	lines := strings.Split(strings.TrimSpace(got.stderr), "\n")
	assert.Len(t, lines, len(refused), "a line each, whatever is in a name")
	for name, reason := range refused {
		found := ""
		for _, l := range lines {
			if strings.HasPrefix(l, "refused "+filepath.Join(dir, name)+": ") {
				found = l
			}
		}
		assert.Contains(t, found, reason, name)
		assert.Less(t, len(found), 1000)
	}
	assert.Equal(t, 6, count(t, db, "SELECT COUNT(*) FROM receipts"))
	assert.Zero(t, count(t, db, "SELECT COUNT(*) FROM audit_log WHERE status <> 'completed'"))

}

// TestImport_ManyRefusals checks that stderr lists every refusal, and the summary the first
// ones and their number.
func TestImport_ManyRefusals(t *testing.T) {
	t.Parallel()
	const n = 5_000
	dir := folder(t, map[string]string{"bad.jsonl": strings.Repeat("x\n", n)})
	got := run(t, "", "import", "receipts", "--db", database(t), "--json", dir)
	assert.Equal(t, exitFound, got.code)
	var sum summary
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &sum))
	assert.Equal(t, n, sum.Refused)
	require.Len(t, sum.Refusals, maxRefusals)
	assert.Equal(t, filepath.Join(dir, "bad.jsonl:1000"), sum.Refusals[maxRefusals-1].Source)
	assert.Equal(t, n, strings.Count(got.stderr, "\n"))
}

func TestImport_MaxSize(t *testing.T) {
	t.Parallel()
	for _, size := range []string{"0", "-1", "257", "many"} {
		got := run(t, "", "import", "receipts", "--db", filepath.Join(t.TempDir(), "x.db"), "--max-size", size, "testdata/wrapped.json")
		assert.Equal(t, exitUsage, got.code, size)
		assert.Contains(t, got.stderr, "--max-size")
	}
}

// TestImport_EndlessInput checks that documents before an endless one are stored, and that
// reading stops at the maximum size of a document.
func TestImport_EndlessInput(t *testing.T) {
	t.Parallel()
	wrapped := fixture(t, "wrapped.json")
	for name, tt := range map[string]struct{ begin, forever, want string }{
		"Nested": {"", "[", "is nested more than 1000 deep"}, "Objects": {"", `{"a":`, "is nested more than 1000 deep"}, "Text": {`{"a":"`, "x", "is larger than 1 MiB"},
		"Digits": {"", "9", "is larger than 1 MiB"}, "Array": {"[0", ",0", "is larger than 1 MiB"}, "Blank": {"", " \n", "is larger than 1 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := &endless{text: tt.forever}
			var stdout, stderr bytes.Buffer
			db := database(t)
			code := Run(t.Context(), []string{"import", "receipts", "--db", db, "--max-size", "1", "-"}, io.MultiReader(strings.NewReader(wrapped+tt.begin), in), &stdout, &stderr)
			assert.Equal(t, exitFound, code)
			assert.Equal(t, "1 imported, 0 unchanged, 1 refused\n", stdout.String())
			assert.Contains(t, stderr.String(), "standard input, document 2: "+tt.want)
			assert.Contains(t, stderr.String(), "nothing after it was read")
			assert.LessOrEqual(t, in.read, 2<<20)
		})
	}
}

// endless is a reader that repeats a text.
type endless struct {
	text string
	read int
}

func (e *endless) Read(p []byte) (int, error) {
	if e.read > 1<<30 {
		return 0, errors.New("read a gigabyte")
	}
	for i := range p {
		p[i] = e.text[(e.read+i)%len(e.text)]
	}
	e.read += len(p)
	return len(p), nil
}

// TestWhole checks that a file that changes while it is read is refused, and that reading a
// file that grows stops.
func TestWhole(t *testing.T) {
	t.Parallel()
	const largest = 100
	open := func(data string, change func(*fstest.MapFile)) fs.File {
		file := &fstest.MapFile{Data: []byte(data), ModTime: time.Unix(1, 0)}
		f, err := fstest.MapFS{"x.json": file}.Open("x.json")
		require.NoError(t, err)
		return &changing{File: f, stat: func() { change(file) }}
	}
	unchanged := func(*fstest.MapFile) {}
	for name, tt := range map[string]struct {
		file fs.File
		want string
	}{
		"OK":        {open(strings.Repeat("x", largest), unchanged), ""},
		"ErrLarge":  {open(strings.Repeat("x", largest+1), unchanged), "is larger than"},
		"ErrTouch":  {open("{}", func(f *fstest.MapFile) { f.ModTime = time.Unix(2, 0) }), "was changed while it was read"},
		"ErrLonger": {open("{}", func(f *fstest.MapFile) { f.Data = []byte("{} ") }), "was changed while it was read"},
		"ErrGrows":  {&changing{File: open("{}", unchanged), grows: &endless{text: "x"}, stat: func() {}}, "is larger than"},
	} {
		raw, err := whole(tt.file, largest)
		if tt.want == "" {
			require.NoError(t, err, name)
			assert.Len(t, raw, largest)
			continue
		}
		require.ErrorContains(t, err, tt.want, name)
	}
}

// changing is a file that changes after the first call of Stat.
type changing struct {
	fs.File
	stat  func()
	grows io.Reader
}

func (c *changing) Stat() (fs.FileInfo, error) {
	info, err := c.File.Stat()
	size := info.Size()
	at := info.ModTime()
	c.stat()
	return fixed{info, size, at}, err
}

func (c *changing) Read(p []byte) (int, error) {
	if c.grows != nil {
		return c.grows.Read(p)
	}
	return c.File.Read(p)
}

// fixed is a FileInfo that does not change.
type fixed struct {
	fs.FileInfo
	size int64
	at   time.Time
}

func (f fixed) Size() int64        { return f.size }
func (f fixed) ModTime() time.Time { return f.at }
