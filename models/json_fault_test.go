package models_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// TestJSONFaults: what some engine would not store is refused, and nothing else.
func TestJSONFaults(t *testing.T) {
	t.Parallel()
	nested := func(depth int) string { return strings.Repeat(`[`, depth) + strings.Repeat(`]`, depth) }
	const nul, half, digits = "NUL", "surrogate", "digits"
	for name, tt := range map[string]struct{ doc, want string }{
		"NUL":                   {`{"a":"\u0000"}`, nul},
		"NULInKey":              {`{"x\u0000y":1}`, nul},
		"NULAfterEscapes":       {`["\"\\\n\u00e9\u0000"]`, nul},
		"EscapedBackslash":      {`["\\u0000"]`, ""},
		"TwoEscapedBackslashes": {`["\\\\u0000"]`, ""},
		"BackslashThenNUL":      {`["\\\u0000"]`, nul},
		"OneIsNotNUL":           {`["\u0001\u0010\u0100\u1000"]`, ""},
		"Digits0000":            {`["u0000"]`, ""},
		"HighAlone":             {`["\ud800"]`, half},
		"HighThenText":          {`["\uD83Dx"]`, half},
		"HighThenEscape":        {`["\ud83d\n"]`, half},
		"HighThenHigh":          {`["\ud83d\ud83d\ude80"]`, half},
		"HighThenNUL":           {`["\ud83d\u0000"]`, half},
		"LowAlone":              {`["\ude80"]`, half},
		"LowFirst":              {`["\ude80\ud83d"]`, half},
		"Pair":                  {`["\ud83d\ude80\uD83D\uDE80"]`, ""},
		"EscapedHigh":           {`["\\ud800"]`, ""},
		"Deep":                  {nested(models.MaxJSONDepth), ""},
		"TooDeep":               {nested(models.MaxJSONDepth + 1), "nested"},
		"FarTooDeep":            {nested(1_000_000), "nested"},
		"TooDeepAndCut":         {nested(models.MaxJSONDepth + 1)[:models.MaxJSONDepth+1], "nested"},
		"DeepAndCut":            {nested(models.MaxJSONDepth)[:models.MaxJSONDepth], "not valid JSON"},
		"BracketsInCutText":     {`["\"` + strings.Repeat(`[{`, models.MaxJSONDepth), "not valid JSON"},
		"BracketsInText":        {`["` + strings.Repeat(`[{`, models.MaxJSONDepth) + `"]`, ""},
		"Wide":                  {`[` + strings.Repeat(`[],`, 2*models.MaxJSONDepth) + `{}]`, ""},
		"Whole":                 {`[1e131071, -1E+131071, 0.5]`, ""},
		"WholeTooLong":          {`{"a":1e131072}`, digits},
		"Fraction":              {`[1e-16383]`, ""},
		"FractionTooLong":       {`[-1.0e-16383]`, digits},
		"Written":               {"[" + strings.Repeat("9", 131072) + "]", ""},
		"WrittenTooLong":        {strings.Repeat("9", 131073), digits},
		"HugeExponent":          {`1e99999999999999999999`, digits},
		"NumberInText":          {`["1e131072"]`, ""},
		"Cut":                   {`{"a":"\u00`, "not valid JSON"},
		"NotUTF8":               {"[\"\xff\"]", "not valid JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			doc := models.JSON(tt.doc)
			value, err := doc.Value()
			entry := models.AuditEntry{AgentID: "a", Operation: "o", Status: models.AuditStarted, ContextJSON: doc}
			entry.Timestamp = models.At(time.Unix(0, 0))
			invalid := entry.Validate()
			if tt.want == "" {
				require.NoError(t, err)
				require.NoError(t, invalid)
				assert.Equal(t, tt.doc, value)
				return
			}
			for _, err := range []error{err, invalid} {
				require.ErrorIs(t, err, models.ErrInvalid)
				assert.ErrorContains(t, err, tt.want)
			}
		})
	}
}
