package repository

import (
	"context"
	"errors"
	"strings"
	"time"

	"gorm.io/gorm/clause"

	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// list returns the list of all rows of a model's table, newest first by that column.
func (h handle) list(ctx context.Context, m models.Model, column string) list {
	return list{db: h.read(ctx).Model(m), table: m.TableName(), column: column}
}

// where adds a condition on a value of a filter, unless the value is "".
func (l *list) where(name, value string, condition any, args ...any) {
	if err := refuse.Unstorable(l.table, name, value); err != nil {
		l.err = errors.Join(l.err, err)
	} else if value != "" {
		l.db = l.db.Where(condition, args...)
	}
}

// equal selects the rows with that value; "" selects all.
func (l *list) equal(column, value string) {
	l.where(column, value, clause.Eq{Column: clause.Column{Name: column}, Value: value})
}

// oneOf selects the rows with that value of an enum; "" selects all.
func oneOf[T ~string](l *list, column string, value T, allowed []T) {
	if value == "" {
		return
	}
	if err := refuse.Unknown(l.table, column, value, allowed); err != nil {
		l.err = errors.Join(l.err, err)
		return
	}
	l.equal(column, string(value))
}

// between selects the rows with since <= l.column < until. A zero time is no bound.
//
// On an engine with times as text (SQLite), each bound is two conditions:
//
//   - A coarse one uses an index. It accepts every form of the bound's second in UTC, also
//     forms without seconds or hour. A time in another zone must lie within the bound by
//     its offset.
//   - An exact one. It first compares a time in UTC with a bound that is a second or a day
//     narrower, since the conversion by Dialect.TimeText takes a dozen times as long.
func (l *list) between(since, until time.Time) {
	if l.err != nil {
		return
	}
	if !since.IsZero() && !until.IsZero() && until.Before(since) {
		l.err = refuse.Invalid(l.table, l.column, until, "until must not lie before since")
		return
	}
	if !since.IsZero() && since.UTC().Year() >= 1 {
		at := ceil(since)
		if at.Year() > 9999 {
			l.err = refuse.Invalid(l.table, l.column, since, "must not lie after the year 9999")
			return
		}
		coarse := strings.TrimSuffix(strings.TrimSuffix(since.UTC().Format("2006-01-02 15:04:05"), ":00"), " 00:00")
		l.bound(">=", coarse, nextSecond(since), at)
	}
	if !until.IsZero() && ceil(until).Year() <= 9999 {
		at := ceil(until)
		if at.Year() < 1 {
			l.err = refuse.Invalid(l.table, l.column, until, "must not lie before the year 1")
			return
		}
		l.bound("<", nextSecond(until), until.UTC().Format("2006-01-02"), at)
	}
}

// ceil rounds up to a whole microsecond, the precision of stored times.
func ceil(t time.Time) models.Timestamp {
	return models.At(t.Add(time.Microsecond - time.Nanosecond))
}

// nextSecond returns the second after t, as text; after the year 9999, a text that sorts
// behind every time.
func nextSecond(t time.Time) string {
	if next := t.UTC().Add(time.Second); next.Year() <= 9999 {
		return next.Format("2006-01-02T15:04:05")
	}
	return "9999-13"
}

func (l *list) bound(op, coarse, within string, at models.Timestamp) {
	col, text := clause.Column{Table: l.table, Name: l.column}, sqlOf(l.db).TimeText
	if text == nil {
		l.db = l.db.Where("? "+op+" ?", col, at.Time)
		return
	}
	t := l.db.Statement.Quote(col)
	inside := t + " " + op + " ? AND substr(" + t + ", -1) = 'Z' OR (" + text(t) + ") " + op + " ?"
	l.db = l.db.Where("? "+op+" ?", col, coarse).Where("("+inside+")", within, at.String())
}
