package repository

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// timelineBuckets is the largest number of buckets of a timeline with a step of 0.
const timelineBuckets = 100

// TimelineBucket counts the executions that began in a span of time, by status.
type TimelineBucket struct {
	Start     models.Timestamp `json:"start"`
	End       models.Timestamp `json:"end"` // exclusive
	Passed    int64            `json:"passed"`
	Failed    int64            `json:"failed"`
	Partial   int64            `json:"partial"`
	Cancelled int64            `json:"cancelled"`
}

// Timeline counts the selected executions per bucket of time, from the first execution to
// the last, oldest first, including empty buckets. A bucket has the length step, in whole
// minutes, and starts at a multiple of step since the year 1, in UTC: days at midnight,
// weeks on Monday.
//
// A step of 0 selects the shortest of 1, 5 and 15 minutes, 1, 3 and 12 hours, 1 day, and 1,
// 2, 4 and so on weeks that makes at most 100 buckets. Errors: models.ErrInvalid for an
// invalid filter or step, and for more than MaxLimit buckets.
func (r *Reports) Timeline(ctx context.Context, f ReportFilter, step time.Duration) ([]TimelineBucket, error) {
	if step < 0 || step%time.Minute != 0 {
		return nil, refuse.Invalid(receiptsTable, "step", step, "must be whole minutes, or 0")
	}
	q, err := r.executions(ctx, f)
	if err != nil {
		return nil, err
	}
	t := timeline{step: step, limit: MaxLimit, at: map[int64]*TimelineBucket{}}
	if step == 0 {
		t.limit, t.chosen = timelineBuckets, true
		if t.step, err = coarseStep(q); err != nil {
			return nil, err
		}
	}
	if err := t.read(q); err != nil {
		return nil, err
	}
	return t.list(), nil
}

// coarseStep returns the shortest step for a timeline of q. The result may be too short,
// since a few forms of times do not sort as text.
func coarseStep(q *gorm.DB) (time.Duration, error) {
	var first, last models.Timestamp
	// One statement for both would make SQLite read every row.
	for column, into := range map[string]*models.Timestamp{"MIN(timestamp)": &first, "MAX(timestamp)": &last} {
		err := scan(q.Select(column), func(rows *sql.Rows) error { return rows.Scan(into) })
		if err != nil {
			return 0, err
		}
	}
	step := time.Minute
	for (last.Unix()-first.Unix())/int64(step/time.Second) >= timelineBuckets {
		step = longer(step)
	}
	return step, nil
}

// longer returns the next step, a multiple of step.
func longer(step time.Duration) time.Duration {
	for _, next := range []time.Duration{5 * time.Minute, 15 * time.Minute, time.Hour, 3 * time.Hour, 12 * time.Hour, day, 7 * day} {
		if next > step {
			return next
		}
	}
	return 2 * step
}

const day = 24 * time.Hour

// timeline collects buckets.
type timeline struct {
	step        time.Duration
	limit       int  // of buckets
	chosen      bool // the step may be made longer
	at          map[int64]*TimelineBucket
	first, last int64 // starts of buckets, in seconds since 1970; unset without buckets
}

// read counts the receipts of q by the longest unit that divides the step.
func (t *timeline) read(q *gorm.DB) error {
	unit := "minute"
	switch {
	case t.step%day == 0:
		unit = "day"
	case t.step%time.Hour == 0:
		unit = "hour"
	}
	group, show := sqlOf(q).TimeUnit(unit)
	q = q.Select(show + ", status, COUNT(*)").Group(group + ", status")
	return scan(q, func(rows *sql.Rows) error {
		var at models.Timestamp
		var status models.ReceiptStatus
		var n int64
		if err := rows.Scan(&at, &status, &n); err != nil {
			return err
		}
		*t.bucket(at).of(status) += n
		return t.fits()
	})
}

// bucket returns the bucket of a time.
func (t *timeline) bucket(at models.Timestamp) *TimelineBucket {
	start := at.Truncate(t.step)
	key := start.Unix()
	b := t.at[key]
	if b == nil {
		b = &TimelineBucket{Start: models.At(start), End: models.At(start.Add(t.step))}
		if len(t.at) == 0 {
			t.first, t.last = key, key
		}
		t.first, t.last = min(t.first, key), max(t.last, key)
		t.at[key] = b
	}
	return b
}

// of returns the counter of a status.
func (b *TimelineBucket) of(status models.ReceiptStatus) *int64 {
	switch status {
	case models.ReceiptPassed:
		return &b.Passed
	case models.ReceiptFailed:
		return &b.Failed
	case models.ReceiptPartial:
		return &b.Partial
	default:
		return &b.Cancelled
	}
}

// fits makes the step longer while there are too many buckets, or returns an error.
func (t *timeline) fits() error {
	for {
		n := (t.last-t.first)/int64(t.step/time.Second) + 1
		if n <= int64(t.limit) {
			return nil
		}
		if !t.chosen {
			return refuse.Invalid(receiptsTable, "step", t.step, fmt.Sprintf("makes more than %d buckets", t.limit))
		}
		short := t.at
		t.step, t.at = longer(t.step), map[int64]*TimelineBucket{}
		for _, b := range short {
			whole := t.bucket(b.Start)
			for _, status := range models.ReceiptStatuses() {
				*whole.of(status) += *b.of(status)
			}
		}
	}
}

// list returns all buckets in order, including empty ones.
func (t *timeline) list() []TimelineBucket {
	list := []TimelineBucket{}
	if len(t.at) == 0 {
		return list
	}
	for key := t.first; key <= t.last; key += int64(t.step / time.Second) {
		list = append(list, *t.bucket(models.At(time.Unix(key, 0))))
	}
	return list
}
