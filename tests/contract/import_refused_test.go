package contract

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

func importRefused(t *T) {
	store, _ := openClock(t)
	before := counts(t, store)
	with := func(old, new string) string { return strings.Replace(wrappedReceipt, old, new, 1) }
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for name, tt := range map[string]struct {
		doc  string
		ctx  context.Context
		opts repository.ImportOptions
		want string
	}{
		"Empty":           {doc: " \n", want: "is empty"},
		"Text":            {doc: "receipt", want: "is not valid JSON"},
		"Cut":             {doc: wrappedReceipt[:100], want: "is not valid JSON"},
		"Trailing":        {doc: wrappedReceipt + "}", want: "is not valid JSON"},
		"ByteOrderMark":   {doc: "\ufeff" + wrappedReceipt, want: "byte order mark"},
		"NotUTF8":         {doc: with("builder", "\xff"), want: "UTF-8"},
		"List":            {doc: "[]", want: "is no JSON object"},
		"Null":            {doc: "null", want: "is no JSON object"},
		"OtherFormat":     {doc: `{"record":{"version":1}}`, want: `neither "pipeline_stages" nor "pipeline"`},
		"ReceiptNumber":   {doc: `{"receipt":7}`, want: "receipt \"7\": must be an object"},
		"NoID":            {doc: with(`"execution_id": "exec-1",`, ""), want: "execution_id: is missing"},
		"EmptyID":         {doc: with("exec-1", ""), want: "execution_id: is missing"},
		"BlankID":         {doc: with("exec-1", " "), want: "must not be blank"},
		"NumberID":        {doc: with(`"exec-1"`, "1"), want: "must be a string"},
		"NULID":           {doc: with("exec-1", `a\u0000`), want: "NUL"},
		"NoAgent":         {doc: with(`"agent_id": "builder",`, ""), want: "--agent"},
		"Operation":       {doc: with(`"generation"`, `"error-recovery"`), want: "allowed: validation, generation, normalization, extraction, emission, canonicalization, receipt, dry_run, watch"},
		"Status":          {doc: with(`"passed",`, `"great",`), want: "allowed: passed, failed, partial, cancelled"},
		"NoTimestamp":     {doc: with(`"timestamp": "2026-01-29T17:25:27Z",`, ""), want: "timestamp: is missing"},
		"Timestamp":       {doc: with("2026-01-29T17:25:27Z", "yesterday"), want: "no ISO 8601 time"},
		"Hash":            {doc: with(anyHash, "abc"), want: "64 lower-case hex digits"},
		"Files":           {doc: with("47", "-47"), want: "files_generated"},
		"FilesText":       {doc: with("47", `"47"`), want: "must be a number"},
		"UnknownStage":    {doc: with("μ₃_emit", "μ₃_omit"), want: "allowed: μ₁_normalize, μ₂_extract"},
		"StageStatus":     {doc: with(`"status": "success"`, `"status": "skipped"`), want: "pipeline_stages.μ₂_extract.status"},
		"NoStageStatus":   {doc: with(`"status": "success", `, ""), want: "pipeline_stages.μ₂_extract.status: is missing"},
		"NoStageDuration": {doc: with(`, "duration_ms": 500`, ""), want: "pipeline_stages.μ₂_extract.duration_ms: is missing"},
		"StageDuration":   {doc: with("500", "-1"), want: "must not be negative"},
		"HugeDuration":    {doc: with("500", "1e13"), want: "too long"},
		"HugerDuration":   {doc: with("500", "1e300"), want: "too large"},
		"Infinite":        {doc: with("500", "1e999"), want: "must be a number"},
		"StageList":       {doc: with(`{"status": "success", "duration_ms": 500}`, "[]"), want: "must be an object"},
		"GgenLog":         {doc: logLine(1), want: "is a record of ggen's chained log, which ImportLog"},
		"NoStages":        {doc: `{"execution_id":"x","agent_id":"a","timestamp":"2026-01-01T00:00:00Z","pipeline":{}}`, want: "no stage to tell it from"},
		"TooDeep":         {doc: with("true", strings.Repeat("[", 2000)+strings.Repeat("]", 2000)), want: "nested more than 1000 deep"},
		"FarTooDeep":      {doc: strings.Repeat("[", 1_000_000), want: "is nested more than 1000 deep"},
		"TwiceAtTheTop":   {doc: with("{", `{"receipt": null, "rec\u0065ipt": 1, `), want: `holds the key "receipt" twice`},
		"TwiceTheID":      {doc: with(`"agent_id"`, `"execution_id": "exec-1", "agent_id"`), want: `receipt: holds the key "execution_id" twice`},
		"TwiceAStage":     {doc: with(`"μ₂_extract"`, `"μ₁_normalize": {}, "μ₂_extract"`), want: `receipt.pipeline_stages: holds the key "μ₁_normalize" twice`},
		"TwiceAStatus":    {doc: with(`"duration_ms": 500`, `"duration_ms": 500, "status": "failed"`), want: `receipt.pipeline_stages.μ₂_extract: holds the key "status" twice`},
		"TwiceUnread":     {doc: with("true", `[1, {"a": {}}, [{"b": 1, "c": [], "b": 1}]]`), want: `receipt.determinism_guarantee: holds the key "b" twice`},
		"TwiceALongKey":   {doc: with("true", `{"`+strings.Repeat("k", 1000)+`": 1, "`+strings.Repeat("k", 1000)+`": 2}`), want: `kkk..." twice`},
		"TooLarge":        {doc: wrappedReceipt + strings.Repeat(" ", repository.MaxImportBytes), want: "is larger than 16777216 bytes"},
		"LargerThanSaid":  {doc: wrappedReceipt, opts: repository.ImportOptions{MaxBytes: 100}, want: "is larger than 100 bytes"},
		"NegativeSize":    {doc: wrappedReceipt, opts: repository.ImportOptions{MaxBytes: -1}, want: "must not be negative"},
		"MillionDigits":   {doc: with("true", strings.Repeat("9", 1_000_000)), want: "too many digits"},
		"HugeExponent":    {doc: with("true", "1e999999"), want: "too many digits"},
		"DigitsRead":      {doc: with("500", strings.Repeat("9", 1_000_000)), want: "must be a number"},
		"ManyFaults":      {doc: with(`"μ₂_extract"`, manyStages(1_000)+`"μ₂_extract"`), want: "and 950 faults more"},
		"LongTimestamp":   {doc: with("2026-01-29T17:25:27Z", strings.Repeat("2026-", 50_000)), want: `2026-..." is no`},
		"Map":             {doc: wrappedReceipt, opts: repository.ImportOptions{Map: map[string]models.Operation{"x": "cooking"}}, want: "allowed: validation"},
		"DefaultOp":       {doc: wrappedReceipt, opts: repository.ImportOptions{Operation: "cooking"}, want: "allowed: validation"},
		"At":              {doc: wrappedReceipt, opts: repository.ImportOptions{At: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}, want: "years 1 to 9999"},
		"Target":          {doc: wrappedReceipt, opts: repository.ImportOptions{Targets: []repository.Target{{}}}, want: "must not be blank"},
		"Cancelled":       {doc: wrappedReceipt, ctx: cancelled, want: "context canceled"},
	} {
		t.Run(name, func(t *T) {
			if tt.ctx == nil {
				tt.ctx = t.Context()
			}
			result, err := store.Executions.Import(tt.ctx, []byte(tt.doc), tt.opts)
			require.ErrorContains(t, err, tt.want)
			if name != "Cancelled" {
				require.ErrorIs(t, err, models.ErrInvalid)
			}
			assert.Less(t, len(err.Error()), 20_000, "a message that a person can read")
			assert.Zero(t, result)
			assert.Equal(t, before, counts(t, store))
		})
	}
	_, err := store.Executions.Import(t.Context(), []byte(`{"pipeline":{"μ₃_emit":{}}}`), repository.ImportOptions{})
	for _, fault := range []string{"execution_id", "agent_id", "timestamp", "pipeline.μ₃_emit.status", "pipeline.μ₃_emit.duration_ms"} {
		assert.ErrorContains(t, err, fault, "one refusal names every fault")
	}
}

// manyStages returns n unknown members of "pipeline_stages".
func manyStages(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"stage %d": {}, `, i)
	}
	return b.String()
}
