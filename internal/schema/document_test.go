package schema

import (
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
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
			assert.Equal(t, canonicalJSON(equal[0]), canonicalJSON(text))
		}
	}
	all := map[string]string{}
	for _, text := range []string{
		`1`, `10`, `-1`, `1.1`, `11`, `1e-1`, `12345678901234567890`, `12345678901234567891`, `1e400`, `1e401`, `"1"`, `1.000000000000000000001`,
		`[]`, `{}`, `null`, `""`, `"null"`, `true`, `false`, `[1]`, `[[1]]`, `[1,1]`, `[11]`, `{"a":1}`, `{"b":1}`, `{"a":{"b":1}}`, `["a",1]`, `"[1,]"`, `"\""`, `"\\"`,
	} {
		canonical := canonicalJSON(text)
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
