package contract

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"strings"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

var ggenLogCases = cases{
	"Again":       ggenLogAgain,
	"Andon":       ggenLogAndon,
	"Broken":      ggenLogBroken,
	"Drift":       ggenLogDrift,
	"Ends":        ggenLogEnds,
	"Refused":     ggenLogRefused,
	"Rotated":     ggenLogRotated,
	"Stored":      ggenLogStored,
	"Transaction": ggenLogTransaction,
}

// logLine returns record n of ggen's log, which follows record n-1.
func logLine(n int) string {
	return fmt.Sprintf(`{"record":{"version":1,"instruction_id":0,"activity_idx":0,"activity":"ggen.sync","node_kind":0,"ts_ns":1769690096000001000,`+
		`"payload_hash_hex":"%064x","prev_chain_hash_hex":"%064x","chain_hash_hex":"%064x","andon":"Green","obligation_count":0,"object_ids":["law:1"]},`+
		`"payload":{"graph_hash":"%064x","outputs":{"a.rs":"a1","b.toml":"b1"},"packs":{},`+
		`"decisions":{"a.rs":"written","b.toml":"injected; match=1","c.rs":"skipped: unchanged: content identical","d.rs":"written"},`+
		`"closure":{"ggen.toml":"t1","a&b.tmpl":"MISSING"}}}`, n, n-1, n, 7)
}

func logLines(n int) (lines []string) {
	for i := range n {
		lines = append(lines, logLine(i+1))
	}
	return lines
}

// logID returns the chain hash of record n.
func logID(n int) string { return fmt.Sprintf("%064x", n) }

// imported returns the lines of the stored and of the unchanged records, and the errors.
func imported(records iter.Seq2[repository.LogRecord, error]) (stored, unchanged []int64, refused []string) {
	for record, err := range records {
		switch {
		case err != nil:
			refused = append(refused, err.Error())
		case record.Unchanged:
			unchanged = append(unchanged, record.Line)
		default:
			stored = append(stored, record.Line)
		}
	}
	return stored, unchanged, refused
}

// importLog imports lines of a log.
func importLog(t *T, s *tier2.Store, lines ...string) (stored, unchanged []int64, refused []string) {
	return imported(s.Executions.ImportLog(t.Context(), strings.NewReader(strings.Join(lines, "\n")+"\n"), repository.ImportOptions{AgentID: "syncer"}))
}

func ggenLogStored(t *T) {
	store, _ := openClock(t)
	ctx := t.Context()
	log := " " + logLine(1) + "\r\n\n" + strings.NewReplacer(`"ts_ns":1769690096000001000`, `"ts_ns":0,"duration_ms":12`,
		`"ggen.sync"`, `"watch"`, fmt.Sprintf(`"graph_hash":"%064x"`, 7), `"graph_hash":"none"`, `,"closure":{"ggen.toml":"t1","a&b.tmpl":"MISSING"}`, "").Replace(logLine(2))
	at := time.Date(2026, 2, 1, 12, 0, 0, 0, time.FixedZone("", 3600))
	stored, unchanged, refused := imported(store.Executions.ImportLog(ctx, strings.NewReader(log), repository.ImportOptions{
		AgentID: "syncer", At: at, Operation: models.OperationEmission, MaxBytes: len(logLine(1)) + 2, // as long as the line with its spaces
	}))
	assert.Equal(t, []any{[]int64{1, 3}, []int64(nil), []string(nil)}, []any{stored, unchanged, refused}, "a blank line counts")

	got, err := store.Receipts.Get(ctx, logID(1))
	require.NoError(t, err)
	assert.Equal(t, logLine(1), got.ReceiptJSON.String())
	assert.Equal(t, "2026-01-29T12:34:56.000001Z", got.Timestamp.String())
	assert.Equal(t, []any{"syncer", models.OperationEmission, models.ReceiptPassed, "", int64(0), int64(2), int64(1)},
		[]any{got.AgentID, got.Operation, got.Status, got.ErrorMessage, got.DurationMS, got.FilesGenerated, got.FilesModified})
	// printf '{"a&b.tmpl":"MISSING","ggen.toml":"t1"}' | sha256sum
	assert.Equal(t, []string{"1906b8d5", logID(7)}, []string{got.ManifestHash[:8], got.OntologyHash})
	assert.Contains(t, entries(t, store), "receipts.create completed syncer "+logID(1))

	got, err = store.Receipts.Get(ctx, logID(2))
	require.NoError(t, err)
	assert.Equal(t, []any{models.OperationWatch, int64(12), "2026-02-01T11:00:00.000000Z", "", ""},
		[]any{got.Operation, got.DurationMS, got.Timestamp.String(), got.ManifestHash, got.OntologyHash})
	n := counts(t, store)
	assert.Equal(t, []int64{2, 2, 0, 0, 1}, []int64{n["receipts"], n["audit_log"], n["pipeline_metrics"], n["slo_violations"], n["agent_memory"]})
}

