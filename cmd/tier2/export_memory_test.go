//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestExport_Memory checks that export and import tables use less than 150 MiB, whatever the
// size of the tables, if the rows are small. TIER2_EXPORT_MIB sets the size.
func TestExport_Memory(t *testing.T) {
	t.Parallel()
	if raceEnabled {
		t.Skip("the race detector's own memory is many times that")
	}
	db, mib := database(t), number(t, "TIER2_EXPORT_MIB", 32)
	raw(t, db, fmt.Sprintf(`INSERT INTO audit_log (timestamp, agent_id, operation, status, context_json)
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
		SELECT '2026-01-29T12:34:56.000000Z', 'agent', 'operation', 'completed', '{"n":"' || hex(zeroblob(1 << 13)) || '"}' FROM n`, mib<<6))
	dir, other := filepath.Join(t.TempDir(), "export"), filepath.Join(t.TempDir(), "x.db")
	for _, args := range [][]string{{"export", "--db", db, "--to", dir}, {"import", "tables", "--db", other, dir}, {"import", "tables", "--db", other, filepath.Join(dir, "audit_log.jsonl")}} {
		cmd := exec.Command(os.Args[0], args...)
		cmd.Env = append(os.Environ(), asMeasured+"=1")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
		peak := peakLine.FindStringSubmatch(string(out))
		require.NotNil(t, peak, string(out))
		kib, err := strconv.Atoi(peak[1])
		require.NoError(t, err)
		t.Logf("%v: %d MiB", args[:2], kib>>10)
		assert.Less(t, kib>>10, 150, args)
	}
}

// TestGroups_Memory checks that a file of any size is read ahead by 4 MiB. It is not parallel,
// since it measures the heap.
func TestGroups_Memory(t *testing.T) {
	lines := number(t, "TIER2_IMPORT_LINES", 40_000)
	file := filepath.Join(t.TempDir(), "lines.jsonl")
	f, err := os.Create(file)
	require.NoError(t, err)
	line := strings.Repeat("x", 1<<10) + "\n"
	for range lines {
		_, err := f.WriteString(line)
		require.NoError(t, err)
	}
	require.NoError(t, f.Close())
	heap := func() int {
		var stats runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&stats)
		return int(stats.HeapAlloc)
	}
	before, most, found, next := heap(), 0, 0, 0
	for group := range (&app{}).groups(t.Context(), []string{file}, 1<<20) {
		assert.LessOrEqual(t, len(group), groupDocs)
		if found += len(group); found > next {
			most, next = max(most, heap()-before), next+lines/4
		}
	}
	assert.Equal(t, lines, found)
	t.Logf("%d lines, %d KiB", found, most>>10)
	assert.Less(t, most, 2*groupBytes)
}
