package term

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// thing is a row with a value of each kind.
type thing struct {
	Text   string
	N      int64
	TookMS MS
	Part   Share
	At     models.Timestamp
	Made   time.Time
	None   *int64
	Doc    models.JSON
	State  models.ReceiptStatus
}

var thingColumns = slices.Concat(
	Fields[thing]("text TEXT", "n N", "took_ms TOOK", "part PART", "at AT", "made", "none NONE", "doc", "state STATE"),
	Col("", "SHOWN", func(v thing) any { return v.N + 1 }),
)

func things(n int) []thing {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	list := make([]thing, n)
	for i := range list {
		list[i] = thing{fmt.Sprintf("μ₁ %d", i), int64(i), MS(i), Share(i) / 8, models.At(at), at, nil, models.JSON(`{"b":1e2, "a":[]}`), models.ReceiptPassed}
	}
	return list
}

// listed returns what List prints.
func listed(t *testing.T, f flags, limit Limit, rows iter.Seq2[thing, error]) (stdout, stderr string, err error) {
	t.Helper()
	var out, errs bytes.Buffer
	err = List(f.console(&out, &errs), limit, rows, thingColumns...)
	return out.String(), errs.String(), err
}

// flags select the form of the results.
type flags struct{ json, csv bool }

func (f flags) console(stdout, stderr io.Writer) *Console {
	c := New(nil, stdout, stderr)
	c.JSON, c.CSV = f.json, f.csv
	return c
}

func TestList(t *testing.T) {
	t.Parallel()
	all := Limit{Rows: math.MaxInt}
	for form, want := range map[flags][2]string{
		{}: {"TEXT  N  TOOK  PART  AT  NONE  STATE  SHOWN\n",
			"TEXT  N  TOOK   PART  AT                    NONE  STATE   SHOWN\n" +
				"μ₁ 0  0    0s   0.0%  2026-01-02T03:04:05Z  -     passed      1\n" +
				"μ₁ 1  1   1ms  12.5%  2026-01-02T03:04:05Z  -     passed      2\n"},
		{json: true}: {"[]\n", `[
  {
    "text": "μ₁ 0",
    "n": 0,
    "took_ms": 0,
    "part": 0,
    "at": "2026-01-02T03:04:05.000006Z",
    "made": "2026-01-02T03:04:05.000006Z",
    "none": null,
    "doc": {
      "b": 1e2,
      "a": []
    },
    "state": "passed"
  },
  {
    "text": "μ₁ 1",
    "n": 1,
    "took_ms": 1,
    "part": 0.125,
    "at": "2026-01-02T03:04:05.000006Z",
    "made": "2026-01-02T03:04:05.000006Z",
    "none": null,
    "doc": {
      "b": 1e2,
      "a": []
    },
    "state": "passed"
  }
]
`},
		{csv: true}: {"text,n,took_ms,part,at,made,none,doc,state\r\n",
			"text,n,took_ms,part,at,made,none,doc,state\r\n" +
				"μ₁ 0,0,0,0,2026-01-02T03:04:05.000006Z,2026-01-02T03:04:05.000006Z,,\"{\"\"b\"\":1e2, \"\"a\"\":[]}\",passed\r\n" +
				"μ₁ 1,1,1,0.125,2026-01-02T03:04:05.000006Z,2026-01-02T03:04:05.000006Z,,\"{\"\"b\"\":1e2, \"\"a\"\":[]}\",passed\r\n"},
	} {
		for i, n := range []int{0, 2} {
			stdout, stderr, err := listed(t, form, all, Each(things(n)))
			require.NoError(t, err)
			assert.Equal(t, want[i], stdout)
			assert.Empty(t, stderr)
		}
	}
}

