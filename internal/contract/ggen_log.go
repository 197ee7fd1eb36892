package contract

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"testing/iotest"
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

// logLine is the record of ggen's log with that number, which follows the one before.
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

// id is the chain hash of a record.
func logID(n int) string { return fmt.Sprintf("%064x", n) }

// imported are the records of a log, and what was refused.
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
	return imported(s.Executions.ImportLog(t.Context(), strings.NewReader(strings.Join(lines, "\n")+"\n"), repository.ImportOptions{Agent: "syncer"}))
}

func ggenLogStored(t *T) {
	store, _ := openClock(t)
	ctx := t.Context()
	log := " " + logLine(1) + "\r\n\n" + strings.NewReplacer(`"ts_ns":1769690096000001000`, `"ts_ns":0,"duration_ms":12`,
		`"ggen.sync"`, `"watch"`, fmt.Sprintf(`"graph_hash":"%064x"`, 7), `"graph_hash":"none"`, `,"closure":{"ggen.toml":"t1","a&b.tmpl":"MISSING"}`, "").Replace(logLine(2))
	at := time.Date(2026, 2, 1, 12, 0, 0, 0, time.FixedZone("", 3600))
	stored, unchanged, refused := imported(store.Executions.ImportLog(ctx, strings.NewReader(log), repository.ImportOptions{
		Agent: "syncer", At: at, Operation: models.OperationEmission, MaxBytes: len(logLine(1)) + 3,
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

// ggenLogAgain: a log that has grown adds its new records, whatever the options are now.
func ggenLogAgain(t *T) {
	store, _ := openClock(t)
	lines := logLines(4)
	stored, _, refused := importLog(t, store, lines[:2]...)
	require.Equal(t, []any{[]int64{1, 2}, []string(nil)}, []any{stored, refused})
	stored, unchanged, refused := imported(store.Executions.ImportLog(t.Context(), strings.NewReader(strings.Join(lines, "\n")), repository.ImportOptions{Agent: "other"}))
	assert.Equal(t, []any{[]int64{3, 4}, []int64{1, 2}, []string(nil)}, []any{stored, unchanged, refused}, "the last line may lack its end")
	before := counts(t, store)

	lines[1] = strings.Replace(lines[1], "law:1", "law:2", 1)
	stored, unchanged, refused = importLog(t, store, append(lines, logLine(5))...)
	assert.Equal(t, []any{[]int64{5}, []int64{1, 3, 4}}, []any{stored, unchanged}, "the chain goes on behind a refusal")
	assert.Equal(t, []string{`line 2: receipts.execution_id "` + logID(2) + `": is stored already, with other content`}, refused)
	before["receipts"]++
	before["audit_log"]++
	assert.Equal(t, before, counts(t, store))
}

// ggenLogRotated: a log may begin where another ended, if that one is stored.
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

// ggenLogDrift: a run of equal inputs with other outputs is drift; one that found its
// files up to date, or whose template was edited, is none.
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
		// Each is a log of its own: all follow nothing.
		line := tt.change(strings.Replace(logLine(i+1), `"prev_chain_hash_hex":"`+logID(i), `"prev_chain_hash_hex":"`+logID(0), 1))
		_, _, refused := importLog(t, store, line)
		require.Empty(t, refused, line)
		got, err := store.Receipts.Get(t.Context(), logID(i+1))
		require.NoError(t, err)
		assert.Equal(t, []any{tt.status, tt.reason}, []any{got.Status, got.ErrorMessage}, line)
	}
}

// ggenLogBroken: what came before the break is stored, and nothing from there on.
func ggenLogBroken(t *T) {
	first := `line 3: record.prev_chain_hash_hex "`
	for name, tt := range map[string]struct {
		lines []int // of a log of four
		want  string
	}{
		"Missing":  {[]int{1, 2, 4}, first + logID(3) + `": the chain is broken: the chain_hash_hex of the record before, in line 2, is "` + logID(2)},
		"Twice":    {[]int{1, 2, 2, 3}, first + logID(1)},
		"Swapped":  {[]int{1, 2, 4, 3}, first + logID(3)},
		"TwoLogs":  {[]int{1, 2, 1, 2}, first + logID(0)},
		"Reversed": {[]int{4, 3, 2, 1}, `line 1: record.prev_chain_hash_hex "` + logID(3)},
	} {
		t.Run(name, func(t *T) {
			t.Parallel()
			store, _ := openClock(t)
			var lines []string
			for _, n := range tt.lines {
				lines = append(lines, logLine(n))
			}
			stored, unchanged, refused := importLog(t, store, lines...)
			want := []int64{1, 2}
			if name == "Reversed" {
				want = nil
			}
			assert.Equal(t, []any{want, []int64(nil)}, []any{stored, unchanged})
			require.Len(t, refused, 1)
			assert.Contains(t, refused[0], tt.want)
			assert.Contains(t, refused[0], "nothing from here on was imported")
			assert.EqualValues(t, len(want), counts(t, store)["receipts"])
		})
	}
}

// ggenLogRefused: a record that cannot be stored is refused with its line and the
// reason, and the next one is stored.
func ggenLogRefused(t *T) {
	store, _ := openClock(t)
	_, _, refused := importLog(t, store, logLines(2)...)
	require.Empty(t, refused)
	before := counts(t, store)
	for name, tt := range map[string]struct{ old, new, want string }{
		"Version":        {`"version":1`, `"version":3`, `record.version "3": is not an allowed value (allowed: 1)`},
		"Schema":         {`"version":1`, `"version":1,"schema":"ggen-receipt/v3"`, "allowed: ggen-receipt/v1, ggen-receipt/v2"},
		"NoEpoch":        {`"version":1`, `"version":1,"schema":"ggen-receipt/v2"`, "record.v2: must be there"},
		"Epoch":          {`"version":1`, `"version":1,"v2":{"andon":"Green"}`, "and only then"},
		"Contradiction":  {`"version":1`, `"version":1,"schema":"ggen-receipt/v2","v2":{"andon":"Red"}`, "contradicts record.andon"},
		"Admission":      {`"Green"`, `"Red","schema":"ggen-receipt/v2","v2":{"andon":"Red","admission":{"Recorded":[1]}}`, "must be a list"},
		"AdmissionText":  {`"Green"`, `"Red","schema":"ggen-receipt/v2","v2":{"andon":"Red","admission":"none"}`, "record.v2.admission"},
		"Andon":          {`"Green"`, `"Blue"`, `record.andon`},
		"NoAndon":        {`"andon"`, `"andin"`, "record.andon: is missing"},
		"TwoAndons":      {`"Green"`, `{"Halted":{},"Overridden":{}}`, "allowed: Green, Yellow, Red, Overridden, Halted"},
		"AndonList":      {`"Green"`, `[]`, "must be a string"},
		"Activity":       {"ggen.sync", "cooking", "allowed: validation"},
		"NoTime":         {`"ts_ns":1769690096000001000,`, "", "record.ts_ns: is missing"},
		"NegativeTime":   {"1769690096000001000", "-1", "must be a whole number of nanoseconds"},
		"HugeTime":       {"1769690096000001000", "18446744073709551615", "from 0 to 9223372036854775807"},
		"TextTime":       {"1769690096000001000", `"1"`, "must be a whole number"},
		"NegativeLength": {`"version":1`, `"version":1,"duration_ms":-1`, "record.duration_ms"},
		"NegativeCount":  {`"obligation_count":0`, `"obligation_count":-1`, "must not be negative"},
		"PayloadHash":    {`"payload_hash_hex":"0`, `"payload_hash_hex":"G`, "record.payload_hash_hex"},
		"NoPayload":      {`"payload":`, `"other":`, "payload: is missing"},
		"NoOutputs":      {`"outputs"`, `"inputs"`, "payload.outputs: is missing"},
		"Outputs":        {`"a.rs":"a1"`, `"a.rs":1`, `payload.outputs.a.rs "1": must be a string`},
		"Decision":       {`"a.rs":"written"`, `"a.rs":"eaten"`, "allowed: written, injected, skipped"},
		"Closure":        {`"t1"`, `{}`, "payload.closure.ggen.toml"},
		"NUL":            {"law:1", `\u0000`, "NUL"},
	} {
		t.Run(name, func(t *T) {
			line := strings.Replace(logLine(3), tt.old, tt.new, 1)
			require.NotEqual(t, logLine(3), line)
			stored, unchanged, refused := importLog(t, store, logLine(1), logLine(2), line)
			assert.Equal(t, []any{[]int64(nil), []int64{1, 2}}, []any{stored, unchanged})
			require.Len(t, refused, 1)
			assert.Contains(t, refused[0], "line 3: ")
			assert.Contains(t, refused[0], tt.want)
			assert.NotContains(t, refused[0], "from here on")
			assert.Equal(t, before, counts(t, store))
		})
	}
	stored, _, refused := importLog(t, store, logLine(1), logLine(2), strings.Replace(logLine(3), "Green", "Blue", 1), logLine(4), strings.Replace(logLine(5), "written", "eaten", 2))
	assert.Equal(t, []int64{4}, stored)
	require.Len(t, refused, 2)
	assert.Contains(t, refused[1], "line 5: ")
}

// ggenLogEnds: what ends an import at once, and writes nothing from there on.
func ggenLogEnds(t *T) {
	store, _ := openClock(t)
	_, _, refused := importLog(t, store, logLine(1))
	require.Empty(t, refused)
	before := counts(t, store)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	with := func(old, new string) string { return strings.Replace(logLine(2), old, new, 1) }
	boom := errors.New("boom")
	agent := repository.ImportOptions{Agent: "syncer"}
	for name, tt := range map[string]struct {
		ctx  context.Context
		line string
		log  io.Reader
		opts *repository.ImportOptions
		want string
		kind error
	}{
		"Cut":           {line: logLine(2)[:300], want: "line 2: is not valid JSON: unexpected end of JSON input"},
		"Text":          {line: "receipt", want: "line 2: is not valid JSON"},
		"UTF8":          {line: with("law:1", "\xff"), want: "line 2: is not valid UTF-8"},
		"Deep":          {line: with(`"law:1"`, strings.Repeat("[", 1001)+strings.Repeat("]", 1001)), want: "line 2: is nested more than 1000 deep"},
		"Twice":         {line: with(`"packs":{}`, `"packs":{"a":1,"a":1}`), want: `line 2: payload.packs: holds the key "a" twice`},
		"TwiceTheHash":  {line: with(`"andon"`, `"chain_hash_hex":"`+logID(2)+`","andon"`), want: `holds the key "chain_hash_hex" twice`},
		"OtherReceipt":  {line: strings.ReplaceAll(wrappedReceipt, "\n", ""), want: `it has no "record"`},
		"RecordList":    {line: `{"record":[]}`, want: "must be an object"},
		"NoHash":        {line: with("chain_hash_hex\":\""+logID(2), "x\":\""), want: "record.chain_hash_hex: is missing"},
		"UpperHash":     {line: with(`"prev_chain_hash_hex":"`+logID(1), `"prev_chain_hash_hex":"`+strings.Repeat("A", 64)), want: "must be 64 lower-case hex digits"},
		"NumberHash":    {line: with(`"`+logID(1)+`"`, "1"), want: "record.prev_chain_hash_hex"},
		"NoTime":        {line: with("1769690096000001000", "0"), want: "ggen wrote no time: give one (--at)"},
		"TooLarge":      {line: with("law:1", strings.Repeat("x", 2000)), opts: &repository.ImportOptions{Agent: "syncer", MaxBytes: 2000}, want: "line 2: is larger than 2000 bytes; nothing"},
		"Empty":         {log: strings.NewReader(" \n\n"), want: "the log holds no record"},
		"NoAgent":       {opts: &repository.ImportOptions{}, want: "import.agent"},
		"BlankAgent":    {opts: &repository.ImportOptions{Agent: " "}, want: "must not be blank"},
		"FarFuture":     {opts: &repository.ImportOptions{Agent: "syncer", At: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}, want: "years 1 to 9999"},
		"NegativeSize":  {opts: &repository.ImportOptions{Agent: "syncer", MaxBytes: -1}, want: "must not be negative"},
		"Map":           {opts: &repository.ImportOptions{Agent: "syncer", Map: map[string]models.Operation{"x": "cooking"}}, want: "allowed: validation"},
		"Cancelled":     {ctx: cancelled, want: "line 1: context canceled", kind: context.Canceled},
		"BrokenReader":  {log: iotest.ErrReader(boom), want: "line 1: boom", kind: boom},
		"BreaksMidways": {log: io.MultiReader(strings.NewReader(logLine(1)+"\n"), iotest.ErrReader(boom)), want: "line 2: boom", kind: boom},
	} {
		t.Run(name, func(t *T) {
			if tt.ctx == nil {
				tt.ctx = t.Context()
			}
			if tt.opts == nil {
				tt.opts = &agent
			}
			if tt.log == nil {
				tt.log = strings.NewReader(logLine(1) + "\n" + tt.line + "\n" + logLine(3))
			}
			if tt.kind == nil {
				tt.kind = models.ErrInvalid
			}
			var errs []error
			for record, err := range store.Executions.ImportLog(tt.ctx, tt.log, *tt.opts) {
				require.True(t, err != nil || record.Unchanged)
				errs = append(errs, err)
			}
			last := errs[len(errs)-1]
			require.ErrorIs(t, last, tt.kind)
			require.ErrorContains(t, last, tt.want)
			assert.NotContains(t, errs[:len(errs)-1], last)
			assert.Less(t, len(last.Error()), 1000)
			assert.Equal(t, before, counts(t, store))
		})
	}
	stop, stopped := context.WithCancel(t.Context())
	defer stopped()
	for _, err := range store.Executions.ImportLog(stop, strings.NewReader(strings.Join(logLines(3), "\n")), agent) {
		if stop.Err() != nil {
			assert.ErrorIs(t, err, context.Canceled)
		}
		stopped()
	}
	for range store.Executions.ImportLog(t.Context(), strings.NewReader(strings.Join(logLines(3), "\n")), agent) {
		break
	}
	assert.Equal(t, before, counts(t, store), "nothing is read further than it is ranged over")
}

// ggenLogTransaction: in a caller's transaction all of a log is stored, or nothing.
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
