package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2/internal/pgtest"
)

// logLine returns record n of ggen's log; object is any text.
func logLine(n int, object string) string {
	return fmt.Sprintf(`{"record":{"version":1,"activity":"ggen.sync","ts_ns":0,"payload_hash_hex":"%064x","prev_chain_hash_hex":"%064x","chain_hash_hex":"%064x",`+
		`"andon":"Green","object_ids":[%q]},"payload":{"graph_hash":"%064x","outputs":{"a.rs":"a1"},"decisions":{"a.rs":"written"},"closure":{"ggen.toml":"t"}}}`+"\n", n, n-1, n, object, 7)
}

func TestImportLog(t *testing.T) {
	t.Parallel()
	for name, dsn := range map[string]func(testing.TB) string{
		"SQLite":   func(t testing.TB) string { return filepath.Join(t.TempDir(), "made", "tier2.db") },
		"Postgres": pgtest.DSN,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := dsn(t)
			dir := folder(t, map[string]string{
				"log.jsonl": logLine(1, "x") + logLine(2, "x"), "more.jsonl": logLine(3, "x") + strings.Replace(logLine(4, "x"), "a1", "a2", 1),
				"broken.jsonl": logLine(1, "x") + logLine(2, "y") + logLine(4, "x") + logLine(5, "x"), "cut.jsonl": logLine(1, "x") + logLine(2, "x")[:99],
			})
			file := func(name string) string { return filepath.Join(dir, name) }
			log := []string{"import", "ggen-log", "--db", db, "--agent", "syncer", "--at", "2026-01-29T12:34:56Z"}
			assert.Equal(t, result{exitOK, "2 imported, 0 unchanged, 0 refused\n", ""}, run(t, "", append(log, file("log.jsonl"))...))
			assert.Equal(t, result{exitOK, "2 imported, 2 unchanged, 0 refused\n", ""}, run(t, "", append(log, file("log.jsonl"), file("more.jsonl"))...))
			assert.Equal(t, result{exitOK, "1 imported, 0 unchanged, 0 refused\n", ""}, run(t, logLine(5, "x"), append(log, "-", "--operation", "watch")...))

			got := run(t, "", append(log, "--json", file("none.jsonl"), file("broken.jsonl"), file("cut.jsonl"), dir)...)
			assert.Equal(t, exitFound, got.code)
			var sum summary
			require.NoError(t, json.Unmarshal([]byte(got.stdout), &sum))
			assert.Equal(t, []int{0, 2, 5}, []int{sum.Imported, sum.Unchanged, sum.Refused})
			for i, want := range []struct{ file, reason string }{
				{"none.jsonl", "no such file"}, {"broken.jsonl", "line 2: receipts.execution_id"}, {"broken.jsonl", "line 3: record.prev_chain_hash_hex"},
				{"cut.jsonl", "line 2: is not valid JSON: unexpected end of JSON input"}, {"", "is no regular file"},
			} {
				assert.Equal(t, filepath.Join(dir, want.file), sum.Refusals[i].Source)
				assert.Contains(t, sum.Refusals[i].Reason, want.reason)
				assert.Contains(t, got.stderr, "refused "+filepath.Join(dir, want.file)+": "+sum.Refusals[i].Reason+"\n")
			}
			got = run(t, "", "recent", "--db", db)
			assert.Equal(t, 5, strings.Count(got.stdout, "2026-01-29T12:34:56Z"), got.stdout)
			got = run(t, "", "drift", "--db", db)
			assert.Equal(t, exitFound, got.code, "equal inputs made a1 and a2")
			assert.Contains(t, got.stdout, "4 executions compared", "the watch is another operation")
			require.Equal(t, exitOK, run(t, "", "verify", db).code)
		})
	}
}

func TestImportLog_Refused(t *testing.T) {
	t.Parallel()
	log := filepath.Join(folder(t, map[string]string{"log.jsonl": logLine(1, strings.Repeat("x", 2<<20))}), "log.jsonl")
	for name, tt := range map[string]struct {
		stdin  string
		args   []string
		code   int
		stderr string
	}{
		"NoFile":     {"", nil, exitUsage, "requires at least 1 arg"},
		"NoAgent":    {"", []string{log}, exitUsage, "--agent is missing: the log names none"},
		"BlankAgent": {"", []string{log, "--agent", " "}, exitUsage, "--agent is missing"},
		"At":         {"", []string{log, "--agent", "a", "--at", "noon"}, exitUsage, "must be a time"},
		"Operation":  {"", []string{log, "--agent", "a", "--operation", "cooking"}, exitUsage, "allowed: validation"},
		"Map":        {"", []string{log, "--agent", "a", "--map", "x"}, exitUsage, "give NAME=OPERATION"},
		"MaxSize":    {"", []string{log, "--agent", "a", "--max-size", "0"}, exitUsage, "must lie in 1 to 256"},
		"NoTime":     {"", []string{log, "--agent", "a"}, exitFound, "line 1: record.ts_ns \"0\": ggen wrote no time: give one (--at)"},
		"TooLarge":   {"", []string{log, "--agent", "a", "--at", "1d", "--max-size", "1"}, exitFound, "line 1: is larger than 1048576 bytes"},
		"Empty":      {"\n", []string{"-", "--agent", "a", "--at", "1d"}, exitFound, "refused standard input: the log holds no record"},
		"Device":     {"", []string{os.DevNull, "--agent", "a", "--at", "1d"}, exitFound, "is no regular file"},
		"Unopened":   {"", []string{log, "--agent", "a", "--at", "1d", "--db", filepath.Dir(log)}, exitFailure, "is a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := run(t, tt.stdin, append([]string{"import", "ggen-log", "--db", filepath.Join(t.TempDir(), "x.db")}, tt.args...)...)
			assert.Equal(t, tt.code, got.code, got.stderr)
			assert.Contains(t, got.stderr, tt.stderr)
		})
	}
}