// ggenLogAgain: importing a longer log again adds the new records, whatever the options are.
func ggenLogAgain(t *T) {
	store, _ := openClock(t)
	lines := logLines(4)
	stored, _, refused := importLog(t, store, lines[:2]...)
	require.Equal(t, []any{[]int64{1, 2}, []string(nil)}, []any{stored, refused})
	stored, unchanged, refused := imported(store.Executions.ImportLog(t.Context(), strings.NewReader(strings.Join(lines, "\n")), repository.ImportOptions{AgentID: "other"}))
	assert.Equal(t, []any{[]int64{3, 4}, []int64{1, 2}, []string(nil)}, []any{stored, unchanged, refused}, "the last line may lack its end")
	before := counts(t, store)
	for _, largest := range []int{len(lines[0]), math.MaxInt} { // the end of a line does not count
		_, unchanged, refused = imported(store.Executions.ImportLog(t.Context(), strings.NewReader(strings.Join(lines, "\r\n")+"\r\n"), repository.ImportOptions{AgentID: "syncer", MaxBytes: largest}))
		assert.Equal(t, []any{[]int64{1, 2, 3, 4}, []string(nil)}, []any{unchanged, refused})
	}

	lines[1] = strings.Replace(lines[1], "law:1", "law:2", 1)
	stored, unchanged, refused = importLog(t, store, append(lines, logLine(5))...)
	assert.Equal(t, []any{[]int64{5}, []int64{1, 3, 4}}, []any{stored, unchanged}, "the chain goes on behind a refusal")
	assert.Equal(t, []string{`line 2: receipts.execution_id "` + logID(2) + `": is stored already, with other content`}, refused)
	before["receipts"]++
	before["audit_log"]++
	assert.Equal(t, before, counts(t, store))
}

// ggenLogRotated: a log may continue another log that is stored.
func ggenLogRotated(t *T) {
	store, _ := openClock(t)
	stored, _, refused := importLog(t, store, logLine(3))
	assert.Empty(t, stored)
	require.Len(t, refused, 1)
	assert.Contains(t, refused[0], "neither 64 zeros nor the chain_hash_hex of a record that is stored")
	assert.Zero(t, counts(t, store)["audit_log"])

	_, _, refused = importLog(t, store, logLines(2)...)
	require.Empty(t, refused)
	for _, lines := range [][]string{{logLine(3), logLine(4)}, {strings.ReplaceAll(logLine(3), logID(3), logID(9))}} { // two branches
		stored, _, refused = importLog(t, store, lines...)
		assert.Len(t, stored, len(lines))
		assert.Empty(t, refused)
	}
}

