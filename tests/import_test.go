package tests

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/internal/pgtest"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// TestImport_Folder: a folder that was changed after the export, or is not an export, is
// rejected, and the store stays unchanged.
func TestImport_Folder(t *testing.T) {
	t.Parallel()
	from := open(t, ":memory:")
	fill(t, from)
	dir := exported(t, from, tier2.JSONL)
	edit := func(name, old, new string) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			text := file(t, dir, name)
			require.Contains(t, text, old)
			require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(strings.Replace(text, old, new, 1)), 0o600))
		}
	}
	for name, tt := range map[string]struct {
		change func(t *testing.T, dir string)
		want   string
	}{
		"Value": {edit("pipeline_metrics.jsonl", "μ₂_extract", "μ₃_emit"), "pipeline_metrics.jsonl\": holds 10 rows with digest"},
		"Lost": {func(t *testing.T, dir string) {
			lines := strings.SplitAfter(file(t, dir, "audit_log.jsonl"), "\n")
			require.NoError(t, os.WriteFile(filepath.Join(dir, "audit_log.jsonl"), []byte(strings.Join(lines[:len(lines)-2], "")), 0o600))
		}, "it was changed or cut off since"},
		"Cut": {func(t *testing.T, dir string) {
			path := filepath.Join(dir, "agent_memory.jsonl")
			require.NoError(t, os.Truncate(path, int64(len(file(t, path))-9)))
		}, "agent_memory.jsonl: line 6: agent_memory: is not valid JSON: it was cut off"},
		"Missing": {func(t *testing.T, dir string) {
			require.NoError(t, os.Remove(filepath.Join(dir, "tier2_removed.jsonl")))
		}, "no such file"},
		"Index":   {edit("export.json", `"version"`, `"version`), "export.json: is not valid JSON"},
		"Version": {edit("export.json", `"version": 1`, `"version": 2`), "has version 2"},
		"Tables":  {edit("export.json", `"table": "receipts"`, `"table": "other"`), "must name the 11 tables, each once; table receipts"},
		"Twice":   {edit("export.json", `"tables": [`, `"tables": [{"table":"receipts"},`), "must name the 11 tables"},
		"Path":    {edit("export.json", `"receipts.jsonl"`, `"../receipts.jsonl"`), "is no file of the folder"},
		"Format":  {edit("export.json", `"jsonl"`, `"xml"`), `format "xml"`},
		"Folder":  {func(t *testing.T, dir string) { require.NoError(t, os.Remove(filepath.Join(dir, "export.json"))) }, "is no whole export"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			to, changed := open(t, ":memory:"), t.TempDir()
			require.NoError(t, os.CopyFS(changed, os.DirFS(dir)))
			tt.change(t, changed)
			_, err := to.Import(t.Context(), changed, tier2.ImportOptions{})
			require.ErrorContains(t, err, tt.want)
			assert.Zero(t, count(t, to, "receipts")+count(t, to, "audit_log"))
		})
	}
	_, err := open(t, ":memory:").Import(t.Context(), filepath.Join(dir, "none"), tier2.ImportOptions{})
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = open(t, ":memory:").Import(t.Context(), dir, tier2.ImportOptions{MaxBytes: 1 << 10})
	require.ErrorContains(t, err, "receipts.jsonl: line 2: is a row of more than 1024 bytes")
	_, err = open(t, ":memory:").Import(t.Context(), dir, tier2.ImportOptions{MaxBytes: -1})
	require.ErrorIs(t, err, models.ErrInvalid)
}

// TestImport_Foreign: a store with other rows stays unchanged, and the error names the line
// of the export that conflicts with a row.
func TestImport_Foreign(t *testing.T) {
	t.Parallel()
	directions(t, func(t *testing.T, from, to *tier2.Store) {
		fill(t, from)
		dir := exported(t, from, tier2.CSV)
		run(t, to, "own", false)
		before := rows(t, to)
		_, err := to.Import(t.Context(), dir, tier2.ImportOptions{})
		require.ErrorIs(t, err, models.ErrConflict)
		assert.ErrorContains(t, err, filepath.Join(dir, "receipts.csv")+`: line 2: receipts.id "1": the target holds another row`)
		assert.Equal(t, before, rows(t, to))
	})
}

