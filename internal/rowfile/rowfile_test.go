package rowfile_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2/internal/rowfile"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

var table = &schema.Table{
	Name: "t", Key: []int{0},
	Columns: []schema.Column{{Name: "id", Kind: schema.Integer}, {Name: "name", Kind: schema.Text}, {Name: "rate", Kind: schema.Float}, {Name: "timestamp", Kind: schema.Time}, {Name: "doc", Kind: schema.Document}},
}

func written(t testing.TB, f rowfile.Format, rows ...schema.Row) string {
	t.Helper()
	var b bytes.Buffer
	w := rowfile.NewWriter(&b, f, table)
	for _, row := range rows {
		require.NoError(t, w.Write(row))
	}
	require.NoError(t, w.Flush())
	return b.String()
}

func read(f rowfile.Format, r io.Reader, maxBytes int) (rows []schema.Row, lines []int, err error) {
	for line, err := range rowfile.Read(r, f, table, maxBytes) {
		if err != nil {
			return rows, lines, err
		}
		rows, lines = append(rows, line.Row), append(lines, line.Number)
	}
	return rows, lines, nil
}

func at(text string) schema.Instant {
	at, err := models.ParseTimestamp(text)
	if err != nil {
		panic(err)
	}
	return schema.Instant{Time: at.Time, Text: text}
}

// TestBytes: what the formats look like is a contract.
func TestBytes(t *testing.T) {
	t.Parallel()
	rows := []schema.Row{
		{int64(math.MinInt64), nil, nil, nil, nil},
		{int64(1), "", 0.5, at("2026-01-29 12:34"), "{\"a\" : \"μ\\u0001\"}"},
		{int64(2), "a,\"b\"\r\n<&>\u2028", math.Inf(-1), schema.Instant{Time: time.Date(2026, 1, 29, 12, 0, 0, 0, time.UTC)}, "[]"},
		{int64(math.MaxInt64), " x\t\x00", math.NaN(), nil, nil},
	}
	assert.Equal(t, `{"id":-9223372036854775808,"name":null,"rate":null,"timestamp":null,"doc":null}
{"id":1,"name":"","rate":0.5,"timestamp":"2026-01-29 12:34","doc":"{\"a\" : \"μ\\u0001\"}"}
{"id":2,"name":"a,\"b\"\r\n<&>\u2028","rate":"-Infinity","timestamp":"2026-01-29T12:00:00.000000Z","doc":"[]"}
{"id":9223372036854775807,"name":" x\t\u0000","rate":"NaN","timestamp":null,"doc":null}
`, written(t, rowfile.JSONL, rows...))
	crlf := func(text string) string { return strings.ReplaceAll(strings.ReplaceAll(text, "\r", ""), "\n", "\r\n") }
	assert.Equal(t, crlf(`id,name,rate,timestamp,doc
-9223372036854775808,,,,
1,"",0.5,2026-01-29 12:34,"{""a"" : ""μ\u0001""}"
2,"a,""b""`+"\n<&>\u2028"+`",-Infinity,2026-01-29T12:00:00.000000Z,[]
9223372036854775807, x	`+"\x00"+`,NaN,,
`), written(t, rowfile.CSV, rows...))
	for f, want := range map[rowfile.Format][]int{rowfile.JSONL: {1, 2, 3, 4}, rowfile.CSV: {2, 3, 4, 6}} {
		text := written(t, f, rows...)
		got, lines, err := read(f, iotest.OneByteReader(strings.NewReader(text)), 0)
		require.NoError(t, err, f)
		assert.Equal(t, want, lines)
		assert.Equal(t, text, written(t, f, got...))
		assert.Equal(t, "a,\"b\"\r\n<&>\u2028", got[2][1], "a CR before an LF is kept")
		assert.Nil(t, got[0][1])
		assert.Equal(t, "", got[1][1], "the empty text is not NULL")
	}
	for _, f := range rowfile.Formats() {
		rows, _, err := read(f, strings.NewReader(written(t, f)), 0)
		require.NoError(t, err)
		assert.Empty(t, rows)
		assert.ErrorIs(t, rowfile.NewWriter(io.Discard, f, table).Write(schema.Row{int64(1), "\xff", nil, nil, nil}), models.ErrCorrupt)
		lines := slices.Collect(strings.SplitSeq(written(t, f, schema.Row{int64(7), "a", 1e300, nil, nil}), "\n"))
		for range rowfile.Read(strings.NewReader(strings.Join(lines, "\n")), f, table, 0) {
			break // which is no error
		}
	}
}

