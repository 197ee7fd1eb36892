package repository

import (
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gorm.io/gorm"
)

// durations are those of a stage or agent: how many there are of each, in milliseconds,
// and how many of its rows have each status, by its number.
type durations struct {
	count  int64
	times  map[int64]int64
	status [4]int64
}

// counting counts the rows of q by three columns. SQLite would sort them for that, which
// takes it three times as long as to hand them all over.
func counting(q *gorm.DB, columns string) *gorm.DB {
	if q.Name() == "sqlite" {
		return q.Select(columns + ", 1")
	}
	return q.Select(columns + ", COUNT(*)").Group(columns)
}

// countDurations adds up rows of: whose duration it is, the number of the status, the
// duration, and how many such rows there are. A negative duration is none.
func countDurations[K comparable](q *gorm.DB) (map[K]*durations, error) {
	by := map[K]*durations{}
	var of K
	var status, duration, n number
	into := []any{&of, &status, &duration, &n}
	err := scan(q, func(rows *sql.Rows) error {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		d := by[of]
		if d == nil {
			d = &durations{times: map[int64]int64{}}
			by[of] = d
		}
		d.status[status] += int64(n)
		if duration >= 0 {
			d.times[int64(duration)] += int64(n)
			d.count += int64(n)
		}
		return nil
	})
	return by, err
}

// percentiles are those of durations that are not empty: each is the first of them, in
// order, that is at its rank or behind it.
func (d *durations) percentiles() (p Percentiles) {
	ranks := []struct {
		rank int64
		into *int64
	}{{d.rank(50), &p.P50MS}, {d.rank(95), &p.P95MS}, {d.rank(99), &p.P99MS}, {d.count, &p.MaxMS}}
	var upTo int64
	for _, duration := range slices.Sorted(maps.Keys(d.times)) {
		for upTo += d.times[duration]; len(ranks) > 0 && upTo >= ranks[0].rank; ranks = ranks[1:] {
			*ranks[0].into = duration
		}
	}
	return p
}

// rank is percent of the count, rounded up.
func (d *durations) rank(percent int64) int64 {
	return d.count/100*percent + (d.count%100*percent+99)/100
}

// place is SQL for the number that the value of a column has in the list of all.
func place[S ~string](column string, values []S) string {
	var b strings.Builder
	b.WriteString("CASE " + column)
	for i, v := range values {
		fmt.Fprintf(&b, " WHEN '%s' THEN %d", v, i)
	}
	return b.String() + " END"
}