// TestImport_Interrupted cancels the context at any batch; another import completes the work.
func TestImport_Interrupted(t *testing.T) {
	t.Parallel()
	directions(t, func(t *testing.T, from, to *tier2.Store) {
		fill(t, from)
		dir := exported(t, from, tier2.JSONL)
		before, times := int64(0), 0
		for n := 1; ; n += 2 {
			ctx, cancel := context.WithCancel(t.Context())
			batches := 0
			_, err := to.Import(ctx, dir, tier2.ImportOptions{Progress: func(tier2.CopyProgress) {
				if batches++; batches >= n {
					cancel()
				}
			}})
			cancel()
			if err == nil {
				break
			}
			require.ErrorIs(t, err, context.Canceled)
			now := count(t, to, "receipts") + count(t, to, "audit_log")
			assert.GreaterOrEqual(t, now, before, "what was imported stays")
			before, times = now, times+1
		}
		assert.Greater(t, times, 3)
		copied(t, from, to)
	})
}

// TestImportTable imports files one by one, parents first; existing rows stay.
func TestImportTable(t *testing.T) {
	t.Parallel()
	directions(t, func(t *testing.T, from, to *tier2.Store) {
		fill(t, from)
		for _, m := range models.All() {
			var b bytes.Buffer
			written, err := from.ExportTable(t.Context(), &b, m.TableName(), tier2.ExportOptions{Format: tier2.CSV})
			require.NoError(t, err)
			part := b.String()[:strings.Index(b.String(), "\n")+1] // the header
			_, err = to.ImportTable(t.Context(), strings.NewReader(part), m.TableName(), tier2.ImportOptions{Format: tier2.CSV})
			require.NoError(t, err)
			for _, inserted := range []int64{written.Rows, 0} {
				done, err := to.ImportTable(t.Context(), bytes.NewReader(b.Bytes()), m.TableName(), tier2.ImportOptions{Format: tier2.CSV})
				require.NoError(t, err)
				assert.Equal(t, tier2.ImportedTable{Name: m.TableName(), Digest: written.Digest, Inserted: inserted, Unchanged: written.Rows - inserted}, done)
			}
		}
		assert.Equal(t, rows(t, from), rows(t, to))
		copied(t, from, to)
		proven(t, to)
	})
}

// line returns a receipt as a line of JSONL.
func line(id int, execution string, more ...string) string {
	text := fmt.Sprintf(`{"id":%d,"execution_id":%q,"agent_id":"a","operation":"watch","status":"passed","timestamp":"2026-01-29T12:34:56Z","created_at":null,"manifest_hash":null,"ontology_hash":null,"files_generated":null,"files_modified":null,"duration_ms":1,"receipt_json":null,"error_message":null,"environment":null}`+"\n", id, execution)
	return strings.NewReplacer(more...).Replace(text)
}