// TestReordered: columns may come in any order, and lines end in either way.
func TestReordered(t *testing.T) {
	t.Parallel()
	for f, text := range map[rowfile.Format]string{
		rowfile.JSONL: "\n{\"doc\":null,\"timestamp\":null,\"name\":\"\\ud83d\\ude00 \\ufffd \\\\ud800\",\"rate\":1E+2,\"id\":5}\r\n  \r\n",
		rowfile.CSV:   "doc,timestamp,name,rate,id\n,,\"😀 \ufffd \\ud800\",\"1E+2\",5\n",
	} {
		rows, lines, err := read(f, strings.NewReader(text), 0)
		require.NoError(t, err, f)
		assert.Equal(t, []int{2}, lines)
		assert.Equal(t, []schema.Row{{int64(5), "😀 \ufffd \\ud800", 100.0, nil, nil}}, rows)
	}
	rows, _, err := read(rowfile.JSONL, strings.NewReader(`{"id":5,"name":null,"rate":null,"timestamp":null,"doc":null}`), 0)
	require.NoError(t, err, "an object is whole without a line break")
	assert.Len(t, rows, 1)
}

func TestRefused(t *testing.T) {
	t.Parallel()
	const row, head = `{"id":5,"name":"a","rate":1,"timestamp":null,"doc":null}` + "\n", "id,name,rate,timestamp,doc\n"
	with := func(old, new string) string {
		return row + strings.Replace(strings.Replace(row, "5", "6", 1), old, new, 1)
	}
	for name, tt := range map[string]struct {
		format rowfile.Format
		text   string
		want   string
	}{
		"Malformed": {rowfile.JSONL, with(`"name":`, `"name"`), `line 2: t: is not valid JSON: `},
		"NoJSON":    {rowfile.JSONL, row + "nonsense\n", `line 2: t: is not valid JSON: invalid character`},
		"Cut":       {rowfile.JSONL, with(`"doc":null}`+"\n", `"doc":`), `line 2: t: is not valid JSON: it was cut off`},
		"CutInText": {rowfile.JSONL, with(`"rate":1,"timestamp":null,"doc":null}`+"\n", `"ra`), `line 2: t: is not valid JSON: it was cut off`},
		"CutEarly":  {rowfile.JSONL, row + "{", `line 2: t: is not valid JSON: it was cut off`},
		"Comma":     {rowfile.JSONL, with(`null}`, `null,}`), `line 2: t: is not valid JSON`},
		"Array":     {rowfile.JSONL, row + "[1]\n", `line 2: t: is no JSON object`},
		"Two":       {rowfile.JSONL, row + strings.TrimSpace(row) + row, `line 2: t: holds more than one JSON object`},
		"UTF8":      {rowfile.JSONL, with(`"a"`, "\"\xff\""), `line 2: t: is not valid UTF-8`},
		"BOM":       {rowfile.JSONL, "\ufeff" + row, `line 1: t: begins with a byte order mark`},
		"UTF16":     {rowfile.JSONL, "\xff\xfe{\x00", `line 1: t: is not valid UTF-8`},
		"HalfPair":  {rowfile.JSONL, with(`"a"`, `"\ud800x"`), `line 2: t.name "\"\\ud800x\"": holds half of a surrogate pair`},
		"HalfPairs": {rowfile.JSONL, with(`"a"`, `"\ud83d\ud83d\ude00"`), `holds half of a surrogate pair`},
		"Second":    {rowfile.JSONL, with(`"a"`, `"\uDC00"`), `holds half of a surrogate pair`},
		"AtEnd":     {rowfile.JSONL, with(`"a"`, `"\uDbff"`), `holds half of a surrogate pair`},
		"Unknown":   {rowfile.JSONL, with(`"name"`, `"Name"`), `line 2: t "Name": is no column of this table`},
		"Missing":   {rowfile.JSONL, with(`"name":"a",`, ``), `line 2: t.name: is missing`},
		"Twice":     {rowfile.JSONL, with(`"name":"a"`, `"name":"a","name":"a"`), `line 2: t.name: is there twice`},
		"Number":    {rowfile.JSONL, with(`"a"`, `1`), `line 2: t.name "1": must be a string, or null`},
		"Object":    {rowfile.JSONL, with(`"doc":null`, `"doc":{}`), `line 2: t.doc "{}": must be a string, or null`},
		"Text":      {rowfile.JSONL, with(`:1,`, `:"1",`), `line 2: t.rate "\"1\"": must be a number, or null`},
		"Word":      {rowfile.JSONL, with(`:1,`, `:"N",`), `t.rate "\"N\"": must be a number, or "NaN", "Infinity" or "-Infinity"`},
		"Huge":      {rowfile.JSONL, with(`:1,`, `:1e999,`), `t.rate "1e999": must be a number`},
		"Bool":      {rowfile.JSONL, with(`:1,`, `:true,`), `t.rate "true": must be a number, or null`},
		"Fraction":  {rowfile.JSONL, with(`6`, `6.0`), `line 2: t.id "6.0": must be a whole number of 64 bits`},
		"TooLarge":  {rowfile.JSONL, with(`6`, `9223372036854775808`), `must be a whole number of 64 bits`},
		"Time":      {rowfile.JSONL, with(`"timestamp":null`, `"timestamp":"yesterday"`), `line 2: t.timestamp "\"yesterday\"": is no ISO 8601 time`},
		"NoKey":     {rowfile.JSONL, with(`6`, `null`), `line 2: t.id: is the key, and must not be NULL`},
		"SameKey":   {rowfile.JSONL, row + "\n" + row, `line 3: t.id "5": is the key of line 1 as well`},
		"Order":     {rowfile.JSONL, with(`6`, `4`), `line 2: t.id "4": comes after a larger key, in line 1; rows must be in ascending order`},
		"Long":      {rowfile.JSONL, with(`"a"`, `"`+strings.Repeat("a", 1000)+`"`), `line 2: is a row of more than 200 bytes`},
		"Endless":   {rowfile.JSONL, strings.Repeat("[", 1<<20), `line 1: is a row of more than 200 bytes`},

		"CSVEmpty":     {rowfile.CSV, "", `line 1: t: the file is empty; it must begin with the names of the columns`},
		"CSVBOM":       {rowfile.CSV, "\ufeff" + head, `line 1: t: begins with a byte order mark`},
		"CSVHeaderCut": {rowfile.CSV, "id,na", `line 1: ends without a line break: the file was cut off`},
		"CSVUnknown":   {rowfile.CSV, "id,nme,rate,timestamp,doc\n", `line 1: t "nme": is no column of this table`},
		"CSVMissing":   {rowfile.CSV, "id,name,rate,timestamp\n", `line 1: t.doc: is missing`},
		"CSVTwice":     {rowfile.CSV, "id,id,name,rate,timestamp,doc\n", `line 1: t.id: is there twice`},
		"CSVNoHeader":  {rowfile.CSV, "5,a,1,,\n", `line 1: t "5": is no column`},
		"CSVFew":       {rowfile.CSV, head + "5,a,1,\n", `line 2: t: has 4 fields instead of 5`},
		"CSVMany":      {rowfile.CSV, head + "5,a,1,,,\n", `line 2: t: has 6 fields instead of 5`},
		"CSVBlank":     {rowfile.CSV, head + "\n", `line 2: t: has 1 fields instead of 5`},
		"CSVCut":       {rowfile.CSV, head + "5,a,1,2026-01-29 12:34:56,", `line 2: ends without a line break: the file was cut off`},
		"CSVCutCR":     {rowfile.CSV, head + "5,a,1,,\r", `line 2: ends without a line break: the file was cut off`},
		"CSVCutQuoted": {rowfile.CSV, head + "5,\"a\n\nb", `line 2: the quotes that open in line 2 are not closed: the file was cut off`},
		"CSVCutAfter":  {rowfile.CSV, head + "5,\"a\"", `line 2: ends without a line break`},
		"CSVQuote":     {rowfile.CSV, head + "5,a\"b,1,,\n", `line 2: has a quote in a field that does not begin with one`},
		"CSVBehind":    {rowfile.CSV, head + "5,\"a\"b,1,,\n", `line 2: has text behind the quotes that end a field`},
		"CSVCR":        {rowfile.CSV, head + "5,a\rb,1,,\n", `line 2: has a CR without LF`},
		"CSVUTF8":      {rowfile.CSV, head + "5,\xff,1,,\n", `line 2: is not valid UTF-8`},
		"CSVEmptyText": {rowfile.CSV, head + "\"\",a,1,,\n", `line 2: t.id "": must be a whole number`},
		"CSVNoKey":     {rowfile.CSV, head + ",a,1,,\n", `line 2: t.id: is the key, and must not be NULL`},
		"CSVHex":       {rowfile.CSV, head + "5,a,0x1p2,,\n", `line 2: t.rate "0x1p2": must be a number`},
		"CSVPlus":      {rowfile.CSV, head + "+5,a,1,,\n", `line 2: t.id "+5": must be a whole number`},
		"CSVTime":      {rowfile.CSV, head + "5,a,1,yesterday,\n", `line 2: t.timestamp "yesterday": is no ISO 8601 time`},
		"CSVLines":     {rowfile.CSV, head + "5,\"a\n\n\",1,,\n4,a,1,,\n", `line 5: t.id "4": comes after a larger key, in line 2`},
		"CSVLong":      {rowfile.CSV, head + "5," + strings.Repeat("a", 1000), `line 2: is a row of more than 200 bytes`},
		"CSVEndless":   {rowfile.CSV, head + "5,\"" + strings.Repeat("a,", 1<<20), `line 2: is a row of more than 200 bytes`},
		"CSVCommas":    {rowfile.CSV, head + strings.Repeat(",", 199), `line 2: has more than 100 fields`},
		"CSVSplit":     {rowfile.CSV, head + "5,\xc3,\xa9,,\n", `line 2: is not valid UTF-8`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := read(tt.format, strings.NewReader(tt.text), 200)
			require.ErrorContains(t, err, tt.want)
			assert.ErrorIs(t, err, models.ErrInvalid)
		})
	}
	broken := errors.New("broken")
	for _, f := range rowfile.Formats() {
		for n := range len(head) + 10 {
			text := written(t, f, schema.Row{int64(1), "a", nil, nil, "\"\n"}, schema.Row{int64(2), "a", nil, nil, "\"\n"})
			_, _, err := read(f, io.MultiReader(strings.NewReader(text[:n]), iotest.ErrReader(broken)), 0)
			assert.ErrorIs(t, err, broken, "the stream's own error stays")
		}
	}
}

