package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// thing is a row with a value of each kind.
type thing struct {
	text  string
	n     int64
	took  ms
	part  share
	at    models.Timestamp
	made  time.Time
	none  *int64
	doc   models.JSON
	state models.ReceiptStatus
}

var thingFields = []field[thing]{
	{"text", "TEXT", func(v thing) any { return v.text }},
	{"n", "N", func(v thing) any { return v.n }},
	{"took_ms", "TOOK", func(v thing) any { return v.took }},
	{"part", "PART", func(v thing) any { return v.part }},
	{"at", "AT", func(v thing) any { return v.at }},
	{"made", "", func(v thing) any { return v.made }},
	{"none", "NONE", func(v thing) any { return null(v.none) }},
	{"doc", "", func(v thing) any { return v.doc }},
	{"state", "STATE", func(v thing) any { return v.state }},
	{"", "SHOWN", func(v thing) any { return v.n + 1 }},
}

func things(n int) []thing {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	list := make([]thing, n)
	for i := range list {
		list[i] = thing{fmt.Sprintf("μ₁ %d", i), int64(i), ms(i), share(i) / 8, models.At(at), at, nil, models.JSON(`{"b":1e2, "a":[]}`), models.ReceiptPassed}
	}
	return list
}

// listed is what list prints of rows.
func listed(t *testing.T, a *app, most amount, rows iter.Seq2[thing, error]) (stdout, stderr string, err error) {
	t.Helper()
	var out, errs bytes.Buffer
	a.stdout, a.stderr = &out, &errs
	err = list(a, most, rows, thingFields...)
	return out.String(), errs.String(), err
}

func TestList(t *testing.T) {
	t.Parallel()
	all := amount{n: math.MaxInt}
	for form, want := range map[*app][2]string{
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
			stdout, stderr, err := listed(t, form, all, each(things(n)))
			require.NoError(t, err)
			assert.Equal(t, want[i], stdout)
			assert.Empty(t, stderr)
		}
	}
}

// TestList_Text: what is stored comes out of JSON and CSV as it is, and moves no cursor in
// a table or JSON.
func TestList_Text(t *testing.T) {
	t.Parallel()
	text := "a\x1b[2J\u009b1m\x7f\u202e\n\r\n,\"日本 <&>\U000e0001 =1+1 \u00e9"
	rows := []thing{{text: text, doc: models.JSON(`{"k":"` + "\u009b" + `"}`)}, {doc: models.JSON("broken")}}
	stdout, _, err := listed(t, &app{}, amount{n: 9}, each(rows))
	require.NoError(t, err)
	assert.Contains(t, stdout, "a?[2J?1m?????,\"日本 <&>? =1+1 é  0")
	stdout, _, err = listed(t, &app{json: true}, amount{n: 9}, each(rows))
	require.NoError(t, err)
	assert.Contains(t, stdout, `"a\u001b[2J\u009b1m\u007f\u202e\n\r\n,\"日本 <&>\udb40\udc01 =1+1 é"`)
	assert.Contains(t, stdout, `"k": "\u009b"`)
	var back []map[string]any
	require.NoError(t, json.Unmarshal([]byte(stdout), &back))
	assert.Equal(t, text, back[0]["text"])
	assert.Equal(t, "broken", back[1]["doc"])
	stdout, _, err = listed(t, &app{csv: true}, amount{n: 9}, each(rows[:1]))
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(strings.SplitN(stdout, "\r\n", 2)[1], `"`+strings.ReplaceAll(text, `"`, `""`)+`",0,`), stdout)
	records, err := csv.NewReader(strings.NewReader(stdout)).ReadAll()
	require.NoError(t, err)
	require.Len(t, records, 2)
}

// TestList_Limit: what is cut off is said, unless it was asked for.
func TestList_Limit(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		most  amount
		lines int
		said  string
	}{
		{amount{n: 2}, 3, "tier2: there are more than these 2: give --limit a number, or all\n"},
		{amount{n: 2, given: true}, 3, ""},
		{amount{n: 3}, 4, ""},
		{amount{n: math.MaxInt, given: true}, 4, ""},
	} {
		stdout, stderr, err := listed(t, &app{}, tt.most, each(things(3)))
		require.NoError(t, err)
		assert.Equal(t, tt.lines, strings.Count(stdout, "\n"))
		assert.Equal(t, tt.said, stderr)
	}
}

// TestList_Many: behind the rows that a table is laid out for the columns stay in place,
// and nothing is cut where there is no terminal.
func TestList_Many(t *testing.T) {
	t.Parallel()
	rows := things(measured + 2)
	rows[measured].text, rows[measured+1] = strings.Repeat("x", 50), rows[0]
	stdout, _, err := listed(t, &app{}, amount{n: math.MaxInt}, each(rows))
	require.NoError(t, err)
	lines := strings.Split(stdout, "\n")
	require.Len(t, lines, measured+4)
	assert.True(t, strings.HasPrefix(lines[measured+1], strings.Repeat("x", 50)+"  1000"))
	assert.Equal(t, strings.Index(lines[1], "2026"), strings.Index(lines[measured+2], "2026"))
}

// TestList_Error: what is printed of a list that breaks off is no whole one.
func TestList_Error(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	rows := func(yield func(thing, error) bool) {
		if yield(things(1)[0], nil) {
			yield(thing{}, broken)
		}
	}
	stdout, _, err := listed(t, &app{json: true}, amount{n: 9}, rows)
	require.ErrorIs(t, err, broken)
	assert.False(t, json.Valid([]byte(stdout)), stdout)
	for _, form := range []*app{{}, {json: true}, {csv: true}} {
		form.stdout, form.stderr = full{}, full{}
		require.ErrorIs(t, list(form, amount{n: 9}, each(things(2000)), thingFields...), errFull, form)
	}
}

var errFull = errors.New("full")

// full is a writer with no room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

// TestPages reads a list of 2500 rows page by page, and no more of it than is wanted.
func TestPages(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for _, tt := range []struct{ want, size, calls, fails int }{
		{1, 2, 1, 0}, {50, 51, 1, 0}, {999, 1000, 1, 0}, {1000, 1000, 2, 0}, {2499, 1000, 3, 0}, {2500, 1000, 3, 0}, {math.MaxInt, 1000, 3, 0}, {2500, 1000, 2, 2},
	} {
		most, calls := amount{n: tt.want}, 0
		rows := pages(most, func(p repository.Page) ([]int, string, error) {
			calls++
			assert.Equal(t, tt.size, p.Limit)
			start := len(p.Cursor)
			end := min(start+p.Limit, 2500)
			next := strings.Repeat("x", end)
			if end == 2500 {
				next = ""
			}
			if calls == tt.fails {
				return nil, "", broken
			}
			return make([]int, end-start), next, nil
		})
		n := 0
		var failed error
		for _, err := range rows {
			if failed = err; err != nil || n == tt.want {
				break
			}
			n++
		}
		assert.Equal(t, tt.calls, calls, tt)
		if tt.fails > 0 {
			require.ErrorIs(t, failed, broken)
		} else {
			require.NoError(t, failed)
			assert.Equal(t, min(tt.want, 2500), n)
		}
	}
}

func TestDuration(t *testing.T) {
	t.Parallel()
	for millis, want := range map[ms]string{0: "0s", 1: "1ms", 1500: "1.5s", 3600000: "1h0m0s", math.MaxInt64: "9223372036854775807ms"} {
		assert.Equal(t, want, duration(millis))
	}
}