// TestImportTable_Refused: the error names the line, and existing rows stay unchanged.
func TestImportTable_Refused(t *testing.T) {
	t.Parallel()
	metric := func(id int, execution string) string {
		return fmt.Sprintf(`{"id":%d,"execution_id":%q,"stage":"μ₃_emit","duration_ms":1,"input_size_bytes":null,"output_size_bytes":null,"status":"passed","error_message":null,"timestamp":"2026-01-29","created_at":null}`+"\n", id, execution)
	}
	entry := func(id int) string {
		return fmt.Sprintf(`{"id":%d,"timestamp":"2026-01-29","agent_id":"a","operation":"o","status":"failed","duration_ms":null,"error_message":null,"context_json":null,"created_at":null}`+"\n", id)
	}
	for name, dsn := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := open(t, dsn(t))
			run(t, store, "own", false)
			if name == "SQLite" {
				raw(t, store, "UPDATE sqlite_sequence SET seq = 899 WHERE name = 'audit_log'")
			} else {
				raw(t, store, "SELECT setval(pg_get_serial_sequence('audit_log', 'id'), 899)")
			}
			raw(t, store, "INSERT INTO audit_log (timestamp, agent_id, operation, status) VALUES ('2026-01-01', 'a', 'o', 'failed')")
			_, err := store.Audit.Seal(t.Context())
			require.NoError(t, err)
			own, err := store.Receipts.LatestByAgent(t.Context(), "own")
			require.NoError(t, err)
			for _, tt := range []struct {
				table, text string
				kind        error
				want        string
			}{
				{"receipts", line(1, own.ExecutionID), models.ErrConflict, `line 1: receipts.id "1": the target holds another row`},
				{"receipts", line(2, "new") + "\n" + line(3, own.ExecutionID), models.ErrDuplicate, `line 3: the target refused row 3 of receipts: receipts.execution_id`},
				{"receipts", line(2, "new") + line(3, "x", `"watch"`, `"cooking"`), models.ErrInvalid, `line 2: the target refused row 3 of receipts: receipts.operation`},
				{"receipts", line(2, "new") + line(3, "x", `"receipt_json":null`, `"receipt_json":"{"`), models.ErrInvalid, `line 2: the target refused row 3 of receipts: receipts.receipt_json`},
				{"receipts", line(2, "new") + line(3, "x", `"agent_id":"a"`, `"agent_id":null`), models.ErrInvalid, `line 2: the target refused row 3 of receipts`},
				{"receipts", line(2, "new") + line(3, "x", `null`, `nul`), models.ErrInvalid, `line 2: receipts: is not valid JSON`},
				{"receipts", line(2, "new") + line(2, "new"), models.ErrInvalid, `line 2: receipts.id "2": is the key of line 1 as well`},
				{"pipeline_metrics", metric(70, own.ExecutionID) + metric(71, "nobody"), models.ErrForeignKey, `line 2: the target refused row 71 of pipeline_metrics`},
				{"audit_log", entry(901) + entry(902) + strings.Replace(entry(899), "899", "903", 1) + entry(900), models.ErrInvalid, `line 4: audit_log.id "900": comes after`},
				{"audit_log", entry(899) + entry(901), models.ErrConflict, `line 1: audit_log.id "899": the audit log is sealed up to entry 900`},
				{"tier2_removed", "", models.ErrInvalid, "is no table to be imported alone"},
				{"receipt", "", models.ErrInvalid, "is no table"},
			} {
				before := rows(t, store)
				_, err := store.ImportTable(t.Context(), strings.NewReader(tt.text), tt.table, tier2.ImportOptions{})
				require.ErrorIs(t, err, tt.kind, tt.want)
				assert.ErrorContains(t, err, tt.want)
				assert.Equal(t, before, rows(t, store), tt.want)
			}
			_, err = store.ImportTable(t.Context(), strings.NewReader(entry(901)), "audit_log", tier2.ImportOptions{})
			require.NoError(t, err)
			proven(t, store)
			done, err := store.ImportTable(t.Context(), strings.NewReader(line(1<<40, "far")), "receipts", tier2.ImportOptions{})
			require.NoError(t, err)
			assert.EqualValues(t, 1, done.Inserted)
			r := receipt("next")
			require.NoError(t, store.Receipts.Create(t.Context(), r))
			assert.EqualValues(t, 1<<40+1, r.ID, "ids go on after the largest")
		})
	}
}

// TestImportTable_Batches: the batches before a rejected row stay, and importing again,
// once the row is repaired, completes the work.
func TestImportTable_Batches(t *testing.T) {
	t.Parallel()
	store := open(t, ":memory:")
	var b strings.Builder
	for id := range 2500 {
		b.WriteString(line(id, fmt.Sprint("many-", id)))
	}
	bad := strings.Replace(b.String(), `"many-2100","agent_id":"a","operation":"watch"`, `"many-2100","agent_id":"a","operation":"cooking"`, 1)
	_, err := store.ImportTable(t.Context(), strings.NewReader(bad), "receipts", tier2.ImportOptions{})
	require.ErrorIs(t, err, models.ErrInvalid)
	require.ErrorContains(t, err, "line 2101: ")
	assert.EqualValues(t, 2000, count(t, store, "receipts"))
	done, err := store.ImportTable(t.Context(), strings.NewReader(b.String()), "receipts", tier2.ImportOptions{})
	require.NoError(t, err)
	assert.Equal(t, []int64{500, 2000}, []int64{done.Inserted, done.Unchanged})
}