// ggenLogDrift: a run with equal inputs and other outputs is drift. A run that found its
// files up to date, or whose template was edited, is not.
func ggenLogDrift(t *T) {
	store, _ := openClock(t)
	_, _, refused := importLog(t, store, logLine(1), strings.Replace(logLine(2), `"a.rs":"written"`, `"a.rs":"skipped: unchanged"`, 1),
		strings.NewReplacer("MISSING", "edited", `"a.rs":"a1"`, `"a.rs":"a2"`).Replace(logLine(3)))
	require.Empty(t, refused)
	drifts, summary, err := store.Reports.Drift(t.Context(), repository.DriftFilter{})
	require.NoError(t, err)
	assert.Equal(t, []any{0, int64(2)}, []any{len(drifts), summary.Compared})

	_, _, refused = importLog(t, store, strings.Replace(logLine(4), `"a.rs":"a1"`, `"a.rs":"a2"`, 1))
	require.Empty(t, refused)
	drifts, _, err = store.Reports.Drift(t.Context(), repository.DriftFilter{})
	require.NoError(t, err)
	require.Len(t, drifts, 1)
	require.Len(t, drifts[0].Files, 1)
	assert.Equal(t, []any{int64(3), "a.rs"}, []any{drifts[0].Compared, drifts[0].Files[0].Path})
}

func ggenLogAndon(t *T) {
	store, _ := openClock(t)
	v2 := func(andon, light, items string) func(string) string {
		return strings.NewReplacer(`"andon":"Green"`, `"andon":`+andon+`,"schema":"ggen-receipt/v2","v2":{"andon":"`+light+`","admission":`+items+`}`).Replace
	}
	v1 := func(andon string) func(string) string { return strings.NewReplacer(`"Green"`, andon).Replace }
	items := `{"Recorded":[{"evidence_id":"a","decision":"Admitted","reason":"written"},{"evidence_id":"b","decision":"Quarantined","reason":"DRIFT: b"},` +
		`{"evidence_id":"c","decision":"Refused","reason":"no c"},{"evidence_id":"d","decision":"Refused","reason":"no d"}]}`
	for i, tt := range []struct {
		change func(string) string
		status models.ReceiptStatus
		reason string
	}{
		{v1(`"Green"`), models.ReceiptPassed, ""},
		{v1(`"Yellow"`), models.ReceiptPartial, ""},
		{v1(`"Red"`), models.ReceiptFailed, ""},
		{v1(`{"Overridden":{"by":"x","reason":"for the demo","at":0}}`), models.ReceiptPartial, "for the demo"},
		{v1(`{"Halted":{"unmet":[],"at":0}}`), models.ReceiptFailed, ""},
		{v1(`{"Halted":{"unmet":["tests"],"refusals":[],"at":0}}`), models.ReceiptFailed, `unmet: ["tests"]`},
		{v1(`"Green","schema":"ggen-receipt/v1"`), models.ReceiptPassed, ""},
		{v2(`"Green"`, "Green", items), models.ReceiptPassed, ""},
		{v2(`{"Overridden":{"reason":"see v2"}}`, "Yellow", items), models.ReceiptPartial, "b: DRIFT: b"},
		{v2(`{"Halted":{"unmet":[]}}`, "Red", items), models.ReceiptFailed, "c: no c; and 1 more"},
		{v2(`"Red"`, "Red", `"LegacyUnrecorded"`), models.ReceiptFailed, ""},
	} {
		// Each is a separate log with no predecessor.
		line := tt.change(strings.Replace(logLine(i+1), `"prev_chain_hash_hex":"`+logID(i), `"prev_chain_hash_hex":"`+logID(0), 1))
		_, _, refused := importLog(t, store, line)
		require.Empty(t, refused, line)
		got, err := store.Receipts.Get(t.Context(), logID(i+1))
		require.NoError(t, err)
		assert.Equal(t, []any{tt.status, tt.reason}, []any{got.Status, got.ErrorMessage}, line)
	}
}

// ggenLogTransaction: in a caller's transaction a log is stored completely or not at all.
func ggenLogTransaction(t *T) {
	store, _ := openClock(t)
	lines := append(logLines(2), strings.Replace(logLine(3), "Green", "Blue", 1))
	err := store.Transaction(t.Context(), func(tx *tier2.Store) error {
		stored, _, refused := importLog(t, tx, lines...)
		assert.Equal(t, []int64{1, 2}, stored)
		return errors.New(refused[0])
	})
	require.ErrorContains(t, err, "line 3: record.andon")
	assert.Zero(t, counts(t, store)["receipts"])
}