// FuzzRows: what was written is read again as it was, and what can be read can be written.
func FuzzRows(f *testing.F) {
	f.Add("", 0.0, "2026-01-29T12:34:56Z", `{"a":"\n"}`)
	f.Add("a,\"\r\n,\\", -1e-300, "2026-01-29 12:34", "\r")
	f.Fuzz(func(t *testing.T, text string, rate float64, when, doc string) {
		if !utf8.ValidString(text) || !utf8.ValidString(doc) {
			return
		}
		row := schema.Row{int64(1), text, rate, nil, doc}
		if at, err := models.ParseTimestamp(when); err == nil {
			row[3] = schema.Instant{Time: at.Time, Text: when}
		}
		for _, format := range rowfile.Formats() {
			got, _, err := read(format, strings.NewReader(written(t, format, row)), 0)
			require.NoError(t, err)
			require.Equal(t, fmt.Sprintf("%q", []schema.Row{row}), fmt.Sprintf("%q", got))
		}
	})
}

// FuzzRead: a reader never panics, and reads what it wrote of what it read.
func FuzzRead(f *testing.F) {
	f.Add(true, `{"id":1,"name":"a","rate":1,"timestamp":"2026-01-29","doc":"\ud83d\ude00"}`)
	f.Add(false, "id,name,rate,timestamp,doc\r\n1,\"\"\"\",,,\r\n")
	f.Fuzz(func(t *testing.T, jsonl bool, text string) {
		format := rowfile.CSV
		if jsonl {
			format = rowfile.JSONL
		}
		rows, _, err := read(format, strings.NewReader(text), 1<<16)
		if err != nil {
			require.ErrorIs(t, err, models.ErrInvalid)
		}
		again, _, err := read(format, strings.NewReader(written(t, format, rows...)), 0)
		require.NoError(t, err)
		require.Equal(t, fmt.Sprintf("%q", rows), fmt.Sprintf("%q", again))
	})
}
