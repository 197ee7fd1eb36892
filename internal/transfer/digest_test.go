package transfer

import (
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine"
)

func TestDocuments(t *testing.T) {
	t.Parallel()
	for _, equal := range [][]string{
		{`1e2`, `100`, `100.0`, `1E+2`, `1.00e2`, `0.1e3`, `10e1`, `1000e-1`},
		{`0`, `-0`, `0.0`, `0e99`, `-0.000e-7`},
		{`-12.5`, `-1.25e1`, `-0.125E2`, `-1250e-2`},
		{`12345678901234567890`, `12345678901234567890.0`},
		{`1e400`, `10e399`, `1` + strings.Repeat("0", 400)},
		{`1e99999999999999999999`, `10e99999999999999999998`},
		{`{"a":1,"b":[true,null]}`, ` { "b" : [ true , null ] , "a" : 1.0 } `, `{"a":2,"b":[true,null],"a":1}`},
		{`"μ₁\n"`, `"\u03bc\u2081\u000a"`},
		{`"😀/"`, `"\ud83d\ude00\/"`},
	} {
		for _, text := range equal {
			assert.Equal(t, string(appendDocument(nil, equal[0])), string(appendDocument(nil, text)))
		}
	}
	all := map[string]string{}
	for _, text := range []string{
		`1`, `10`, `-1`, `1.1`, `11`, `1e-1`, `12345678901234567890`, `12345678901234567891`, `1e400`, `1e401`, `"1"`, `1.000000000000000000001`,
		`[]`, `{}`, `null`, `""`, `"null"`, `true`, `false`, `[1]`, `[[1]]`, `[1,1]`, `[11]`, `{"a":1}`, `{"b":1}`, `{"a":{"b":1}}`, `["a",1]`, `"[1,]"`, `"\""`, `"\\"`,
	} {
		canonical := string(appendDocument(nil, text))
		assert.Empty(t, all[canonical], text)
		all[canonical] = text
	}
}

func FuzzNumber(f *testing.F) {
	for _, text := range []string{"0", "-0.0e1", "100", "1e2", "0.00120", "-5E-3", "12345678901234567890.000000000000000001"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 40 || strings.Trim(text, "-+.0123456789eE") != "" || strings.ContainsAny(text[min(len(text), 1):], "xX_/") {
			return
		}
		_, exponent, _ := strings.Cut(strings.ToLower(text), "e")
		want, ok := new(big.Rat).SetString(text)
		if !ok || len(exponent) > 3 || strings.HasPrefix(text, "+") {
			return // no JSON number, or one that takes long
		}
		got, ok := new(big.Rat).SetString(number(text))
		require.True(t, ok, number(text))
		require.Zero(t, want.Cmp(got), "%s became %s", text, number(text))
		require.Equal(t, number(text), number(number(text)), "one form for one value")
	})
}

func TestRows(t *testing.T) {
	t.Parallel()
	table := &engine.Table{Columns: []engine.Column{{Type: engine.Text}, {Type: engine.Text}, {Type: engine.Float}, {Type: engine.Time}}}
	at := time.Date(2026, 1, 29, 12, 34, 56, 123456000, time.UTC)
	sum := func(row ...any) string {
		d := newDigester()
		d.add(table, row)
		return d.sum().SHA256
	}
	assert.Equal(t, sum("a", nil, 0.0, engine.Instant{Time: at}), sum("a", nil, math.Copysign(0, -1), engine.Instant{Time: at.Local(), Text: "as SQLite has it"}))
	seen := map[string]bool{}
	for _, row := range [][]any{
		{"a", nil, 1.0, nil}, {nil, "a", 1.0, nil}, {"a", "", 1.0, nil}, {"", "a", 1.0, nil}, {"as", "", 1.0, nil}, {"", "", -1.0, nil}, {"", "", nil, nil},
		{nil, nil, nil, engine.Instant{Time: at}}, {nil, nil, nil, engine.Instant{Time: at.Add(time.Microsecond)}}, {"0", "0", nil, nil}, {"00", "", nil, nil},
	} {
		assert.False(t, seen[sum(row...)], row)
		seen[sum(row...)] = true
	}
}

func TestBatches(t *testing.T) {
	t.Parallel()
	sizes := func(rows ...int) (list []int) {
		all := func(yield func(engine.Row, error) bool) {
			for i, size := range rows {
				if !yield(engine.Row{int64(i), strings.Repeat("x", size)}, nil) {
					return
				}
			}
		}
		next := int64(0)
		for batch, err := range batches(all) {
			require.NoError(t, err)
			list = append(list, len(batch))
			for _, row := range batch {
				require.Equal(t, next, row[0])
				next++
			}
		}
		require.EqualValues(t, len(rows), next)
		return list
	}
	assert.Empty(t, sizes())
	assert.Equal(t, []int{1000, 1000, 1}, sizes(make([]int, 2001)...))
	assert.Equal(t, []int{1, 2, 1}, sizes(5<<20, 3<<20, 3<<20, 1), "few rows where they are large")
}
