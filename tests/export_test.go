package tests

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/ledger"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// exported exports all tables to a new folder and returns its path.
func exported(t testing.TB, store *tier2.Store, f tier2.Format) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "export")
	_, err := store.Export(t.Context(), dir, tier2.ExportOptions{Format: f})
	require.NoError(t, err)
	return dir
}

// proven requires that Audit.Verify has no findings.
func proven(t *testing.T, store *tier2.Store) {
	t.Helper()
	report, err := store.Audit.Verify(t.Context(), ledger.VerifyOptions{})
	require.NoError(t, err)
	assert.Empty(t, report.Findings)
}

// TestExport: an import restores exported rows exactly, in either format, from and to either
// engine: the digests of all tables are equal, and the audit log verifies.
func TestExport(t *testing.T) {
	t.Parallel()
	for _, f := range tier2.Formats() {
		t.Run(string(f), func(t *testing.T) {
			t.Parallel()
			directions(t, func(t *testing.T, from, to *tier2.Store) {
				fill(t, from)
				_, err := from.Audit.Seal(t.Context())
				require.NoError(t, err)
				before := rows(t, from)
				dir := filepath.Join(t.TempDir(), "new", "export")
				list, err := from.Export(t.Context(), dir, tier2.ExportOptions{Format: f})
				require.NoError(t, err)
				report, err := to.Import(t.Context(), dir, tier2.ImportOptions{})
				require.NoError(t, err)
				require.Len(t, report.Tables, len(list))
				for i, table := range report.Tables {
					assert.Equal(t, list[i].Name, table.Name)
					assert.Equal(t, list[i].Digest, table.Target)
					assert.Equal(t, list[i].Rows, table.Inserted)
				}
				inserted, updated := total(copied(t, from, to))
				assert.Zero(t, inserted+updated, "a copy would be the same")
				assert.Equal(t, before, rows(t, to))
				proven(t, to)
				if from.DB().Name() == "sqlite" && to.DB().Name() == "sqlite" {
					assert.Equal(t, texts(t, from), texts(t, to), "times as they were written")
				}
				if from.DB().Name() == to.DB().Name() {
					again := exported(t, to, f)
					for _, table := range list {
						assert.Equal(t, file(t, dir, table.File), file(t, again, table.File), table.Name)
					}
				}
				report, err = to.Import(t.Context(), dir, tier2.ImportOptions{})
				require.NoError(t, err)
				inserted, updated = total(report)
				assert.Zero(t, inserted+updated, "importing again changes nothing")
				require.NoError(t, to.Receipts.Create(t.Context(), receipt("after")))
				proven(t, to)
			})
		})
	}
}

func file(t *testing.T, parts ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(parts...))
	require.NoError(t, err)
	return string(text)
}

// TestExport_Archive: an exported archive is imported as an archive.
func TestExport_Archive(t *testing.T) {
	t.Parallel()
	for name, dsn := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, path, target := open(t, engines["SQLite"](t)), dsn(t), dsn(t)
			fill(t, store)
			_, err := store.Archive(t.Context(), time.Now(), path, tier2.ArchiveOptions{})
			require.NoError(t, err)
			archive := open(t, path)
			dir := exported(t, archive, tier2.JSONL)
			_, err = open(t, target).Import(t.Context(), dir, tier2.ImportOptions{})
			require.NoError(t, err)
			back := open(t, target)
			require.ErrorIs(t, back.Receipts.Create(t.Context(), receipt("new")), models.ErrReadOnly)
			report, err := store.Audit.Verify(t.Context(), ledger.VerifyOptions{Archives: []string{target}})
			require.NoError(t, err)
			assert.Empty(t, report.Findings)
			_, err = back.ImportTable(t.Context(), strings.NewReader(""), "receipts", tier2.ImportOptions{})
			require.ErrorIs(t, err, models.ErrReadOnly)
			_, err = back.Import(t.Context(), dir, tier2.ImportOptions{})
			require.NoError(t, err, "nothing was to be done")
		})
	}
}

// TestExportTable: rows are chosen by their time and agent.
func TestExportTable(t *testing.T) {
	t.Parallel()
	store := open(t, ":memory:")
	fill(t, store)
	day := func(n int) time.Time { return time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC) }
	for name, tt := range map[string]struct {
		table string
		opts  tier2.ExportOptions
		ids   string
	}{
		"Time":    {"receipts", tier2.ExportOptions{Since: day(29), Until: day(30)}, "raw raw2"},
		"Until":   {"receipts", tier2.ExportOptions{Until: day(29).Add(12*time.Hour + 34*time.Minute + 56*time.Second)}, ""},
		"From":    {"receipts", tier2.ExportOptions{Since: day(29).Add(12*time.Hour + 34*time.Minute + 56*time.Second), Until: day(30)}, "raw raw2"},
		"Agent":   {"receipts", tier2.ExportOptions{AgentID: "long"}, "long"},
		"Both":    {"receipts", tier2.ExportOptions{AgentID: "x", Since: day(29), Until: day(30)}, "raw2"},
		"Nobody":  {"agent_memory", tier2.ExportOptions{AgentID: "nobody"}, ""},
		"Second":  {"collision_detection", tier2.ExportOptions{AgentID: "tester"}, "tester"},
		"Session": {"workflow_sessions", tier2.ExportOptions{Until: day(30)}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			written, err := store.ExportTable(t.Context(), &b, tt.table, tt.opts)
			require.NoError(t, err)
			var ids []string
			for line := range strings.Lines(b.String()) {
				var row struct {
					ID    string `json:"execution_id"`
					Agent string `json:"agent_id"`
					Other string `json:"agent_id_2"`
				}
				require.NoError(t, json.Unmarshal([]byte(line), &row))
				switch {
				case row.Other != "":
					row.ID = row.Other
				case row.Agent == "long":
					row.ID = row.Agent
				}
				ids = append(ids, row.ID)
			}
			assert.Equal(t, tt.ids, strings.Join(ids, " "))
			assert.EqualValues(t, len(ids), written.Rows)
		})
	}
	dir := filepath.Join(t.TempDir(), "some")
	list, err := store.Export(t.Context(), dir, tier2.ExportOptions{Tables: []string{"slo_violations", "receipts"}, Since: day(29)})
	require.NoError(t, err)
	require.Len(t, list, 2)
	assert.Equal(t, "receipts.jsonl", list[0].File, "parents first")
	_, err = open(t, ":memory:").Import(t.Context(), dir, tier2.ImportOptions{})
	require.ErrorIs(t, err, models.ErrInvalid)
	require.ErrorContains(t, err, "is no whole export: there is no export.json in it")
}

