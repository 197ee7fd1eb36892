package transfer

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
)

func TestRows(t *testing.T) {
	t.Parallel()
	table := &schema.Table{Columns: []schema.Column{{Kind: schema.Text}, {Kind: schema.Text}, {Kind: schema.Float}, {Kind: schema.Time}}}
	at := time.Date(2026, 1, 29, 12, 34, 56, 123456000, time.UTC)
	sum := func(row ...any) string {
		d := newDigester(table)
		d.add(row)
		return d.sum().SHA256
	}
	assert.Equal(t, sum("a", nil, 0.0, schema.Instant{Time: at}), sum("a", nil, math.Copysign(0, -1), schema.Instant{Time: at.Local(), Text: "as SQLite has it"}))
	seen := map[string]bool{}
	for _, row := range [][]any{
		{"a", nil, 1.0, nil}, {nil, "a", 1.0, nil}, {"a", "", 1.0, nil}, {"", "a", 1.0, nil}, {"as", "", 1.0, nil}, {"", "", -1.0, nil}, {"", "", nil, nil},
		{nil, nil, nil, schema.Instant{Time: at}}, {nil, nil, nil, schema.Instant{Time: at.Add(time.Microsecond)}}, {"0", "0", nil, nil}, {"00", "", nil, nil},
	} {
		assert.False(t, seen[sum(row...)], row)
		seen[sum(row...)] = true
	}
}

func TestBatches(t *testing.T) {
	t.Parallel()
	sizes := func(rows ...int) (list []int) {
		all := func(yield func(schema.Row, error) bool) {
			for i, size := range rows {
				if !yield(schema.Row{int64(i), strings.Repeat("x", size)}, nil) {
					return
				}
			}
		}
		next := int64(0)
		for batch, err := range batches(all, batchRows, textBytes) {
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

// TestCompare: each key that only one side has, or that differs, is visited once, in order.
func TestCompare(t *testing.T) {
	t.Parallel()
	table := &schema.Table{Key: []int{0}, Columns: []schema.Column{{Name: "id"}, {Name: "text", Kind: schema.Text}}}
	row := func(id int64, text string) schema.Row { return schema.Row{id, text} }
	mine := []schema.Row{row(1, "mine"), row(2, "both"), row(4, "new"), row(6, "mine"), row(7, "mine")}
	theirs := []schema.Row{row(0, "theirs"), row(2, "both"), row(3, "theirs"), row(4, "old")}
	var got [][2]schema.Row
	read, err := compare(table, mine, Sequence(theirs), func(mine, theirs schema.Row) error {
		got = append(got, [2]schema.Row{mine, theirs})
		return nil
	})
	require.NoError(t, err)
	assert.EqualValues(t, 4, read)
	assert.Equal(t, [][2]schema.Row{
		{nil, row(0, "theirs")}, {row(1, "mine"), nil}, {nil, row(3, "theirs")}, {row(4, "new"), row(4, "old")},
		{row(6, "mine"), nil}, {row(7, "mine"), nil},
	}, got)
	for stop := range got {
		visited := 0
		_, err := compare(table, mine, Sequence(theirs), func(_, _ schema.Row) error {
			if visited++; visited > stop {
				return assert.AnError
			}
			return nil
		})
		require.ErrorIs(t, err, assert.AnError)
		assert.Equal(t, stop+1, visited)
	}
}
