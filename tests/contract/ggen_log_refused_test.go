package contract

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// ggenLogBroken: the records before a break are stored, and none after it.
func ggenLogBroken(t *T) {
	first := `line 3: record.prev_chain_hash_hex "`
	for name, tt := range map[string]struct {
		lines []int // of a log with four records
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

// ggenLogRefused: a record that cannot be stored is rejected with its line and the reason,
// and the next record is stored.
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

// ggenLogEnds: errors that end an import at once; no later record is stored.
func ggenLogEnds(t *T) {
	store, _ := openClock(t)
	_, _, refused := importLog(t, store, logLine(1))
	require.Empty(t, refused)
	before := counts(t, store)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	with := func(old, new string) string { return strings.Replace(logLine(2), old, new, 1) }
	boom := errors.New("boom")
	agent := repository.ImportOptions{AgentID: "syncer"}
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
		"TooLarge":      {line: with("law:1", strings.Repeat("x", 2000)), opts: &repository.ImportOptions{AgentID: "syncer", MaxBytes: 2000}, want: "line 2: is larger than 2000 bytes; nothing"},
		"NegativeZero":  {line: with("1769690096000001000", "-0"), want: "ggen wrote no time: give one (--at)"},
		"ReaderCut":     {log: io.MultiReader(strings.NewReader(logLine(1)+"\n"+logLine(2)[:300]), iotest.ErrReader(boom)), want: "line 2: boom", kind: boom},
		"ReaderWhole":   {log: io.MultiReader(strings.NewReader(logLine(1)+"\n"+logLine(2)), iotest.ErrReader(boom)), want: "line 2: boom", kind: boom},
		"Empty":         {log: strings.NewReader(" \n\n"), want: "the log holds no record"},
		"NoAgent":       {opts: &repository.ImportOptions{}, want: "import.agent"},
		"BlankAgent":    {opts: &repository.ImportOptions{AgentID: " "}, want: "must not be blank"},
		"FarFuture":     {opts: &repository.ImportOptions{AgentID: "syncer", At: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}, want: "years 1 to 9999"},
		"NegativeSize":  {opts: &repository.ImportOptions{AgentID: "syncer", MaxBytes: -1}, want: "must not be negative"},
		"Map":           {opts: &repository.ImportOptions{AgentID: "syncer", Map: map[string]models.Operation{"x": "cooking"}}, want: "allowed: validation"},
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