func TestExport_Refused(t *testing.T) {
	t.Parallel()
	store := open(t, ":memory:")
	fill(t, store)
	now := time.Now()
	for name, tt := range map[string]struct {
		opts tier2.ExportOptions
		want string
	}{
		"Table":  {tier2.ExportOptions{Tables: []string{"receipt"}}, `"receipt": is no table (allowed: receipts, agent_memory`},
		"Format": {tier2.ExportOptions{Format: "xml"}, `"xml": is no format (allowed: jsonl, csv)`},
		"Window": {tier2.ExportOptions{Tables: []string{"receipts"}, Since: now, Until: now}, "receipts: the time from which rows are chosen"},
		"Since":  {tier2.ExportOptions{Since: now}, "agent_memory: has no time to choose rows by"},
		"Until":  {tier2.ExportOptions{Tables: []string{"tier2_removed"}, Until: now}, "tier2_removed: has no time"},
		"Agent":  {tier2.ExportOptions{Tables: []string{"pipeline_metrics"}, AgentID: "a"}, "pipeline_metrics: has no agent to choose rows by"},
	} {
		dir := filepath.Join(t.TempDir(), "export")
		_, err := store.Export(t.Context(), dir, tt.opts)
		require.ErrorIs(t, err, models.ErrInvalid, name)
		assert.ErrorContains(t, err, tt.want, name)
		assert.NoDirExists(t, dir)
	}
	there := t.TempDir()
	_, err := store.Export(t.Context(), there, tier2.ExportOptions{})
	require.ErrorIs(t, err, models.ErrConflict)
	require.NoError(t, store.Transaction(t.Context(), func(tx *tier2.Store) error {
		_, err := tx.Export(t.Context(), filepath.Join(there, "x"), tier2.ExportOptions{})
		require.ErrorIs(t, err, models.ErrInvalid)
		_, err = tx.Import(t.Context(), there, tier2.ImportOptions{})
		require.ErrorIs(t, err, models.ErrInvalid)
		return nil
	}))
	raw(t, store, "INSERT INTO receipts (id, execution_id, agent_id, operation, status, timestamp, duration_ms) VALUES (6000, CAST(x'ff' AS TEXT), 'x', 'watch', 'passed', '2026-01-29', 1)")
	_, err = store.Export(t.Context(), filepath.Join(there, "bytes"), tier2.ExportOptions{})
	require.ErrorIs(t, err, models.ErrCorrupt)
	assert.ErrorContains(t, err, "receipts.execution_id")
	assert.ErrorContains(t, err, "in row 6000")
	names, err := os.ReadDir(there)
	require.NoError(t, err)
	assert.Empty(t, names, "nothing is left of an attempt")
}

// TestExport_Interrupted cancels the context at any row of any table.
func TestExport_Interrupted(t *testing.T) {
	t.Parallel()
	store := open(t, ":memory:")
	fill(t, store)
	root := t.TempDir()
	for n := range len(schema.Tables()) {
		ctx, cancel := context.WithCancel(t.Context())
		steps := 0
		_, err := store.Export(ctx, filepath.Join(root, "export"), tier2.ExportOptions{Progress: func(tier2.CopyProgress) {
			if steps++; steps > n {
				cancel()
			}
		}})
		cancel()
		if err == nil {
			assert.Greater(t, n, 3)
			return
		}
		require.ErrorIs(t, err, context.Canceled)
		names, err := os.ReadDir(root)
		require.NoError(t, err)
		assert.Empty(t, names)
	}
}

// TestExport_Snapshot: all tables are exported from one state, and the progress counts
// their rows.
func TestExport_Snapshot(t *testing.T) {
	t.Parallel()
	for name, dsn := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := open(t, dsn(t))
			fill(t, store)
			entries, first := count(t, store, "audit_log"), true
			var last tier2.CopyProgress
			list, err := store.Export(t.Context(), filepath.Join(t.TempDir(), "export"), tier2.ExportOptions{Progress: func(p tier2.CopyProgress) {
				if first {
					run(t, store, "meanwhile", false)
				}
				first, last = false, p
			}})
			require.NoError(t, err)
			assert.Equal(t, entries, list[2].Rows)
			assert.Equal(t, last.Total, last.Rows)
		})
	}
}

// TestExport_Broken: a writer that fails ends the export.
func TestExport_Broken(t *testing.T) {
	t.Parallel()
	store := open(t, ":memory:")
	fill(t, store)
	r, w := io.Pipe()
	require.NoError(t, r.CloseWithError(io.ErrShortWrite))
	_, err := store.ExportTable(t.Context(), w, "receipts", tier2.ExportOptions{})
	require.ErrorIs(t, err, io.ErrShortWrite)
}
