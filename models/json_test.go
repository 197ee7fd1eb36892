package models_test

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

func TestJSONValue(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		in   models.JSON
		want any
		ok   bool
	}{
		{"OKNil", nil, nil, true},
		{"OKObject", models.JSON(`{"a":1}`), `{"a":1}`, true},
		{"OKBytesAreKept", models.JSON(" {\"b\" : 1.00,\n\"a\":\"\\u00e9\"} "), " {\"b\" : 1.00,\n\"a\":\"\\u00e9\"} ", true},
		{"OKScalar", models.JSON(`null`), `null`, true},
		{"OKBigNumber", models.JSON(`12345678901234567890.10`), `12345678901234567890.10`, true},
		{"OKUnicode", models.JSON(`"μ₁ 日本 🚀"`), `"μ₁ 日本 🚀"`, true},
		{"ErrEmpty", models.JSON(""), nil, false},
		{"ErrBlank", models.JSON("  "), nil, false},
		{"ErrCut", models.JSON(`{"a":`), nil, false},
		{"ErrTrailing", models.JSON(`{} {}`), nil, false},
		{"ErrSingleQuotes", models.JSON(`{'a':1}`), nil, false},
		{"ErrTrailingComma", models.JSON(`[1,]`), nil, false},
		{"ErrNaN", models.JSON(`NaN`), nil, false},
		{"ErrBareText", models.JSON(`hello`), nil, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := tt.in.Value()
			if !tt.ok {
				require.ErrorIs(t, err, models.ErrInvalid)
				assert.ErrorContains(t, err, "not valid JSON")
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tt.want, got)
		})
	}
}

func TestJSONScan(t *testing.T) {
	t.Parallel()
	var j models.JSON
	require.NoError(t, j.Scan(`{"a":1}`))
	assert.Equal(t, `{"a":1}`, j.String())

	raw := []byte(`[1]`)
	require.NoError(t, j.Scan(raw))
	raw[1] = '2' // a driver may reuse its buffer
	assert.Equal(t, `[1]`, j.String())

	require.NoError(t, j.Scan(nil))
	assert.Nil(t, j)
	assert.ErrorContains(t, j.Scan(int64(1)), "int64")
}

func TestJSONEmbeds(t *testing.T) {
	t.Parallel()
	type doc struct{ Body models.JSON }
	raw, err := json.Marshal(doc{models.JSON(`{"n":1.50}`)})
	require.NoError(t, err)
	assert.Equal(t, `{"Body":{"n":1.50}}`, string(raw))
	var back doc
	require.NoError(t, json.Unmarshal(raw, &back))
	assert.Equal(t, `{"n":1.50}`, back.Body.String())

	raw, err = json.Marshal(doc{})
	require.NoError(t, err)
	assert.Equal(t, `{"Body":null}`, string(raw))

	_, err = json.Marshal(doc{models.JSON(`{`)})
	require.Error(t, err)
}

func TestJSONDecode(t *testing.T) {
	t.Parallel()
	var into map[string]int
	require.NoError(t, models.JSON(`{"a":1}`).Decode(&into))
	assert.Equal(t, map[string]int{"a": 1}, into)
	require.NoError(t, models.JSON(nil).Decode(&into))
	assert.Equal(t, map[string]int{"a": 1}, into, "nil leaves the value as it is")
	require.Error(t, models.JSON(`{"a":"x"}`).Decode(&into))
}

func TestJSONOf(t *testing.T) {
	t.Parallel()
	doc, err := models.JSONOf(map[string]any{"b": 1, "a": "μ"})
	require.NoError(t, err)
	assert.Equal(t, `{"a":"μ","b":1}`, doc.String())
	_, err = models.JSONOf(math.Inf(1))
	require.Error(t, err)
}