// live returns a store on PostgreSQL, and a function that blocks until n of its connections
// wait for a lock, or done receives an error.
func live(t *testing.T) (store *tier2.Store, waiting func(n int, done <-chan error)) {
	dsn, name := pgtest.DSN(t), strings.ReplaceAll(t.Name(), "/", ".")
	store = open(t, dsn+"&application_name="+name)
	return store, func(n int, done <-chan error) {
		require.Eventually(t, func() bool {
			var waits int
			const query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = ? AND wait_event_type = 'Lock'"
			require.NoError(t, store.DB().Raw(query, name).Scan(&waits).Error)
			return waits == n || len(done) > 0
		}, 20*time.Second, time.Millisecond)
	}
}

// TestImportTable_Sealing: entries that are imported while the log is sealed are part of the
// seal or rejected. None is inserted below the end of a sealed log.
func TestImportTable_Sealing(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	store, waiting := live(t)
	raw(t, store, "SELECT setval(pg_get_serial_sequence('audit_log', 'id'), 9)")
	raw(t, store, "INSERT INTO audit_log (timestamp, agent_id, operation, status) VALUES ('2026-01-01', 'a', 'o', 'failed')")

	other := store.DB().WithContext(ctx).Begin() // blocks every insert
	require.NoError(t, other.Exec("LOCK TABLE audit_log IN SHARE MODE").Error)
	imported, sealed := make(chan error, 1), make(chan error, 1)
	go func() {
		entry := `{"id":5,"timestamp":"2026-01-29","agent_id":"a","operation":"o","status":"failed","duration_ms":null,"error_message":null,"context_json":null,"created_at":null}`
		_, err := store.ImportTable(ctx, strings.NewReader(entry), "audit_log", tier2.ImportOptions{})
		imported <- err
	}()
	waiting(1, imported)
	go func() {
		_, err := store.Audit.Seal(ctx)
		sealed <- err
	}()
	waiting(2, sealed)
	require.NoError(t, other.Commit().Error)
	require.NoError(t, <-imported)
	require.NoError(t, <-sealed)
	proven(t, store)
}

// TestImportTable_Between: a save between two batches does not take an id of the second batch.
func TestImportTable_Between(t *testing.T) {
	t.Parallel()
	for name, dsn := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := open(t, dsn(t))
			var b strings.Builder
			for id := range 1500 {
				b.WriteString(line(id+1, fmt.Sprint("many-", id)))
			}
			var saved []int64
			save := func(p tier2.CopyProgress) {
				if p.Step == "copying" {
					own := receipt(fmt.Sprint("own-", p.Rows))
					require.NoError(t, store.Receipts.Create(t.Context(), own))
					saved = append(saved, own.ID)
				}
			}
			done, err := store.ImportTable(t.Context(), strings.NewReader(b.String()), "receipts", tier2.ImportOptions{Progress: save})
			require.NoError(t, err)
			require.EqualValues(t, 1500, done.Inserted)
			require.Equal(t, []int64{1501, 1502}, saved)
		})
	}
}

// TestImportTable_Ids: a save while larger ids are imported gets a free id.
func TestImportTable_Ids(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	store, waiting := live(t)
	raw(t, store, "SELECT setval(pg_get_serial_sequence('receipts', 'id'), 4)")
	other := store.DB().WithContext(ctx).Begin()
	require.NoError(t, other.Exec(`INSERT INTO receipts (id, execution_id, agent_id, operation, status, timestamp, duration_ms)
		VALUES (1, 'six', 'a', 'watch', 'passed', '2026-01-01', 1)`).Error)
	imported, saved := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := store.ImportTable(ctx, strings.NewReader(line(5, "five")+line(6, "six")), "receipts", tier2.ImportOptions{})
		imported <- err
	}()
	waiting(1, imported)
	own := receipt("own")
	go func() { saved <- store.Receipts.Create(ctx, own) }()
	waiting(2, saved)
	require.NoError(t, other.Rollback().Error)
	require.NoError(t, <-imported)
	require.NoError(t, <-saved)
	require.EqualValues(t, 7, own.ID)
}
