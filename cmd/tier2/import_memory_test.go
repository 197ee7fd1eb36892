//go:build linux

package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fifo creates a FIFO without a writer.
func fifo(t *testing.T, dir string) map[string]bool {
	t.Helper()
	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "fifo.json"), 0o600))
	return map[string]bool{"fifo.json": true}
}

// number returns the size of a test from the environment, or else small.
func number(t *testing.T, name string, small int) int {
	t.Helper()
	if s := os.Getenv(name); s != "" {
		n, err := strconv.Atoi(s)
		require.NoError(t, err, name)
		return n
	}
	return small
}

// TestImport_Memory checks the memory of the command. The limit is 64 MiB plus four times
// --max-size for any input, and plus forty times the size of a document that has only keys
// or elements.
func TestImport_Memory(t *testing.T) {
	t.Parallel()
	if raceEnabled {
		t.Skip("the race detector's own memory is many times that")
	}
	mib := number(t, "TIER2_IMPORT_MIB", 1) // at most about 15, the limit of --max-size
	wrapped, dir := fixture(t, "wrapped.json"), t.TempDir()
	file := func(name, text string, size int64) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		if size > 0 {
			require.NoError(t, os.Truncate(path, size))
		}
		return path
	}
	with := func(key, format string) string { // returns a receipt of mib MiB
		var b strings.Builder
		for i := 0; b.Len() < mib<<20; i++ {
			fmt.Fprintf(&b, format, i)
		}
		return strings.Replace(wrapped, key, b.String()+key, 1)
	}
	for name, in := range map[string]struct {
		log   bool   // the input is ggen's log
		stdin string // the last byte is repeated without end
		file  string
		want  string
		most  int // MiB, resident
	}{
		"Nested":   {stdin: "[", want: "nested more than 1000 deep", most: 64},
		"Text":     {stdin: `"x`, want: "is larger than 16 MiB", most: 64 + 4*16},
		"Sparse":   {file: file("sparse.json", "{}\n", 1<<40), want: "is larger than 16 MiB", most: 64},
		"Line":     {file: file("sparse.jsonl", "{}\n", 256<<20), want: "is larger than 16 MiB", most: 64 + 4*16},
		"LogLine":  {log: true, file: file("log.jsonl", logLine(1, "x")+logLine(2, strings.Repeat("x", 17<<20)), 0), want: "line 2: is larger than 16777216 bytes", most: 64 + 4*16},
		"LogNest":  {log: true, stdin: logLine(1, "x") + "[", want: "line 2: is larger", most: 64 + 4*16},
		"Elements": {file: file("elements.json", strings.Replace(wrapped, ": 47", ": ["+strings.Repeat("0,", mib<<19)+"0]", 1), 0), want: "1 imported", most: 64 + 40*mib},
		"Keys":     {file: file("keys.json", with(`"agent_id"`, `"%x":0,`), 0), want: "1 imported", most: 64 + 40*mib},
		"Stages":   {file: file("stages.json", with(`"μ₁_normalize"`, `"%x":{},`), 0), want: "faults more", most: 64 + 40*mib},
	} {
		t.Run(name, func(t *testing.T) {
			source := in.file
			if source == "" {
				source = "-"
			}
			args := []string{"import", "receipts", "--db", filepath.Join(t.TempDir(), "x.db"), source}
			if in.log {
				args = []string{"import", "ggen-log", "--db", filepath.Join(t.TempDir(), "x.db"), "--agent", "a", "--at", "1d", source}
			}
			cmd := exec.Command(os.Args[0], args...)
			cmd.Env = append(os.Environ(), asMeasured+"=1")
			if in.stdin != "" {
				cmd.Stdin = io.MultiReader(strings.NewReader(in.stdin), &endless{text: in.stdin[len(in.stdin)-1:]})
			}
			out, _ := cmd.CombinedOutput() // an error if the input was refused
			require.Contains(t, string(out), in.want)
			peak := peakLine.FindStringSubmatch(string(out))
			require.NotNil(t, peak, string(out))
			kib, err := strconv.Atoi(peak[1])
			require.NoError(t, err)
			t.Logf("%d MiB", kib>>10)
			assert.Less(t, kib>>10, in.most)
		})
	}
}

var peakLine = regexp.MustCompile(`VmHWM:\s*(\d+) kB`)

// TestFiles_Memory checks that walking a large directory holds a few thousand names. It is
// not parallel, since it measures the heap.
func TestFiles_Memory(t *testing.T) {
	dir, n := t.TempDir(), number(t, "TIER2_IMPORT_FILES", 20_000)
	if inMemory, err := os.MkdirTemp("/dev/shm", "tier2"); err == nil { // creating the files on a disk is slow
		dir = inMemory
		defer func() { assert.NoError(t, os.RemoveAll(inMemory)) }()
	}
	long := strings.Repeat("x", 230)
	for i := range n {
		f, err := os.Create(filepath.Join(dir, fmt.Sprintf("%s%07d.json", long, i)))
		require.NoError(t, err)
		require.NoError(t, f.Close())
	}
	heap := func() int {
		var stats runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&stats)
		return int(stats.HeapAlloc)
	}
	before, most, found := heap(), 0, 0
	for file, err := range files(t.Context(), []string{dir}) {
		require.NoError(t, err, file)
		if found++; found%(n/4) == 1 {
			most = max(most, heap()-before)
		}
	}
	assert.Equal(t, n, found)
	t.Logf("%d files, %d KiB", found, most>>10)
	assert.Less(t, most, entriesAtOnce*512, "a name of 242 bytes and its entry, of those held at once")
}
