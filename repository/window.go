package repository

import (
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// between selects the rows with since <= column < until. A zero time is no bound.
//
// On an engine with times as text (SQLite), each bound is two conditions:
//
//   - A coarse one uses an index. It accepts every form of the bound's second in UTC, also
//     forms without seconds or hour. A time in another zone must lie within the bound by
//     its offset.
//   - An exact one. It first compares a time in UTC with a bound that is a second or a day
//     narrower, since the conversion by Dialect.TimeText takes a dozen times as long.
func between(db *gorm.DB, table, column string, since, until time.Time) (*gorm.DB, error) {
	if !since.IsZero() && !until.IsZero() && until.Before(since) {
		return nil, refuse.Invalid(table, column, until, "until must not lie before since")
	}
	col := clause.Column{Table: table, Name: column}
	if !since.IsZero() && since.UTC().Year() >= 1 {
		at := ceil(since)
		if at.Year() > 9999 {
			return nil, refuse.Invalid(table, column, since, "must not lie after the year 9999")
		}
		within := behind
		if next := since.UTC().Add(time.Second); next.Year() <= 9999 {
			within = next.Format("2006-01-02T15:04:05")
		}
		coarse := strings.TrimSuffix(strings.TrimSuffix(since.UTC().Format("2006-01-02 15:04:05"), ":00"), " 00:00")
		db = bound(db, col, ">=", coarse, within, at)
	}
	if !until.IsZero() && ceil(until).Year() <= 9999 {
		at := ceil(until)
		if at.Year() < 1 {
			return nil, refuse.Invalid(table, column, until, "must not lie before the year 1")
		}
		coarse := behind
		if next := until.UTC().Add(time.Second); next.Year() <= 9999 {
			coarse = next.Format("2006-01-02T15:04:05")
		}
		db = bound(db, col, "<", coarse, until.UTC().Format("2006-01-02"), at)
	}
	return db, nil
}

// ceil rounds up to a whole microsecond, the precision of stored times.
func ceil(t time.Time) models.Timestamp {
	return models.At(t.Add(time.Microsecond - time.Nanosecond))
}

// behind sorts after every time.
const behind = "9999-13"

func bound(db *gorm.DB, col clause.Column, op, coarse, within string, at models.Timestamp) *gorm.DB {
	text := sqlOf(db).TimeText
	if text == nil {
		return db.Where("? "+op+" ?", col, at.Time)
	}
	t := db.Statement.Quote(col)
	inside := t + " " + op + " ? AND substr(" + t + ", -1) = 'Z' OR (" + text(t) + ") " + op + " ?"
	return db.Where("? "+op+" ?", col, coarse).Where("("+inside+")", within, at.String())
}