// TestList_Text checks that JSON and CSV contain texts unchanged, and that no text moves the
// cursor in a table or JSON.
func TestList_Text(t *testing.T) {
	t.Parallel()
	text := "a\x1b[2J\u009b1m\x7f\u202e\n\r\n,\"日本 <&>\U000e0001 =1+1 \u00e9"
	rows := []thing{{Text: text, Doc: models.JSON(`{"k":"` + "\u009b" + `"}`)}, {Doc: models.JSON("broken")}}
	stdout, _, err := listed(t, flags{}, Limit{Rows: 9}, Each(rows))
	require.NoError(t, err)
	assert.Contains(t, stdout, "a?[2J?1m?????,\"日本 <&>? =1+1 é  0")
	stdout, _, err = listed(t, flags{json: true}, Limit{Rows: 9}, Each(rows))
	require.NoError(t, err)
	assert.Contains(t, stdout, `"a\u001b[2J\u009b1m\u007f\u202e\n\r\n,\"日本 <&>\udb40\udc01 =1+1 é"`)
	assert.Contains(t, stdout, `"k": "\u009b"`)
	var back []map[string]any
	require.NoError(t, json.Unmarshal([]byte(stdout), &back))
	assert.Equal(t, text, back[0]["text"])
	assert.Equal(t, "broken", back[1]["doc"])
	stdout, _, err = listed(t, flags{csv: true}, Limit{Rows: 9}, Each(rows[:1]))
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(strings.SplitN(stdout, "\r\n", 2)[1], `"`+strings.ReplaceAll(text, `"`, `""`)+`",0,`), stdout)
	records, err := csv.NewReader(strings.NewReader(stdout)).ReadAll()
	require.NoError(t, err)
	require.Len(t, records, 2)
}

// TestList_Limit checks that a note tells of more rows, unless the user gave the limit.
func TestList_Limit(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		limit Limit
		lines int
		note  string
	}{
		{Limit{Rows: 2}, 3, "tier2: there are more than these 2: give --limit a number, or all\n"},
		{Limit{Rows: 2, Given: true}, 3, ""},
		{Limit{Rows: 3}, 4, ""},
		{Limit{Rows: math.MaxInt, Given: true}, 4, ""},
	} {
		stdout, stderr, err := listed(t, flags{}, tt.limit, Each(things(3)))
		require.NoError(t, err)
		assert.Equal(t, tt.lines, strings.Count(stdout, "\n"))
		assert.Equal(t, tt.note, stderr)
	}
}

// TestList_Many checks that rows after the layout keep its columns, and that nothing is cut
// without a terminal.
func TestList_Many(t *testing.T) {
	t.Parallel()
	rows := things(layoutRows + 2)
	rows[layoutRows].Text, rows[layoutRows+1] = strings.Repeat("x", 50), rows[0]
	stdout, _, err := listed(t, flags{}, Limit{Rows: math.MaxInt}, Each(rows))
	require.NoError(t, err)
	lines := strings.Split(stdout, "\n")
	require.Len(t, lines, layoutRows+4)
	assert.True(t, strings.HasPrefix(lines[layoutRows+1], strings.Repeat("x", 50)+"  1000"))
	assert.Equal(t, strings.Index(lines[1], "2026"), strings.Index(lines[layoutRows+2], "2026"))
}

// TestList_Error checks that the output of a list that fails is incomplete.
func TestList_Error(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	rows := func(yield func(thing, error) bool) {
		if yield(things(1)[0], nil) {
			yield(thing{}, broken)
		}
	}
	stdout, _, err := listed(t, flags{json: true}, Limit{Rows: 9}, rows)
	require.ErrorIs(t, err, broken)
	assert.False(t, json.Valid([]byte(stdout)), stdout)
	for _, form := range []flags{{}, {json: true}, {csv: true}} {
		require.ErrorIs(t, List(form.console(full{}, full{}), Limit{Rows: 9}, Each(things(2000)), thingColumns...), errFull, form)
	}
}

var errFull = errors.New("full")

// full is a writer that always fails.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestDuration(t *testing.T) {
	t.Parallel()
	for millis, want := range map[MS]string{0: "0s", 1: "1ms", 1500: "1.5s", 3600000: "1h0m0s", math.MaxInt64: "9223372036854775807ms"} {
		assert.Equal(t, want, duration(millis))
	}
}
